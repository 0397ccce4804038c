"""Assets of the shop, materialized on an ephemeral instance with one IO manager."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pandas as pd

from coingecko_pipeline.warehouse import Database, MySQLIOManager
from coingecko_pipeline_tests.warehouse.shop import SHOP

DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-02-01")
FIRST, SECOND, THIRD = (date(2025, 1, n) for n in (1, 2, 3))


def daily_sales(returned: Callable[[list[date]], Any], **metadata: Any) -> dg.AssetsDefinition:
    """The partitioned asset `shop/sales`, whose rows are made by a function from its days."""

    @dg.asset(
        name="sales",
        key_prefix="shop",
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_expr": "day", **metadata},
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def asset(context: dg.AssetExecutionContext) -> Any:
        window = context.partition_time_window
        days = (window.end - window.start).days
        return returned([window.start.date() + timedelta(days=n) for n in range(days)])

    return asset


def items(returned: Callable[[], Any], **metadata: Any) -> dg.AssetsDefinition:
    """The asset `shop/items`, without partitions."""

    @dg.asset(name="items", key_prefix="shop", metadata=metadata)
    def asset() -> Any:
        return returned()

    return asset


def reader(found: list[pd.DataFrame], partitioned: bool = True, **metadata: Any) -> dg.AssetsDefinition:
    """An asset that keeps what it was given of `shop/sales`."""

    @dg.asset(
        ins={"given": dg.AssetIn(["shop", "sales"], metadata=metadata)},
        partitions_def=DAYS if partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if partitioned else None,
    )
    def report(given: pd.DataFrame) -> None:
        found.append(given)

    return report


class Runner:
    """Materializes assets on one instance with one IO manager."""

    def __init__(self, database: Database, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        ticks = iter(range(1_000_000))
        self.manager = MySQLIOManager(database, SHOP, clock=lambda: float(next(ticks)))

    def __call__(
        self,
        *assets: dg.AssetsDefinition,
        key: str | None = None,
        span: tuple[str, str] | None = None,
        only: dg.AssetsDefinition | None = None,
    ) -> dg.ExecuteInProcessResult:
        tags = {}
        if span is not None:
            tags = {"dagster/asset_partition_range_start": span[0], "dagster/asset_partition_range_end": span[1]}
        return dg.materialize(
            assets,
            resources={"io_manager": self.manager},
            instance=self._instance,
            partition_key=key,
            tags=tags,
            selection=None if only is None else dg.AssetSelection.assets(only),
            raise_on_error=False,
        )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    assert result.success
    (materialization, *_) = result.get_asset_materialization_events()
    found = materialization.materialization.metadata
    return {name: value.value for name, value in found.items()}


def partitions_of(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """The metadata of each partition's materialization."""
    assert result.success
    return {
        str(event.partition): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
    }


def metadata_of_range(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What a run of several partitions told once."""
    assert result.success
    (observed,) = result.get_asset_observation_events()
    observation = observed.asset_observation_data.asset_observation
    assert observation.partition is None
    return {name: value.value for name, value in observation.metadata.items()}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """What the step failed with; it failed at the first try, as a Failure of its own."""
    assert not result.success
    assert not [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    (failed,) = (event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE)
    error = failed.step_failure_data.error
    assert error is not None
    assert error.cls_name == "Failure"
    return error.message
