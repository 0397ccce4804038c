"""The daily market by week and by month."""

import warnings
from functools import partial
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import select_rollup
from coingecko_pipeline.orchestration.assets.computing import FOLLOWS_ITS_UPSTREAM_AND_BEGINS, compute, computed_asset
from coingecko_pipeline.partitions import MONTHLY, WEEKLY
from coingecko_pipeline.tables import monthly_market as monthly_table
from coingecko_pipeline.tables import weekly_market as weekly_table
from coingecko_pipeline.warehouse import Database

with warnings.catch_warnings():
    # A range in one run is beta in Dagster 1.13.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _weekly_asset = computed_asset(weekly_table, WEEKLY, condition=FOLLOWS_ITS_UPSTREAM_AND_BEGINS)
    _monthly_asset = computed_asset(monthly_table, MONTHLY, condition=FOLLOWS_ITS_UPSTREAM_AND_BEGINS)


@_weekly_asset
def weekly_market(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.MaterializeResult[Any]:
    """Open, high, low, close, mean volume and closing market cap of every coin in every week, in US dollars.

    **One row** is one coin in one ISO week, named by its Monday M (`week_start`). Since the row of a date holds the
    value of its midnight and the volume of the 24 hours before, the week **opens with the row of M and closes with the
    row of M+7**, which also opens the next week:

    - `high_usd` and `low_usd` are over the eight midnights from M to M+7, not over trades between them;
    - `volume_24h_mean_usd` is over the seven rows M+1 to M+7, of those that have a volume, and `days_present` counts
      these rows;
    - `market_cap_close_usd` is that of M+7.

    Computed inside the database from `daily_market`, without a call. **Complete** from the Monday M+7 on, ten minutes
    after midnight; it is made again whenever one of its eight days is.

    **Known gaps:** the open or the close is NULL where that row is missing, and the neighbouring day does not stand in
    for it; a coin without a row on M+1 to M+7 has none here; the first, partial week of 2013 is left out.
    """
    return compute(context, warehouse, weekly_table, partial(select_rollup, "week"))


@_monthly_asset
def monthly_market(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.MaterializeResult[Any]:
    """Open, high, low, close, mean volume and closing market cap of every coin in every month, in US dollars.

    **One row** is one coin in one calendar month, named by its first date (`month_start`). It **opens with the row of
    its first date and closes with the row of the next month's first date**; all else is as in `weekly_market`:
    extremes over both ends and all midnights between them, mean volume and `days_present` over the rows after the
    opening one.

    Computed inside the database from `daily_market`, without a call. **Complete** from the next month's first date on,
    ten minutes after midnight; it is made again whenever one of its days is.

    **Known gaps:** the open or the close is NULL where that row is missing; a coin without a row after the opening one
    has none here; April 2013, of which there are three days, is left out.
    """
    return compute(context, warehouse, monthly_table, partial(select_rollup, "month"))
