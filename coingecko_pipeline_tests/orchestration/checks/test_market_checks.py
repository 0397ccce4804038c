import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.checks.market import WINDOW_DAYS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.running import Runner

TODAY = date(2026, 3, 9)
SEEN = date(2026, 1, 1)

Row = tuple[int, str, float | None]


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def fill(database: Database, rows: list[Row], *, source: str = "chart", read_at: datetime | None = None) -> None:
    values = [
        {
            "date": back(days),
            "asset_id": coin,
            "price_usd": price,
            "source": source,
            "observed_at": read_at or datetime.combine(back(days), datetime.min.time(), UTC),
        }
        for days, coin, price in rows
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), values)


def make_active(database: Database, coins: int) -> None:
    rows = [
        {
            "asset_id": f"c{n}",
            "symbol": "s",
            "name": "n",
            "first_seen_on": SEEN,
            "last_seen_on": SEEN,
            "is_active": True,
        }
        for n in range(coins)
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.assets), rows)


NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def evaluate(database: Database, name: str, now: datetime = NOON) -> dg.AssetCheckEvaluation:
    """Run one check alone, as the Checks tab does."""
    return Runner(database, now=lambda: now).check(name)[name]


def figure(evaluation: dg.AssetCheckEvaluation, name: str) -> Any:
    return evaluation.metadata[name].value


