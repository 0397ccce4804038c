"""Open, high, low and close of each day from the hourly prices."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import DAILY_OHLC
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, derive, derived_asset
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database


@derived_asset(DAILY_OHLC.table, [key_in(COINGECKO, "hourly_market")])
def daily_ohlc(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
) -> dg.MaterializeResult[Any]:
    """Open, high, low and close of each of the largest coins on each UTC day, from its hourly prices.

    **One row** is one coin on one UTC day D, with the prices of `hourly_market` from 00:00 to 24:00 of D: `open_usd` of
    the first hour that has one, `close_usd` of the last, `high_usd` and `low_usd` the extremes, and in `observations`
    how many hours have one. Computed inside the database, by one statement for any range of days; costs no call.

    These are prices seen once an hour, minutes after it began, and not trades: the day's real extremes lie further out,
    and the close is that of the last hour. **The date is the day itself**, while the row of D in `daily_market` is the
    value at 00:00 of D.

    **Complete** when the day is over; made once then, and again where one of its hours came later. **Known gaps:** the
    hours and coins that `hourly_market` lacks (`observations` below 24); a coin that is not always among the largest
    has the hours in which it was.
    """
    return derive(context, config, warehouse, DAILY_OHLC, now(), measures_memory)
