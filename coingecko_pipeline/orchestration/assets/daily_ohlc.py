"""Open, high, low and close of each day from the hourly prices."""

import warnings
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import select_daily_ohlc
from coingecko_pipeline.orchestration.assets.computing import compute, computed_asset
from coingecko_pipeline.partitions import DAYS_OF_HOURS
from coingecko_pipeline.tables import daily_ohlc as ohlc_table
from coingecko_pipeline.warehouse import Database

DAY_IS_OVER_OR_CHANGED = (
    (dg.AutomationCondition.newly_missing() | dg.AutomationCondition.any_deps_updated()).since_last_handled()
    & dg.AutomationCondition.any_deps_match(~dg.AutomationCondition.missing())
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("day_is_over_or_changed")
"""A day's partition begins to exist when the day is over. It is asked for then, if one of its hours has come, and again
when another one came later. Dagster's own `eager` would wait for all 24, and an hour that was missed never comes."""

with warnings.catch_warnings():
    # A range in one run is beta in Dagster 1.13.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _ohlc_asset = computed_asset(
        ohlc_table,
        DAYS_OF_HOURS,
        condition=DAY_IS_OVER_OR_CHANGED,
        upstream=dg.AssetKey(["coingecko", "hourly_market"]),
    )


@_ohlc_asset
def daily_ohlc(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Database]) -> dg.MaterializeResult[Any]:
    """Open, high, low and close of each of the largest coins on each UTC day, from its hourly prices.

    **One row** is one coin on one UTC day D, with the prices of `hourly_market` from 00:00 to 24:00 of D: `open_usd` of
    the first hour that has one, `close_usd` of the last, `high_usd` and `low_usd` the extremes, and in `observations`
    how many hours have one. Computed inside the database, by one statement for any range of days; costs no call.

    These are prices seen once an hour, minutes after it began, and not trades: the day's real extremes lie further out,
    and the close is that of the last hour. **The date is the day itself**, while the row of D in `daily_market` is the
    value at 00:00 of D.

    **Complete** when the day is over; made once then, and again when one of its hours came later. **Known gaps:** the
    hours and coins that `hourly_market` lacks (`observations` below 24); a coin that is not always among the largest
    has the hours in which it was.
    """
    return compute(context, warehouse, ohlc_table, select_daily_ohlc)
