"""Archived charts into daily_market, on real databases: once each, in their order, whatever happens in between."""

import threading
import zlib
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import ChartRecord, Outcome, StoredAnswer
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.changes import changes_after
from coingecko_pipeline.market.charts import ChartWriter, Written
from coingecko_pipeline.market.verify import verify_market
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, body_of, dates, moment_of, prices
from coingecko_pipeline_tests.databases import on_servers
from coingecko_pipeline_tests.market.stocking import archive, market_of, snapshot, write
from coingecko_pipeline_tests.running import rows_of
from coingecko_pipeline_tests.unreliable import UnreliableDatabase

EMPTY = answer_of("x", {}, at=NIGHT + timedelta(days=1))


def changes_of(database: Database) -> list[tuple[str | None, date, date]]:
    return [(each.asset_id, each.first, each.last) for each in changes_after(database, "daily_market", 0).changes]


def bodies(database: Database) -> list[int]:
    return [number for (number,) in rows_of(database, "SELECT answer_id FROM market_charts WHERE body IS NOT NULL")]


def test_a_charts_rows_its_mark_and_its_change_are_written_together(database: Database) -> None:
    written = write(database, answer_of("x", {back(2): 1.0, back(1): (2.0, None, 4.0), TODAY: 3.0}))
    assert (written.answers, written.rows, written.revisions) == (1, 3, 0)
    assert market_of(database) == {
        ("x", back(2)): (1.0, 10.0, 1000.0, "chart", moment_of(back(2))),
        ("x", back(1)): (2.0, None, 4.0, "chart", moment_of(back(1))),
        ("x", TODAY): (3.0, 30.0, 3000.0, "chart", moment_of(TODAY)),
    }
    assert rows_of(database, "SELECT is_written FROM market_charts") == [(1,)]
    assert changes_of(database) == [("x", back(2), TODAY)]


def test_a_chart_replaces_a_snapshot_value_by_value_and_of_any_kind(database: Database) -> None:
    snapshot(database, "x", back(1), (9.0, 8.0, 2e12))
    snapshot(database, "x", TODAY, (9.0, 8.0, 7.0), tables.STALE)
    write(database, answer_of("x", {back(1): (1.0, 2.0, None), TODAY: 1.0}))
    assert market_of(database) == {
        ("x", back(1)): (1.0, 2.0, 2e12, "chart", moment_of(back(1))),
        ("x", TODAY): (1.0, 10.0, 1000.0, "chart", moment_of(TODAY)),
    }


def test_an_empty_answer_over_a_full_chart_leaves_every_row_and_body(database: Database) -> None:
    write(database, answer_of("x", prices(9, 0)))
    before = market_of(database)
    archive(database, EMPTY)
    archive(database, ChartRecord("x", 365, NIGHT, Outcome.UNREADABLE, b"<html>"))
    assert ChartWriter(database).write_unwritten().answers == 0
    assert market_of(database) == before
    assert verify_market(database, repair=True).is_clean
    assert market_of(database) == before
    assert len(bodies(database)) == 3


def test_only_what_has_changed_is_written_and_logged(database: Database) -> None:
    write(database, answer_of("x", prices(9, 1)), answer_of("y", prices(9, 1)))
    later = {**prices(9, 0), back(4): 77.0}
    written = write(database, answer_of("x", later, at=NIGHT + timedelta(hours=1)))
    assert (written.rows, written.revisions) == (2, 3)
    assert changes_of(database)[2:] == [("x", back(4), TODAY)]
    assert write(database, answer_of("x", later, at=NIGHT + timedelta(hours=2))).rows == 0
    assert len(changes_of(database)) == 3


def test_what_coingecko_rewrites_of_settled_days_is_kept(database: Database) -> None:
    write(database, answer_of("x", {back(5): 1.0, back(3): (2.0, 20.0, None)}, at=NIGHT - timedelta(days=3)))
    write(database, answer_of("x", {back(5): 1.5, back(3): 9.0, TODAY: 4.0}))
    told = rows_of(database, "SELECT asset_id, date, column_name, old_value, new_value FROM market_revisions")
    # The answer before came on the night of `back(3)`, which was not over.
    assert sorted((coin, str(day), column, old, new) for coin, day, column, old, new in told) == [
        ("x", str(back(5)), "market_cap_usd", 1000.0, 1500.0),
        ("x", str(back(5)), "price_usd", 1.0, 1.5),
        ("x", str(back(5)), "volume_24h_usd", 10.0, 15.0),
    ]


