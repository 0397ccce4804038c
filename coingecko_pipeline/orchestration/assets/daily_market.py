"""Price, volume and market cap of every coin for every date."""

from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.daily import acquire
from coingecko_pipeline.acquisition.history import read_outlook
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.orchestration.assets.market_asset import daily_market_asset, show_largest
from coingecko_pipeline.orchestration.failures import failing_for_good, permanent_failures
from coingecko_pipeline.partitions import dates_of
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, Frames


class DailyMarketConfig(dg.Config):
    """Which coins to fill, and what it may cost."""

    asset_ids: list[str] = Field(default=[], description="Only these coins; empty for all active ones.")
    top: int | None = Field(default=None, gt=0, description="Only so many coins, the largest by market cap.")
    max_calls: int | None = Field(
        default=None,
        gt=0,
        description="Calls that the run may make at most; it does the part that fits, the largest coins first.",
    )
    fit_budget: bool = Field(
        default=False,
        description="Where the month's credits do not bear the whole, do the part that fits, the largest coins first, "
        "instead of stopping before the first call.",
    )
    complete_history: bool = Field(
        default=False,
        description="Choose the coins by what their history lacks and spend today's share of the month's credits on "
        "it, as the schedule history_completion_schedule does.",
    )


@daily_market_asset(COINGECKO)
def daily_market(
    context: dg.AssetExecutionContext,
    config: DailyMarketConfig,
    coingecko: dg.ResourceParam[CoinGecko],
    warehouse: dg.ResourceParam[Database],
    progress: dg.ResourceParam[Progress],
) -> Frames:
    """Price, 24-hour volume and market cap in US dollars of every coin on every date.

    **One row** is one coin on one date. **The row of date D is the value at 00:00:00 UTC of D**, and its volume is
    that of the 24 hours before; the close of a day is the row of the next one. `source` says where it came from:

    - `snapshot`: read from `/coins/markets` when today's partition was materialized, one call for each 250 coins;
      `observed_at` is the coin's own last update.
    - `chart`: the exact 00:00:00 UTC point of `/coins/{id}/market_chart`, one call for each coin, which brings all
      its days; kept as received, so no range is paid for twice. It replaces a snapshot row and never the reverse.

    Today's partition alone is a snapshot at any hour; every other partition or range is filled from charts. A run
    whose calls the month's credits do not bear, less what the daily snapshots still need, stops before its first call.

    **Complete** when every active coin has a row (see the checks). **Known gaps:** dates that CoinGecko has no point
    for, values that it does not give (NULL, never 0), dates before the plan's history, and the history of coins that
    left the list on a plan that does not serve them.
    """
    dates = DateRange(*dates_of(context.partition_key_range))
    with permanent_failures():
        request = Request(
            dates,
            tuple(dict.fromkeys(config.asset_ids)),
            config.top,
            config.max_calls,
            config.fit_budget,
            config.complete_history,
        )
        acquisition = acquire(request, warehouse, coingecko, progress)
    context.log.info(acquisition.summary)

    def metadata() -> dict[str, Any]:
        facts = {name: as_metadata(value) for name, value in acquisition.facts().items()}
        if survived := coingecko.survived:
            context.log.info("Survived %s.", ", ".join(f"{count:,} {kind}" for kind, count in survived.most_common()))
        if config.complete_history or facts["source"] == tables.SNAPSHOT:
            outlook = asdict(read_outlook(warehouse, coingecko.plan, coingecko.now()))
            facts |= {f"history_{name}": as_metadata(value) for name, value in outlook.items()}
        return {
            **facts,
            "failures_survived": dg.MetadataValue.json(dict(survived)),
            "largest_coins": dg.MetadataValue.md(show_largest(warehouse, dates)),
        }

    return Frames(failing_for_good(acquisition.frames), metadata)


def as_metadata(value: Any) -> Any:
    """A fact as Dagster shows it: a date as text, a list as JSON, what is not known as such."""
    if isinstance(value, list):
        return dg.MetadataValue.json(value)
    return str(value) if isinstance(value, date) or value is None else value
