"""Price, volume and market cap of every coin for every date."""

import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from coingecko_pipeline.acquisition.archive import ChartArchive
from coingecko_pipeline.acquisition.charts import ChartResult, chart_frames
from coingecko_pipeline.acquisition.planning import DateRange, Request, plan_charts, plan_snapshot
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.snapshot import snapshot_frames
from coingecko_pipeline.acquisition.universe import count_active, known_coins, largest_coins, universe_of
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.assets.asset_list import OWNERS
from coingecko_pipeline.assets.failures import COINGECKO_POOL, RETRIES, permanent_failures
from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.partitions import DAILY, dates_of
from coingecko_pipeline.warehouse import Database, Frames, column_schema, tables

COINS_ASKED = "coins_asked"
"""The metadata entry with the number of coins that a run was asked for."""


class DailyMarketConfig(dg.Config):
    """Which coins to fill, and what it may cost."""

    asset_ids: list[str] = Field(default=[], description="Only these coins; empty for all active ones.")
    top: int | None = Field(default=None, gt=0, description="Only so many coins, the largest by market cap.")
    max_calls: int | None = Field(
        default=None,
        gt=0,
        description="Calls that the run may make at most; it does the part that fits, the largest coins first.",
    )


with warnings.catch_warnings():
    # A range in one run is beta in Dagster 1.13, and what the archive and the price of a chart ask for.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _daily_asset = dg.asset(
        key=["coingecko", "daily_market"],
        deps=[dg.AssetKey(["coingecko", "assets"])],
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="market",
        kinds={"coingecko", "mysql", "table"},
        owners=OWNERS,
        pool=COINGECKO_POOL,
        retry_policy=RETRIES,
        freshness_policy=dg.FreshnessPolicy.cron(deadline_cron="0 1 * * *", lower_bound_delta=timedelta(hours=1)),
        metadata={
            "dagster/column_schema": column_schema(tables.daily_market),
            "write_mode": "upsert",
            "partition_expr": "date",
            "allow_empty": True,
        },
        io_manager_key="warehouse_io_manager",
    )


@_daily_asset
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

    Today's partition alone is a snapshot at any hour; every other partition or range is filled from charts.

    **Complete** when every active coin has a row (see the checks). **Known gaps:** dates that CoinGecko has no point
    for, values that it does not give (NULL, never 0), and dates before the plan's history.
    """
    dates = DateRange(*dates_of(context.partition_key_range))
    with permanent_failures():
        request = Request(dates, tuple(dict.fromkeys(config.asset_ids)), config.top, config.max_calls)
        ledger = UsageLedger(warehouse, coingecko)
        if request.is_snapshot(coingecko.now()):
            known_coins(request.asset_ids, warehouse)
            snapshot = plan_snapshot(request, count_active(warehouse))
            context.log.info("Today's market of %s: about %d calls.", dates, snapshot.calls)
            frames = snapshot_frames(snapshot, dates.first, coingecko, ledger, progress)
            facts: dict[str, Any] = {
                "source": tables.SNAPSHOT,
                COINS_ASKED: snapshot.coins,
                "coins_left": snapshot.left,
            }
            result = None
        else:
            universe = universe_of(request, warehouse, coingecko)
            archive = ChartArchive(warehouse)
            charts = plan_charts(request, universe, archive.coverage(), coingecko.plan, coingecko.now())
            context.log.info(
                "Charts for %s: %d coins, %d archived, %d calls, %d left for later.",
                dates, charts.coins, len(charts.archived), len(charts.calls), len(charts.left),
            )  # fmt: skip
            result = ChartResult()
            frames = chart_frames(charts, dates, coingecko, archive, ledger, progress, result)
            facts = {
                "source": tables.CHART,
                COINS_ASKED: charts.coins,
                "coins_archived": len(charts.archived),
                "coins_left": len(charts.left),
            }
    began = time.monotonic()

    def metadata() -> dict[str, Any]:
        spent, seconds = ledger.spent, time.monotonic() - began
        if result:
            facts["coins_without_rows"] = result.without_rows
            facts["coins_not_found"] = dg.MetadataValue.json(result.not_found)
        return {
            **facts,
            "calls": spent.calls,
            "credits": spent.credits,
            "seconds": round(seconds, 1),
            "calls_per_minute": round(spent.calls / seconds * 60, 1) if seconds else 0.0,
            "failures_survived": dg.MetadataValue.json(dict(coingecko.survived)),
            "largest_coins": dg.MetadataValue.md(show_largest(warehouse, dates)),
        }

    return Frames(_failing_for_good(frames), metadata)


def show_largest(warehouse: Database, dates: DateRange) -> str:
    """The ten largest coins on the latest date of a range that has rows, as a Markdown table."""
    rows = largest_coins(warehouse, dates)
    if not rows:
        return f"No rows for {dates}."
    lines = [
        f"| coin on {rows[0].date} | symbol | price (USD) | 24-hour volume (USD) | market cap (USD) |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name.replace('|', ' ')} | {row.symbol.replace('|', ' ')} | {_number(row.price_usd)} "
        f"| {_number(row.volume_24h_usd)} | {_number(row.market_cap_usd)} |"
        for row in rows
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def _failing_for_good(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The frames, whose calls are made while they are taken: a permanent error ends the step without a retry."""
    with permanent_failures():
        yield from frames