def test_a_day_is_settled_by_the_latest_answer_that_had_values_and_by_no_failure_since(database: Database) -> None:
    write(database, answer_of("x", {back(3): 2.0}, at=NIGHT - timedelta(days=3)))
    archive(database, ChartRecord("x", 365, NIGHT - timedelta(days=1), Outcome.REFUSED))
    archive(database, answer_of("x", {}, at=NIGHT - timedelta(days=1)))
    assert write(database, answer_of("x", {back(3): 9.0, TODAY: 1.0})).revisions == 0


def test_charts_that_a_crash_left_in_the_archive_are_written_by_the_next_run(database: Database) -> None:
    for coin in ("x", "y"):
        archive(database, answer_of(coin, prices(9, 0)))
    archive(database, answer_of("x", prices(9, 0, price=5.0), at=NIGHT + timedelta(hours=1)))
    told: list[int] = []
    written = ChartWriter(database).write_unwritten(told.append)
    assert (written.answers, sum(told)) == (3, 3)
    assert market_of(database)["x", back(9)][0] == 5.0
    assert verify_market(database).is_clean
    assert ChartWriter(database).write_unwritten() == Written()


def test_a_coins_earlier_answer_that_is_not_written_yet_is_written_before_the_later(database: Database) -> None:
    archive(database, answer_of("x", {back(2): 1.0, back(1): 1.0}, at=NIGHT - timedelta(days=1)))
    later = archive(database, answer_of("x", {back(2): 2.0, TODAY: 2.0}))
    written = ChartWriter(database).write([later])
    assert (written.answers, written.rows) == (2, 4)
    assert [market_of(database)["x", back(day)][0] for day in (2, 1, 0)] == [2.0, 1.0, 2.0]
    assert ChartWriter(database).write_unwritten().answers == 0
    assert verify_market(database).is_clean


def test_an_answer_that_another_process_has_written_is_not_written_again(database: Database) -> None:
    write(database, answer_of("x", prices(9, 1)))
    revised = archive(database, answer_of("x", {**prices(9, 0), back(5): 70.0}, at=NIGHT + timedelta(hours=1)))
    first, second = (ChartWriter(database).write([revised]) for _ in range(2))
    assert (first.answers, first.revisions) == (1, 3)
    assert second == Written()
    assert rows_of(database, "SELECT COUNT(*) FROM market_revisions") == [(3,)]


