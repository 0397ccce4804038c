"""What an answer was, and which dates it speaks for."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from coingecko_pipeline.archive.answers import LARGEST_BODY, ChartRecord, Outcome, record_of, store_answer
from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, body_of, dates, prices
from coingecko_pipeline_tests.running import rows_of

EMPTY = b'{"prices": [], "market_caps": [], "total_volumes": []}'


def test_an_answer_speaks_for_the_dates_that_were_asked_for_with_or_without_a_value() -> None:
    record = answer_of("x", {back(5): 1.0, back(3): 2.0, TODAY: 3.0}, days=10)
    assert record.outcome is Outcome.VALUES
    assert record.spoken_for == dates(9, 0)
    assert record.dates == dates(5, 5).union(dates(3, 3)).union(dates(0, 0))


def test_an_answer_of_the_first_ten_minutes_speaks_for_its_day_only_where_it_has_it() -> None:
    early = datetime(2026, 3, 9, 0, 9, 59, tzinfo=UTC)
    assert answer_of("x", prices(3, 1), at=early, days=5).spoken_for == dates(4, 1)
    assert answer_of("x", prices(3, 0), at=early, days=5).spoken_for == dates(4, 0)


def test_an_answer_without_the_latest_date_does_not_speak_for_it_since_it_may_come() -> None:
    # On its way while the day's point was made, or out of a cache.
    assert answer_of("x", prices(3, 1), days=5).spoken_for == dates(4, 1)
    assert answer_of("x", prices(3, 2), days=5).spoken_for == dates(4, 0)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (EMPTY, Outcome.EMPTY),
        (body_of({back(1): (None, None, None)}), Outcome.EMPTY),
        (body_of({back(1): (-1.0, None, None)}), Outcome.EMPTY),
        (b'{"prices": [[1, 2]], "market_caps": []}', Outcome.UNREADABLE),
        (body_of(prices(3, 0)).replace(b"2.0", b"1e999"), Outcome.UNREADABLE),
        (b"[]", Outcome.UNREADABLE),
        (b"<html>", Outcome.UNREADABLE),
    ],
)
def test_an_answer_without_a_value_or_that_is_no_chart_speaks_for_nothing(body: bytes, outcome: Outcome) -> None:
    record = record_of("x", 365, NIGHT, body)
    assert record.outcome is outcome
    assert (record.spoken_for.count(), record.dates.count(), record.body) == (0, 0, body)
    assert bool(record.reason) == (outcome is Outcome.UNREADABLE)


def test_points_of_the_future_and_of_before_coingecko_are_no_dates() -> None:
    points = {FIRST_DATE - timedelta(days=1): 1.0, FIRST_DATE: 2.0, TODAY: 3.0, TODAY + timedelta(days=1): 4.0}
    record = answer_of("x", points, days=5_000)
    assert (record.dates.first, record.dates.last, len(record.points)) == (FIRST_DATE, TODAY, 2)
    only_future = answer_of("x", {date(2031, 1, 1): 1.0})
    assert (only_future.outcome, only_future.spoken_for.count()) == (Outcome.EMPTY, 0)


def test_a_body_larger_than_any_chart_is_unreadable_and_not_kept(database: Database) -> None:
    chart = json.loads(body_of(prices(3, 0)))
    body = json.dumps({**chart, "more": "x" * LARGEST_BODY}).encode()
    record = record_of("x", 365, NIGHT, body)
    assert record.outcome is Outcome.UNREADABLE
    assert "bytes, and no chart has more than 8,000,000" in record.reason
    database.run_in_transaction(lambda connection: store_answer(connection, record))
    assert rows_of(database, "SELECT outcome, body FROM market_charts") == [("unreadable", None)]


def test_a_page_that_a_refusal_came_with_is_kept_as_it_came(database: Database) -> None:
    record = ChartRecord("x", 365, NIGHT, Outcome.UNREADABLE, b"<html>busy</html>")
    database.run_in_transaction(lambda connection: store_answer(connection, record))
    assert rows_of(database, "SELECT LENGTH(body) > 0, is_written, midnights FROM market_charts") == [(1, 1, 0)]