@pytest.mark.parametrize(
    ("present", "passed", "severity"),
    [
        (100, True, dg.AssetCheckSeverity.WARN),
        (95, True, dg.AssetCheckSeverity.WARN),
        (94, False, dg.AssetCheckSeverity.WARN),
        (50, False, dg.AssetCheckSeverity.WARN),
        (49, False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_today_is_compared_with_the_active_coins(
    database: Database, present: int, passed: bool, severity: dg.AssetCheckSeverity
) -> None:
    make_active(database, 100)
    fill(database, [(0, f"c{n}", 1.0) for n in range(present)], source="snapshot")
    found = evaluate(database, "the_day_covers_the_active_assets")
    assert found.passed is passed
    assert passed or found.severity == severity
    assert figure(found, "share") == present / 100


def test_a_past_date_is_compared_with_the_coins_that_have_rows_around_it(database: Database) -> None:
    make_active(database, 100)
    fill(database, [(9, "old", 1), (5, "old", 1), (7, "a", 1), (6, "a", 1), (5, "a", 1), (3, "a", 1), (2, "b", 1)])
    found = evaluate(database, "the_day_covers_the_active_assets")
    # On the day 8 the coin "old" is missing, of one; on the days 7 and 6 of two; on the day 4 "a".
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (figure(found, "date"), figure(found, "share")) == (back(8).isoformat(), 0.0)
    assert (figure(found, "coins_expected"), figure(found, "coins_present")) == (1, 0)


def test_a_date_of_which_no_chart_has_a_value_is_not_expected(database: Database) -> None:
    make_active(database, 2)
    days = [days for days in range(12) if days != 5]
    fill(database, [(day, coin, 1) for coin in ("c0", "c1") for day in days])
    assert not evaluate(database, "the_day_covers_the_active_assets").passed
    covered = [[back(11).isoformat(), TODAY.isoformat()]]
    points = [[back(11).isoformat(), back(6).isoformat()], [back(4).isoformat(), TODAY.isoformat()]]
    with database.transaction() as connection:
        connection.execute(
            insert(tables.chart_coverage),
            [
                {
                    "asset_id": coin,
                    "covered": json.dumps(covered),
                    "points": json.dumps(points),
                    "outcome": "values",
                    "answered_at": NOON,
                    "misses": 0,
                }
                for coin in ("c0", "c1")
            ],
        )
    for name in ("the_day_covers_the_active_assets", "no_date_is_missing_between_a_coins_first_and_last_day"):
        assert evaluate(database, name).passed


def test_the_checks_look_back_a_month_and_no_further(database: Database) -> None:
    make_active(database, 1)
    fill(database, [(days, "c0", 1.0) for days in range(60) if days != WINDOW_DAYS])
    assert evaluate(database, "the_day_covers_the_active_assets").passed
    with database.transaction() as connection:
        connection.exec_driver_sql(f"DELETE FROM daily_market WHERE date = '{back(WINDOW_DAYS - 2)}'")
    found = evaluate(database, "the_day_covers_the_active_assets")
    assert figure(found, "date") == back(WINDOW_DAYS - 2).isoformat()


def test_today_is_not_expected_where_nobody_asked_for_it(database: Database) -> None:
    make_active(database, 4)
    fill(database, [(2, "c0", 1), (1, "c0", 1)])
    assert evaluate(database, "the_day_covers_the_active_assets").passed
    # The chart of one coin brings today's point along.
    fill(database, [(0, "c0", 1)])
    assert evaluate(database, "the_day_covers_the_active_assets").passed
    fill(database, [(0, "c1", 1)], source="snapshot")
    found = evaluate(database, "the_day_covers_the_active_assets")
    assert (figure(found, "date"), figure(found, "share")) == (TODAY.isoformat(), 0.5)


def test_a_negative_value_is_an_error_that_names_the_coin(database: Database) -> None:
    fill(database, [(1, "good", 0.0)])
    assert evaluate(database, "no_value_is_negative").passed
    fill(database, [(1, "bad", -1e-12), (2, "worse", -5)])
    found = evaluate(database, "no_value_is_negative")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert sorted(figure(found, "examples")) == [f"bad on {back(1)}", f"worse on {back(2)}"]


def test_a_late_snapshot_warns_with_its_minutes(database: Database) -> None:
    fill(database, [(0, "a", 1)], source="snapshot", read_at=datetime(2026, 3, 9, 0, 30, tzinfo=UTC))
    assert evaluate(database, "the_snapshot_was_timely").passed
    fill(database, [(0, "b", 1)], source="snapshot", read_at=datetime(2026, 3, 9, 0, 31, tzinfo=UTC))
    found = evaluate(database, "the_snapshot_was_timely")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert figure(found, "minutes_after_midnight") == 31.0


def test_coins_without_recent_trades_do_not_make_a_snapshot_late(database: Database) -> None:
    fill(database, [(0, "dead", 1)], source="stale", read_at=datetime(2025, 1, 1, tzinfo=UTC))
    fill(database, [(0, "alive", 1)], source="snapshot", read_at=datetime(2026, 3, 9, 0, 2, tzinfo=UTC))
    assert evaluate(database, "the_snapshot_was_timely").passed


def test_chart_rows_are_timely_whenever_they_were_fetched(database: Database) -> None:
    fill(database, [(0, "a", 1)])
    assert evaluate(database, "the_snapshot_was_timely").passed


def test_a_hundredfold_jump_in_a_day_is_reported_in_either_direction(database: Database) -> None:
    fill(
        database, [(4, "up", 1), (3, "up", 101), (4, "down", 1.01), (3, "down", 0.01), (4, "calm", 1), (3, "calm", 100)]
    )
    found = evaluate(database, "no_price_jumped_a_hundredfold")
    assert (found.passed, found.severity, figure(found, "jumps")) == (False, dg.AssetCheckSeverity.WARN, 2)
    assert figure(found, "date") == back(3).isoformat()
    assert "| up | 1 | 101 |" in figure(found, "examples")
    assert "| down |" in figure(found, "examples")


def test_a_move_over_a_gap_of_days_is_no_jump_and_neither_is_one_from_nothing(database: Database) -> None:
    fill(
        database,
        [(5, "gap", 1), (3, "gap", 1000), (4, "zero", 0), (3, "zero", 1000), (4, "null", None), (3, "null", 9)],
    )
    assert evaluate(database, "no_price_jumped_a_hundredfold").passed


def test_without_any_row_each_check_passes_and_says_why(database: Database) -> None:
    for name, check in Runner(database, now=lambda: NOON).check().items():
        assert check.passed, name