@on_servers
def test_two_processes_that_write_the_same_answers_at_once_write_each_once(database: Database) -> None:
    coins = [f"coin-{number}" for number in range(8)]
    write(database, *(answer_of(coin, prices(99, 1)) for coin in coins))
    revised = {**prices(99, 0), back(5): 1e6}
    answers = [archive(database, answer_of(coin, revised, at=NIGHT + timedelta(hours=1))) for coin in coins]
    others = [Database(database.url.render_as_string(hide_password=False)) for _ in range(3)]
    done: list[Written] = []
    threads = [threading.Thread(target=lambda way=way: done.append(ChartWriter(way).write(answers))) for way in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for way in others:
        way.dispose()
    assert [sum(each.answers for each in done), sum(each.revisions for each in done)] == [8, 24]
    assert verify_market(database).is_clean


@pytest.mark.parametrize("failure", ["deadlocks", "lost_commits"])
def test_a_transaction_that_is_tried_again_writes_and_counts_once(database: Database, failure: str) -> None:
    way = UnreliableDatabase(database)
    write(database, answer_of("x", prices(9, 1)))
    revised = archive(database, answer_of("x", {**prices(9, 0), back(5): 70.0}, at=NIGHT + timedelta(hours=1)))
    setattr(way, failure, 2)
    written = ChartWriter(way).write([revised])
    way.dispose()
    assert (written.answers, written.rows, written.revisions) == (1, 2, 3)
    assert rows_of(database, "SELECT COUNT(*) FROM market_revisions") == [(3,)]
    assert len(changes_of(database)) == 2


def test_refreshes_leave_the_first_and_the_last_body_and_the_rows_can_be_made_of_them(database: Database) -> None:
    for day in range(6, -1, -1):
        # Four dates each, a day further each time.
        write(database, answer_of("x", prices(day + 3, day, price=100.0 - day), at=NIGHT - timedelta(days=day), days=4))
        assert verify_market(database).is_clean
    assert len(market_of(database)) == 10
    assert len(rows_of(database, "SELECT answer_id FROM market_charts")) == 7
    assert len(bodies(database)) <= 4


def test_a_body_stays_until_the_rows_of_the_later_one_are_written(database: Database) -> None:
    write(database, answer_of("x", prices(9, 0)))
    archive(database, answer_of("x", prices(9, 0, price=5.0), at=NIGHT + timedelta(hours=1)))
    assert len(bodies(database)) == 2
    assert verify_market(database, repair=True).is_clean, "the rows of the first are no surplus"
    assert len(market_of(database)) == 10
    ChartWriter(database).write_unwritten()
    assert len(bodies(database)) == 1


def test_a_body_with_a_value_that_the_later_one_lacks_stays(database: Database) -> None:
    write(database, answer_of("x", {back(2): 1.0, TODAY: 1.0}))
    write(database, answer_of("x", {back(2): (1.0, None, 1.0), TODAY: 1.0}, at=NIGHT + timedelta(hours=1)))
    assert len(bodies(database)) == 2
    assert verify_market(database).is_clean


def test_charts_of_2013_and_of_dates_with_a_point_at_five_past_midnight_are_rows(database: Database) -> None:
    odd = date(2018, 1, 30)
    points = {date(2013, 4, 28): 1.0, odd: 2.0, odd + timedelta(days=1): 3.0}
    at = datetime(2018, 1, 31, 1, tzinfo=UTC)
    write(database, answer_of("x", points, at=at, days=5_000, seconds={odd: 321.25}))
    assert market_of(database)["x", odd] == (2.0, 20.0, 2000.0, "chart", moment_of(odd, 321.25))
    assert len(market_of(database)) == 3
    assert verify_market(database).is_clean


def old_answer(database: Database, coin: str, body: bytes, covered: DateRange) -> None:
    """An answer and its coverage as the migration carries them over: its body was not read."""
    with database.transaction() as connection:
        connection.execute(
            insert(tables.market_charts).values(
                asset_id=coin,
                answered_at=NIGHT,
                days=len(covered),
                outcome="values",
                body=zlib.compress(body),
                midnights=0,
                is_written=False,
            )
        )
        connection.execute(
            insert(tables.chart_coverage).values(
                asset_id=coin,
                covered=f'[["{covered.first}", "{covered.last}"]]',
                points="[]",
                outcome="values",
                answered_at=NIGHT,
                misses=0,
            )
        )


def test_what_an_earlier_version_stored_is_read_and_one_broken_body_harms_nothing(database: Database) -> None:
    year = DateRange(back(364), TODAY)
    old_answer(database, "broken", body_of(prices(9, 0)).replace(b"1.0", b"1e999"), year)
    old_answer(database, "empty", body_of({}), year)
    old_answer(database, "whole", body_of(prices(9, 0)), year)
    written = ChartWriter(database).write_unwritten()
    assert (written.answers, written.rows, sorted(written.unreadable)) == (1, 10, ["broken", "empty"])
    coverage = read_coverage(database)
    assert {coin: known.outcome for coin, known in coverage.items()} == {
        "broken": Outcome.UNREADABLE,
        "empty": Outcome.EMPTY,
        "whole": Outcome.VALUES,
    }
    assert coverage["whole"].points == dates(9, 0)
    assert not coverage["broken"].covered
    assert ChartWriter(database).write_unwritten() == Written()
    assert verify_market(database).is_clean


def test_more_points_than_a_transaction_has_are_written_in_several(database: Database) -> None:
    answers: list[StoredAnswer] = []
    for coin in range(4):
        points = {date(2026, 3, 9) - timedelta(days=day): 1.0 for day in range(40)}
        answers.append(archive(database, answer_of(f"coin-{coin}", points)))
    assert ChartWriter(database, points_at_once=50).write(answers).rows == 160
    moments = rows_of(database, "SELECT COUNT(*), MAX(number) FROM market_changes")
    assert moments == [(4, 4)]
