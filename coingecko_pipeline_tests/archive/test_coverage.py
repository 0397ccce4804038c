"""The coverage of a coin, answer by answer: nothing that is there becomes less."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.archive.answers import ChartRecord, Outcome
from coingecko_pipeline.archive.coverage import (
    FIRST_WAIT,
    LONGEST_WAIT,
    Coverage,
    archive_answer,
    coverage_after,
    read_coverage,
)
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, covering, dates, prices
from coingecko_pipeline_tests.databases import on_servers
from coingecko_pipeline_tests.running import rows_of

WHOLE = answer_of("x", prices(364, 0))
EMPTY = answer_of("x", {})


def failed(outcome: Outcome, day: int = 0) -> ChartRecord:
    return ChartRecord("x", 365, NIGHT + timedelta(days=day), outcome)


def archive(database: Database, *records: ChartRecord) -> None:
    for record in records:
        database.run_in_transaction(lambda connection, record=record: archive_answer(connection, record))  # type: ignore[misc]


@pytest.mark.parametrize(
    "later",
    [EMPTY, *(failed(outcome) for outcome in Outcome if outcome is not Outcome.VALUES)],
    ids=lambda r: r.outcome,
)
def test_an_answer_without_values_leaves_what_a_full_chart_covered(database: Database, later: ChartRecord) -> None:
    archive(database, WHOLE, later)
    coverage = read_coverage(database)["x"]
    assert (coverage.covered, coverage.points) == (dates(364, 0), dates(364, 0))
    assert (coverage.outcome, coverage.misses) == (later.outcome, 1)
    assert coverage.ask_again_on is not None
    assert coverage.ask_again_on > TODAY
    assert rows_of(database, "SELECT outcome, body IS NULL FROM market_charts WHERE midnights > 0") == [("values", 0)]


records = st.one_of(
    st.sampled_from([EMPTY, *(failed(outcome) for outcome in Outcome if outcome is not Outcome.VALUES)]),
    st.builds(
        lambda days, asked, at: answer_of("x", dict.fromkeys(days, 1.0), days=asked, at=NIGHT + timedelta(days=at)),
        st.sets(st.integers(-30, 30).map(lambda number: back(number)), max_size=20),
        st.integers(0, 40),
        st.integers(0, 20),
    ),
)


@given(st.lists(records, max_size=8))
def test_whatever_comes_no_date_that_was_spoken_for_or_has_a_value_is_lost(answers: list[ChartRecord]) -> None:
    coverage: Coverage | None = None
    for answer in answers:
        after = coverage_after(coverage, answer)
        if coverage is not None:
            assert after.covered.covers(coverage.covered)
            assert after.points.covers(coverage.points)
        assert after.covered.covers(after.points)
        assert after.covered.covers(answer.spoken_for)
        assert after.points.covers(answer.dates)
        coverage = after


def test_what_brings_nothing_is_asked_again_after_a_week_and_then_twice_as_long_up_to_a_quarter() -> None:
    coverage, waits = None, []
    for _ in range(8):
        coverage = coverage_after(coverage, EMPTY)
        assert coverage.ask_again_on is not None
        waits.append((coverage.ask_again_on - TODAY).days)
    assert waits == [7, 14, 28, 56, 90, 90, 90, 90]
    assert coverage is not None
    assert coverage_after(coverage, WHOLE).ask_again_on is None


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNREADABLE])
def test_a_fault_is_asked_again_the_next_day_and_then_twice_as_long_up_to_a_quarter(outcome: Outcome) -> None:
    coverage, waits = None, []
    for _ in range(9):
        coverage = coverage_after(coverage, failed(outcome))
        assert coverage.ask_again_on is not None
        waits.append((coverage.ask_again_on - TODAY).days)
    assert waits == [1, 2, 4, 8, 16, 32, 64, LONGEST_WAIT.days, LONGEST_WAIT.days]


def test_a_chart_that_ended_a_week_ago_brings_nothing_new() -> None:
    assert coverage_after(None, answer_of("x", prices(100, 7))).ask_again_on is None
    assert coverage_after(None, answer_of("x", prices(100, 8))).ask_again_on == TODAY + FIRST_WAIT


def test_a_chart_without_the_latest_date_alone_is_asked_again_the_next_day() -> None:
    coverage = coverage_after(None, answer_of("x", prices(100, 1)))
    assert (coverage.misses, coverage.ask_again_on) == (0, TODAY + timedelta(days=1))
    assert coverage.waits(TODAY, TODAY)
    assert not coverage.waits(TODAY + timedelta(days=1), TODAY)


@pytest.mark.parametrize(
    ("outcome", "first_missing", "waits"),
    [
        (Outcome.VALUES, back(19), True),
        (Outcome.VALUES, back(400), False),
        (Outcome.EMPTY, back(400), True),
        (Outcome.NOT_FOUND, back(400), True),
        (Outcome.REFUSED, back(400), True),
        (Outcome.UNREADABLE, back(400), True),
    ],
)
def test_a_chart_that_has_ended_waits_with_its_end_alone_and_what_failed_with_everything(
    outcome: Outcome, first_missing: date, waits: bool
) -> None:
    coverage = covering(dates(364, 20), outcome=outcome, ask_again_on=TODAY + timedelta(days=1))
    assert coverage.waits(TODAY, first_missing) == waits
    assert not coverage.waits(TODAY + timedelta(days=1), first_missing)


def test_dates_with_a_snapshot_are_missing_and_not_lacked() -> None:
    coverage = covering(dates(10, 5), snapshots=DateRange(back(4), back(1)))
    dates_of_all = DateRange(back(12), TODAY)
    assert coverage.missing(dates_of_all) == dates(12, 11).union(dates(4, 0))
    assert coverage.missing_without_snapshots(dates_of_all) == dates(12, 11).union(dates(0, 0))


@on_servers
def test_two_processes_that_ask_for_a_new_coin_at_once_keep_the_dates_of_both(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    first, second = answer_of("x", prices(364, 100)), answer_of("x", prices(99, 0), days=100)
    done: list[Any] = []

    def archive_second() -> None:
        done.append(other.run_in_transaction(lambda connection: archive_answer(connection, second)))

    thread = threading.Thread(target=archive_second)
    with database.transaction() as connection:
        archive_answer(connection, first)
        thread.start()
        thread.join(0.5)
        assert not done, "it did not wait for the coin"
    thread.join(30)
    other.dispose()
    assert len(done) == 1
    assert read_coverage(database)["x"].points == dates(364, 0)


@pytest.mark.parametrize("coin", ["..", "ends ", "ENDS ", "café", "cafe", "a/b", "%", "🦊", "x" * 191])
def test_odd_ids_are_coins_of_their_own(database: Database, coin: str) -> None:
    archive(database, *(answer_of(each, prices(3, 0)) for each in ("ends", "x", coin)))
    assert set(read_coverage(database)) == {"ends", "x", coin}
    assert list(read_coverage(database, [coin])) == [coin]
