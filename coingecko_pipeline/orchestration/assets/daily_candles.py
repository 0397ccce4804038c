"""Open, high, low and close of each day of every coin, without a call."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import DAILY_CANDLES
from coingecko_pipeline.orchestration.assets.beside_the_market import MARKET_SNAPSHOTS
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, derive, derived_asset
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET
from coingecko_pipeline.warehouse import Database


@derived_asset(DAILY_CANDLES.table, [DAILY_MARKET, MARKET_SNAPSHOTS])
def daily_candles(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
) -> dg.MaterializeResult[Any]:
    """Open, high, low and close of every coin on each UTC day, from the snapshot at the midnight that ends it.

    **One row** is one coin on one UTC day D. `high_usd` and `low_usd` are those of 24 hours in the snapshot of D+1
    (`market_snapshots`), `open_usd` and `close_usd` the prices of `daily_market` of D and D+1. `quality` is `inside`,
    or tells which of open and close lies outside of low to high (`open_outside`, `close_outside`, `both_outside`), or
    else is missing (`open_missing`, `close_missing`, `both_missing`).

    **The date is the day itself**, while the row of D in `daily_market` is the value at 00:00 of D. A snapshot counts
    where it was answered within an hour after midnight, and the coin's own last update is within an hour of it: its 24
    hours are the day's but for that. Computed inside the database, without a call.

    **Complete** when the snapshot of D+1 is there; made again where one of the two prices changes, as by a chart.
    **Known gaps:** days before the first snapshot, days whose snapshot was taken later than an hour after midnight, and
    coins that were not traded in the day's last hour. High and low are counted from snapshot to snapshot, some minutes
    after midnight, and CoinGecko reads the price at another moment: 3.5 % of real closes or opens lie outside, by 0.1 %
    in the median. The largest coins' `daily_ohlc` is of their hours, where HOURLY_TOP is set.
    """
    return derive(context, config, warehouse, DAILY_CANDLES, now(), measures_memory)
