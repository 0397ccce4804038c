"""The derived tables' assets: what a run follows, makes anew and tells."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.market.changes import followed_number, log_changes
from coingecko_pipeline.measures import MEASURES
from coingecko_pipeline.orchestration.assets import MEASURE_ASSETS
from coingecko_pipeline.tables import daily_returns as returns_table
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.measures.charts import planted, store, stored
from coingecko_pipeline_tests.measures.deriving import changed, log
from coingecko_pipeline_tests.running import QUIET, checks_of, failure_of, metadata_of, rows_of

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
TODAY = NOW.date()
FIRST = date(2026, 1, 1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with empty_instance() as instance:
        yield instance


def run(
    database: Database,
    instance: dg.DagsterInstance,
    config: Mapping[str, Any] | None = None,
    selection: Sequence[dg.AssetKey] | None = None,
) -> dg.ExecuteInProcessResult:
    """The job of the measures; the same config for each of them."""
    overrides = {
        "warehouse": dg.ResourceDefinition.hardcoded_resource(database),
        "now": dg.ResourceDefinition.hardcoded_resource(lambda: NOW),
    }
    keys = selection or [asset.key for asset in MEASURE_ASSETS]
    ops = {"__".join(key.path): {"config": dict(config)} for key in keys} if config else {}
    return (
        build_definitions(overrides)
        .resolve_job_def("measures_job")
        .execute_in_process(
            instance=instance,
            run_config={**QUIET, "ops": ops},
            asset_selection=list(selection) if selection else None,
            raise_on_error=False,
        )
    )


@on_sqlite
def test_a_run_follows_what_changed_with_one_event_for_each_table(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, {"long": planted(FIRST, range(1, 75)), "short": planted(FIRST, range(1, 20))})
    first = run(database, instance)
    assert first.success
    assert all(metadata_of(first, derived.name)["whole_table"] for derived in MEASURES)
    log(database, changed(date(2026, 1, 14), date(2026, 1, 16), "short"), changed(date(2026, 3, 15)))
    second = run(database, instance)
    assert second.success
    assert len(second.get_asset_materialization_events()) == len(MEASURES)
    assert not second.get_asset_observation_events()
    facts = metadata_of(second, "daily_returns")
    assert facts.pop("seconds") >= 0
    assert facts == {
        "dagster/table_name": "daily_returns",
        "storage_kind": "sqlite",
        "rows_written": 6 + 1,
        "followed_coingecko": "0 to 2",
        "whole_table": False,
        "changes": 2,
        "coins": 1,
        "first_date": "2026-01-14",
        "last_date": "2026-03-15",
    }
    assert metadata_of(second, "weekly_market")["rows_written"] == 1
    assert metadata_of(second, "global_market_daily")["rows_written"] == 4 + 1
    assert all(check.passed for check in checks_of(second).values())


@on_sqlite
def test_a_run_with_nothing_to_follow_says_so_in_one_event(database: Database, instance: dg.DagsterInstance) -> None:
    store(database, {"coin": planted(FIRST, range(1, 75))})
    run(database, instance)
    again = run(database, instance)
    assert again.success
    for derived in MEASURES:
        facts = metadata_of(again, derived.name)
        assert (facts["rows_written"], facts["changes"], facts["whole_table"]) == (0, 0, False)
        assert "first_date" not in facts


@on_sqlite
def test_a_day_that_came_late_is_made_right_by_the_run_that_follows_it(
    database: Database, instance: dg.DagsterInstance
) -> None:
    first, late = TODAY - timedelta(days=50), TODAY - timedelta(days=40)
    store(database, {"coin": planted(first, [10.0] * 51)})
    assert run(database, instance).success
    market = tables.daily_market
    with database.transaction() as connection:
        connection.execute(market.update().where(market.c.date == late).values(price_usd=100.0))
        log_changes(connection, [changed(late, late, "coin")])
    assert stored(database, returns_table)["drawdown"].min() == 0
    assert run(database, instance).success
    drawdown = stored(database, returns_table)["drawdown"]
    assert list(drawdown.iloc[:11]) == [0] * 11
    assert list(drawdown.iloc[11:]) == [pytest.approx(-0.9)] * 40


@on_sqlite
def test_a_range_is_made_anew_where_the_config_names_it(database: Database, instance: dg.DagsterInstance) -> None:
    store(database, {"coin": planted(FIRST, range(1, 75))})
    assert run(database, instance).success
    log(database, changed(FIRST, TODAY, "coin"))
    result = run(database, instance, {"rebuild": {"from_date": "2026-01-14", "to_date": "2026-01-15"}})
    assert result.success
    rows = {derived.name: metadata_of(result, derived.name)["rows_written"] for derived in MEASURES}
    returns = (FIRST + timedelta(days=73) - date(2026, 1, 14)).days + 1
    assert rows == {
        "weekly_market": 1,
        "monthly_market": 1,
        "daily_returns": returns,
        "global_market_daily": 3,
        "daily_ohlc": 0,
        "daily_candles": 0,
        "market_flags": 0,
    }
    # What has changed meanwhile is still to be followed.
    assert followed_number(database, "daily_returns", "coingecko") == 0


@on_sqlite
def test_the_whole_is_made_anew_where_the_config_names_no_date(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, {"coin": planted(FIRST, range(1, 75))})
    assert run(database, instance).success
    log(database, changed(TODAY))
    result = run(database, instance, {"rebuild": {}})
    assert metadata_of(result, "daily_returns")["rows_written"] == 74
    assert followed_number(database, "daily_returns", "coingecko") == 1


@on_sqlite
@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ({"from_date": "14.1.2026"}, "must look like 2026-01-31"),
        ({"from_date": "2026-02-01", "to_date": "2026-01-01"}, "run backwards"),
    ],
)
def test_dates_that_are_none_fail_at_once_and_say_how_they_look(
    database: Database, instance: dg.DagsterInstance, dates: Mapping[str, str], told: str
) -> None:
    key = dg.AssetKey(["coingecko", "weekly_market"])
    assert told in failure_of(run(database, instance, {"rebuild": dates}, [key]))


@on_sqlite
def test_changes_that_all_have_followed_are_forgotten_after_a_month(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, {"coin": planted(FIRST, range(1, 75))})
    moments = [NOW - timedelta(days=days) for days in (40, 31, 29)]
    with database.transaction() as connection:
        for moment in moments:
            log_changes(connection, [changed(TODAY)], lambda moment=moment: moment)  # type: ignore[misc]
    assert run(database, instance, selection=[dg.AssetKey(["coingecko", "daily_returns"])]).success
    assert rows_of(database, "SELECT number FROM market_changes ORDER BY number") == [(3,)]
    # The others have not followed them, and are made whole since they never were computed.
    assert run(database, instance).success
    log(database, changed(TODAY))
    assert metadata_of(run(database, instance), "weekly_market")["changes"] == 1
