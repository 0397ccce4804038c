"""What the computed assets share: their partitions' rows are made by one statement inside the database."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import dagster as dg
from sqlalchemy import Table

from coingecko_pipeline.measures import Rows, replace_range
from coingecko_pipeline.orchestration.assets.asset_list import OWNERS
from coingecko_pipeline.orchestration.failures import RETRIES, permanent_failures
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.partitions import dates_of, key_of
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, column_schema, table_name

GROUP = "measures"
MEASURES_POOL = "measures"
"""One such step at a time: two would share the memory that the server has for intermediate results."""
DAILY_MARKET = key_in(COINGECKO, "daily_market")

FOLLOWS_ITS_UPSTREAM = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("follows_its_upstream")
"""Every partition, however old, of which a partition that it is made from was materialized; not while more of them
are being filled, so that a backfill of many dates is followed once."""

FOLLOWS_ITS_UPSTREAM_AND_BEGINS = (
    (dg.AutomationCondition.newly_missing() | dg.AutomationCondition.any_deps_updated()).since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("follows_its_upstream_and_begins")
"""The same, and each partition as it begins to exist: a week's last row is often there ten minutes before the week."""


def computed_asset(
    table: Table,
    partitions: dg.TimeWindowPartitionsDefinition,
    mapping: dg.TimeWindowPartitionMapping | None = None,
    condition: dg.AutomationCondition[Any] = FOLLOWS_ITS_UPSTREAM,
    upstream: dg.AssetKey = DAILY_MARKET,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of an asset that is computed from a stored market: what all of them have in common.

    Args:
        table: Where it is stored.
        partitions: Its partitions.
        mapping: Which partitions of the upstream each is made from; those that its window overlaps by default.
        condition: When it is asked for by itself.
        upstream: What it is computed from.
    """
    return dg.asset(
        key=key_in(COINGECKO, table.name),
        deps=[dg.AssetDep(upstream, partition_mapping=mapping)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        group_name=GROUP,
        kinds={"mysql", "table"},
        owners=OWNERS,
        pool=MEASURES_POOL,
        retry_policy=RETRIES,
        metadata={"dagster/column_schema": column_schema(table), "partition_expr": next(iter(table.columns)).name},
    )


def compute(
    context: dg.AssetExecutionContext,
    warehouse: Database,
    table: Table,
    rows: Rows,
) -> dg.MaterializeResult[Any]:
    """Make the rows of the run's partitions anew, and log how many each of them has.

    Args:
        context: Of the run, over one partition or a range of them.
        warehouse: Where the table is.
        table: As declared; its first column is the first date of the partition.
        rows: Gives the rows of the partitions that begin from a first to a last date.

    Raises:
        dagster.Failure: Without retries, where another try cannot help.
    """
    with permanent_failures():
        counts = replace_range(warehouse, table, rows, *dates_of(context.partition_key_range))
    return tell_stored(context, warehouse, table, counts)


def tell_stored(
    context: dg.AssetExecutionContext, warehouse: Database, table: Table, counts: Mapping[date, int]
) -> dg.MaterializeResult[Any]:
    """Log how many rows each of the run's partitions has, and give what Dagster shows of the whole.

    Args:
        context: Of the run, over one partition or a range of them.
        warehouse: Where the table is.
        table: As declared.
        counts: Rows by the first date of their partition.
    """
    first, last = dates_of(context.partition_key_range)
    metadata: dict[str, Any] = {
        "dagster/table_name": table_name(warehouse, table),
        "storage_kind": warehouse.kind,
        "rows_written": sum(counts.values()),
    }
    keys = context.partition_keys
    if len(keys) == 1:
        metadata["dagster/partition_row_count"] = metadata["rows_written"]
    else:
        metadata["partitions_written"] = len(keys)
        for key in keys:
            stored = {"dagster/partition_row_count": counts.get(date.fromisoformat(key), 0)}
            context.log_event(dg.AssetObservation(context.asset_key, partition=key, metadata=stored))
    context.log.info("%s has %s rows for %s to %s.", table.name, f"{metadata['rows_written']:,}", key_of(first), last)
    return dg.MaterializeResult(metadata=metadata)
