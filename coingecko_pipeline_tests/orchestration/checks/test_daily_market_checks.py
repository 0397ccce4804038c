from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.checks.daily_market import coverage_by_date
from coingecko_pipeline.warehouse import Database

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


def evaluate(
    database: Database, name: str, first: date, last: date | None = None, now: datetime = NOON
) -> dg.AssetCheckEvaluation:
    """Run one check over a range of partitions, without the asset."""
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    definitions = build_definitions(
        {
            "warehouse": hardcoded(database),
            "now": hardcoded(lambda: now),
        }
    )
    key = dg.AssetCheckKey(dg.AssetKey(["coingecko", "daily_market"]), name)
    job = dg.define_asset_job("one_check", selection=dg.AssetSelection.checks(key))
    found = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = found.resolve_job_def("one_check").execute_in_process(
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": (last or first).isoformat(),
            },
            raise_on_error=False,
        )
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


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
    fill(database, [(0, f"c{n}", 1.0) for n in range(present)])
    found = evaluate(database, "the_day_covers_the_active_assets", TODAY)
    assert found.passed is passed
    assert passed or found.severity == severity
    assert figure(found, "share") == present / 100


def test_a_past_date_is_compared_with_the_coins_that_have_rows_around_it(database: Database) -> None:
    make_active(database, 100)
    fill(database, [(9, "old", 1), (5, "old", 1), (7, "a", 1), (6, "a", 1), (5, "a", 1), (3, "a", 1), (2, "b", 1)])
    expected, present = coverage_by_date(database, back(10), back(1), TODAY)
    by_days = {(TODAY - day).days: (expected[day], present[day]) for day in expected}
    assert by_days == {
        10: (0, 0), 9: (1, 1), 8: (1, 0), 7: (2, 1), 6: (2, 1), 5: (2, 2), 4: (1, 0), 3: (1, 1), 2: (1, 1), 1: (0, 0),
    }  # fmt: skip
    found = evaluate(database, "the_day_covers_the_active_assets", back(9), back(1))
    assert (found.passed, figure(found, "date"), figure(found, "share")) == (False, back(8).isoformat(), 0.0)
    assert evaluate(database, "the_day_covers_the_active_assets", back(3), back(1)).passed


def test_today_is_not_expected_from_charts_before_its_point_is_there(database: Database) -> None:
    make_active(database, 2)
    fill(database, [(2, "c0", 1), (1, "c0", 1)])
    early = NOON.replace(hour=0, minute=9)
    assert evaluate(database, "the_day_covers_the_active_assets", back(2), TODAY, early).passed
    assert not evaluate(database, "the_day_covers_the_active_assets", back(2), TODAY).passed
    fill(database, [(0, "c0", 1)], source="snapshot")
    assert not evaluate(database, "the_day_covers_the_active_assets", TODAY, now=early).passed


def test_a_negative_value_is_an_error_that_names_the_coin(database: Database) -> None:
    fill(database, [(1, "good", 0.0), (1, "bad", -1e-12), (2, "worse", -5)])
    found = evaluate(database, "prices_are_not_negative", back(1))
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert figure(found, "examples") == [f"bad on {back(1)}"]
    assert found.blocking
    assert evaluate(database, "prices_are_not_negative", TODAY).passed


def test_a_late_snapshot_warns_with_its_minutes(database: Database) -> None:
    fill(database, [(0, "a", 1)], source="snapshot", read_at=datetime(2026, 3, 9, 0, 30, tzinfo=UTC))
    assert evaluate(database, "the_snapshot_was_timely", TODAY).passed
    fill(database, [(0, "b", 1)], source="snapshot", read_at=datetime(2026, 3, 9, 0, 31, tzinfo=UTC))
    found = evaluate(database, "the_snapshot_was_timely", TODAY)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert figure(found, "minutes_after_midnight") == 31.0


def test_coins_without_recent_trades_do_not_make_a_snapshot_late(database: Database) -> None:
    fill(database, [(0, "dead", 1)], source="snapshot", read_at=datetime(2025, 1, 1, tzinfo=UTC))
    fill(database, [(0, "alive", 1)], source="snapshot", read_at=datetime(2026, 3, 9, 0, 2, tzinfo=UTC))
    assert evaluate(database, "the_snapshot_was_timely", TODAY).passed


def test_a_snapshot_of_stale_values_alone_is_not_timely(database: Database) -> None:
    fill(database, [(0, "dead", 1)], source="snapshot", read_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert not evaluate(database, "the_snapshot_was_timely", TODAY).passed


def test_chart_rows_are_timely_whenever_they_were_fetched(database: Database) -> None:
    fill(database, [(3, "a", 1)])
    assert evaluate(database, "the_snapshot_was_timely", back(3)).passed


def test_a_hundredfold_jump_in_a_day_is_reported_in_either_direction(database: Database) -> None:
    fill(
        database, [(4, "up", 1), (3, "up", 101), (4, "down", 1.01), (3, "down", 0.01), (4, "calm", 1), (3, "calm", 100)]
    )
    found = evaluate(database, "no_price_jumped_a_hundredfold", back(3))
    assert (found.passed, found.severity, figure(found, "jumps")) == (False, dg.AssetCheckSeverity.WARN, 2)
    assert f"| up | {back(3)} | 1 | 101 |" in figure(found, "examples")
    assert "| down |" in figure(found, "examples")
    assert evaluate(database, "no_price_jumped_a_hundredfold", back(2)).passed


def test_a_move_over_a_gap_of_days_is_no_jump_and_neither_is_one_from_nothing(database: Database) -> None:
    fill(
        database,
        [(5, "gap", 1), (3, "gap", 1000), (4, "zero", 0), (3, "zero", 1000), (4, "null", None), (3, "null", 9)],
    )
    assert evaluate(database, "no_price_jumped_a_hundredfold", back(5), back(3)).passed
