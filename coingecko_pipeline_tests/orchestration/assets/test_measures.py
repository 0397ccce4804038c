"""The computed assets: what their runs write and log, and which partitions are asked for after an old day changed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor

from coingecko_pipeline import tables
from coingecko_pipeline.cli.runs import QUIET
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.assets import (
    daily_returns,
    global_market_daily,
    market_report,
    monthly_market,
    weekly_market,
)
from coingecko_pipeline.orchestration.assets.computing import DAILY_MARKET
from coingecko_pipeline.partitions import DAILY, MONTHLY, WEEKLY, range_tags
from coingecko_pipeline.tables import daily_returns as returns_table
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.charts import planted, store, stored

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
TODAY = NOW.date()
MEASURES = [weekly_market, monthly_market, daily_returns, global_market_daily]


def materialize(
    database: Database, asset: dg.AssetsDefinition, first: date, last: date, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [asset],
        instance=instance,
        resources={"warehouse": dg.ResourceDefinition.hardcoded_resource(database)},
        run_config=QUIET,
        tags=range_tags(first, last),
    )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.mark.parametrize(
    ("asset", "first", "last", "rows"),
    [
        (weekly_market, date(2026, 1, 5), date(2026, 1, 19), {"2026-01-05": 2, "2026-01-12": 2, "2026-01-19": 1}),
        (monthly_market, date(2026, 1, 1), date(2026, 2, 1), {"2026-01-01": 2, "2026-02-01": 1}),
        (daily_returns, date(2026, 1, 18), date(2026, 1, 20), {"2026-01-18": 2, "2026-01-19": 2, "2026-01-20": 1}),
        (global_market_daily, date(2026, 3, 15), date(2026, 3, 16), {"2026-03-15": 1, "2026-03-16": 0}),
    ],
)
def test_a_range_is_one_run_that_logs_each_partitions_own_rows(
    database: Database,
    instance: dg.DagsterInstance,
    asset: dg.AssetsDefinition,
    first: date,
    last: date,
    rows: dict[str, int],
) -> None:
    day = date(2026, 1, 1)
    store(database, {"long": planted(day, range(1, 75)), "short": planted(day, range(1, 20))})
    result = materialize(database, asset, first, last, instance)
    assert result.success
    (materialized,) = {event.asset_key for event in result.get_asset_materialization_events()}
    assert materialized == asset.key
    observations = [event.asset_observation_data.asset_observation for event in result.get_asset_observation_events()]
    observed = {seen.partition: seen.metadata["dagster/partition_row_count"].value for seen in observations}
    assert observed == rows
    metadata = result.get_asset_materialization_events()[0].step_materialization_data.materialization.metadata
    assert metadata["rows_written"].value == sum(rows.values())
    assert metadata["partitions_written"].value == len(rows)


def test_a_day_that_came_late_is_made_right_by_the_run_that_follows_it(
    database: Database, instance: dg.DagsterInstance
) -> None:
    first = TODAY - timedelta(days=50)
    late = TODAY - timedelta(days=40)
    store(database, {"coin": planted(first, [10.0] * 51)})
    assert materialize(database, daily_returns, first, TODAY, instance).success
    with database.transaction() as connection:
        connection.execute(
            tables.daily_market.update().where(tables.daily_market.c.date == late).values(price_usd=100.0)
        )
    assert stored(database, returns_table)["drawdown"].min() == 0
    requested = requested_after(instance, late)["daily_returns"]
    assert materialize(database, daily_returns, date.fromisoformat(requested[0]), TODAY, instance).success
    drawdown = stored(database, returns_table)["drawdown"]
    assert list(drawdown.iloc[:11]) == [0] * 11
    assert list(drawdown.iloc[11:]) == [pytest.approx(-0.9)] * 40


def evaluate(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    evaluation_time: datetime,
    cursor: AssetDaemonCursor | None = None,
) -> dg.EvaluateAutomationConditionsResult:
    # All but the report, which is made again whatever changed.
    selection = dg.AssetSelection.all() - dg.AssetSelection.assets(market_report)
    return dg.evaluate_automation_conditions(
        definitions, instance, selection, evaluation_time=evaluation_time, cursor=cursor
    )


def requested_after(instance: dg.DagsterInstance, *materialized: date) -> dict[str, list[str]]:
    """The partitions that the automation asks for after dates of the daily market were materialized."""
    definitions = build_definitions()
    before = evaluate(definitions, instance, evaluation_time=NOW)
    assert before.total_requested == 0
    for day in materialized:
        instance.report_runless_asset_event(dg.AssetMaterialization(DAILY_MARKET, partition=day.isoformat()))
    after = evaluate(definitions, instance, evaluation_time=NOW + timedelta(minutes=1), cursor=before.cursor)
    again = evaluate(definitions, instance, evaluation_time=NOW + timedelta(minutes=2), cursor=after.cursor)
    assert again.total_requested == 0, "asked for twice"
    requested = {
        asset.key.path[-1]: sorted(key or "" for key in after.get_requested_partitions(asset.key)) for asset in MEASURES
    }
    assert after.total_requested == sum(map(len, requested.values())), "something else was asked for"
    return requested


def from_to(first: date, last: date) -> list[str]:
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def test_an_old_wednesday_makes_its_week_its_month_two_global_days_and_all_returns_from_it_on(
    instance: dg.DagsterInstance,
) -> None:
    changed = date(2025, 11, 12)
    assert requested_after(instance, changed) == {
        "weekly_market": ["2025-11-10"],
        "monthly_market": ["2025-11-01"],
        "global_market_daily": ["2025-11-12", "2025-11-13"],
        "daily_returns": from_to(changed, TODAY),
    }


def test_a_monday_closes_one_week_and_opens_another_and_a_first_date_does_so_for_months(
    instance: dg.DagsterInstance,
) -> None:
    requested = requested_after(instance, date(2025, 12, 1))
    assert requested["weekly_market"] == ["2025-11-24", "2025-12-01"]
    assert requested["monthly_market"] == ["2025-11-01", "2025-12-01"]


def test_a_week_and_a_month_that_are_not_over_wait(instance: dg.DagsterInstance) -> None:
    assert requested_after(instance, TODAY) == {
        "weekly_market": ["2026-03-09"],
        "monthly_market": [],
        "global_market_daily": [TODAY.isoformat()],
        "daily_returns": [TODAY.isoformat()],
    }


def test_a_week_that_is_over_since_its_last_row_came_is_asked_for_when_it_begins_to_exist(
    instance: dg.DagsterInstance,
) -> None:
    definitions = build_definitions()
    midnight = datetime(2026, 3, 16, tzinfo=UTC)
    before = evaluate(definitions, instance, evaluation_time=midnight)
    instance.report_runless_asset_event(dg.AssetMaterialization(DAILY_MARKET, partition="2026-03-16"))
    early = evaluate(definitions, instance, evaluation_time=midnight + timedelta(minutes=5), cursor=before.cursor)
    assert early.get_requested_partitions(weekly_market.key) == set()
    later = evaluate(definitions, instance, evaluation_time=midnight + timedelta(minutes=11), cursor=early.cursor)
    assert later.get_requested_partitions(weekly_market.key) == {"2026-03-09"}
    assert later.total_requested == 1


@pytest.mark.parametrize(
    ("definition", "key", "first", "last"),
    [
        (WEEKLY, "2026-03-02", date(2026, 3, 2), date(2026, 3, 9)),
        (MONTHLY, "2026-02-01", date(2026, 2, 1), date(2026, 3, 1)),
    ],
)
def test_a_period_is_made_from_the_days_of_its_opening_row_to_its_closing_row(
    definition: dg.TimeWindowPartitionsDefinition, key: str, first: date, last: date
) -> None:
    upstream = dg.TimeWindowPartitionMapping().get_upstream_mapped_partitions_result_for_partitions(
        definition.subset_with_partition_keys([key]), definition, DAILY
    )
    assert sorted(upstream.partitions_subset.get_partition_keys()) == from_to(first, last)


def test_several_partitions_are_asked_for_as_a_backfill_which_is_one_run() -> None:
    definitions = build_definitions()
    sensor = definitions.resolve_sensor_def("measures_sensor")
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
    assert sensor.emit_backfills
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    for asset in MEASURES:
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()
