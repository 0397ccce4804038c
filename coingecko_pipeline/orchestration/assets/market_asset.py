"""What every source's daily market has in common as a Dagster asset, and those that have only today's."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
from sqlalchemy import Connection

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.snapshot import acquire_current
from coingecko_pipeline.acquisition.universe import largest_coins
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.market.snapshots import snapshot_transaction
from coingecko_pipeline.market.whole_rows import upsert_whole_rows
from coingecko_pipeline.orchestration.assets.endpoints import market_endpoint
from coingecko_pipeline.orchestration.assets.market_charts import as_metadata
from coingecko_pipeline.orchestration.failures import failing_for_good, permanent_failures, tell_survived
from coingecko_pipeline.orchestration.freshness import policy_of
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, group_in, io_manager_of, key_in
from coingecko_pipeline.partitions import DAILY, dates_of
from coingecko_pipeline.sources import SnapshotClient, SnapshotSource, Source
from coingecko_pipeline.warehouse import Database, Frames
from coingecko_pipeline.warehouse.markdown import LEFT, RIGHT, markdown_table


def daily_market_asset(
    source: Source, deps: Sequence[dg.AssetKey | dg.AssetsDefinition], **more: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of a source's daily market.

    Args:
        source: The source.
        deps: What it comes from, beside the coins.
        more: What the Dagster asset of this source says beyond that.
    """
    with warnings.catch_warnings():
        # A range in one run is beta in Dagster 1.13, and what the archive and the price of a chart ask for.
        warnings.simplefilter("ignore", dg.BetaWarning)
        decorator: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
            key=key_in(source, "daily_market"),
            deps=[key_in(source, "assets"), *deps],
            partitions_def=DAILY,
            backfill_policy=dg.BackfillPolicy.single_run(),
            group_name=group_in(source, Domain.MARKET),
            tags=Domain.MARKET.tags,
            kinds={source.name},
            pool=source.pool,
            retry_policy=RETRIES,
            freshness_policy=policy_of(source, "daily_market"),
            metadata={"write_mode": "upsert", "partition_expr": "date", "allow_empty": True},
            io_manager_key=io_manager_of(source),
            **more,
        )
    return decorator


def make_current_market(source: SnapshotSource) -> dg.AssetsDefinition:
    """The Dagster asset of the daily market of a source that is read as it is now."""

    @daily_market_asset(
        source,
        deps=[market_endpoint(source)],
        description=f"""Price, 24-hour volume and market cap in US dollars of each coin of {source.title} on each date.

**One row** is one coin on one date. **The row of date D is the value at 00:00:00 UTC of D**, and its volume is that of
the 24 hours before, as nearly as a snapshot in the first minutes of D can tell: `source` is `snapshot` in every row,
and `observed_at` the coin's own last update. It comes from {source.market_call}.

Only today's partition can be filled; any other is refused before a call. **Complete** when each coin that the call
brings has a row (see the checks of `market_changes`). **Known gaps:** dates on which nothing was read, values that are
not given (NULL, never 0); {source.market_gaps}.""",
        required_resource_keys={source.name, "warehouse"},
    )
    def daily_market(context: dg.AssetExecutionContext) -> Frames:
        client: SnapshotClient = getattr(context.resources, source.name)
        warehouse: Database = context.resources.warehouse
        dates = DateRange(*dates_of(context.partition_key_range))
        refuse_past(source, dates, client)
        with permanent_failures():
            database = database_of(source, warehouse)
            acquisition = acquire_current(source, client, database, warehouse)
        context.log.info(acquisition.summary)

        def metadata() -> dict[str, Any]:
            return {
                **as_metadata(acquisition.facts()),
                **tell_survived(context, client.survived),
                "largest_coins": dg.MetadataValue.md(show_largest(database, dates)),
            }

        day = dates.first

        def whole(connection: Connection) -> list[Change]:
            upsert_whole_rows(database, connection, tables.ticker_snapshots, day, acquisition.taken())
            return []

        around = snapshot_transaction(day, keeps_coverage=False, also=whole, now=client.now)
        return Frames(failing_for_good(acquisition.frames), metadata, around=around)

    return daily_market


def refuse_past(source: SnapshotSource, dates: DateRange, client: SnapshotClient) -> None:
    """Do nothing where the dates are today alone.

    Raises:
        dagster.Failure: They are not; with the reason and what to do instead.
    """
    today = client.now().date()
    if (dates.first, dates.last) != (today, today):
        raise dg.Failure(
            f"{dates} was asked for, and of {source.title} only today's partition, {today}, can be filled; no call was "
            f"made. {source.no_history}",
            allow_retries=False,
        )


def show_largest(database: Database, dates: DateRange) -> str:
    """The ten largest coins on the latest date of a range that has rows, as a Markdown table."""
    rows = largest_coins(database, dates)
    if not rows:
        return f"No rows for {dates}."
    return markdown_table(
        {
            f"coin on {rows[0].date}": LEFT,
            "symbol": LEFT,
            "price (USD)": RIGHT,
            "24-hour volume (USD)": RIGHT,
            "market cap (USD)": RIGHT,
        },
        (
            (row.name, row.symbol, *map(_number, (row.price_usd, row.volume_24h_usd, row.market_cap_usd)))
            for row in rows
        ),
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
