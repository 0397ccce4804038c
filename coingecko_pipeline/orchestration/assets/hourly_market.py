"""Price, volume and market cap of the largest coins in every hour."""

import warnings
from typing import Any

import dagster as dg
from pydantic import Field

from coingecko_pipeline.acquisition.hourly import acquire_hour
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.market.snapshots import hour_transaction
from coingecko_pipeline.orchestration.assets.endpoints import market_endpoint
from coingecko_pipeline.orchestration.assets.market_charts import as_metadata
from coingecko_pipeline.orchestration.failures import (
    COINGECKO_POOL,
    failing_for_good,
    permanent_failures,
    tell_survived,
)
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.partitions import HOURLY, hour_of
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, Frames


class HourlyMarketConfig(dg.Config):
    """Which coins to take."""

    top: int | None = Field(
        default=None,
        gt=0,
        description="So many coins, the largest by market cap: a call for each 250. By default as many as HOURLY_TOP "
        "says.",
    )


with warnings.catch_warnings():
    # A range in one run is beta in Dagster 1.13; of hours it is refused once and not in a run for each.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _hourly_asset = dg.asset(
        key=key_in(COINGECKO, "hourly_market"),
        deps=[key_in(COINGECKO, "assets"), market_endpoint(COINGECKO)],
        partitions_def=HOURLY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=Domain.MARKET.value,
        tags=Domain.MARKET.tags,
        kinds={"coingecko"},
        pool=COINGECKO_POOL,
        retry_policy=RETRIES,
        metadata={"write_mode": "upsert", "partition_expr": "hour_at"},
        io_manager_key="warehouse_io_manager",
    )


@_hourly_asset
def hourly_market(
    context: dg.AssetExecutionContext,
    config: HourlyMarketConfig,
    coingecko: dg.ResourceParam[CoinGecko],
    warehouse: dg.ResourceParam[Database],
    progress: dg.ResourceParam[Progress],
) -> Frames:
    """Price, 24-hour volume and market cap in US dollars of the largest coins, once in every hour.

    **One row** is one coin in one UTC hour: **the current values when the hour was asked for**, some minutes after it
    began, from `/coins/markets` (one call for each 250 coins). They are not the exact values of the full hour;
    `observed_at` is the coin's own last update. Asked again within the hour, newer values replace older ones.

    `HOURLY_TOP` says how many coins, the largest by market cap at that moment; it is off until it is set. In the
    month's credits the hours come after the daily snapshots and before the history.

    **Complete** when each coin that was asked for has a row (see the checks of `market_changes`). **Known gaps:** hours
    in which the machine slept or a longer run had the key, since a past hour cannot be asked for; hours that the
    month's credits did not bear; coins that changed their rank between two pages; values that CoinGecko does not
    give (NULL, never 0).
    """
    with permanent_failures():
        # Of a range only the last hour can be the current one, so any range is refused by its first.
        hour = hour_of(context.partition_time_window.start)
        acquisition = acquire_hour(hour, config.top, warehouse, coingecko, progress)
    context.log.info(acquisition.summary)

    def metadata() -> dict[str, Any]:
        return {
            **as_metadata(acquisition.facts()),
            **tell_survived(context, coingecko.survived),
        }

    around = hour_transaction(hour, now=coingecko.now)
    return Frames(failing_for_good(acquisition.frames), metadata, around=around)
