"""The daily market by week and by month."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import MONTHLY_MARKET, WEEKLY_MARKET
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, derive, derived_asset
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET
from coingecko_pipeline.warehouse import Database


@derived_asset(WEEKLY_MARKET.table, [DAILY_MARKET])
def weekly_market(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
) -> dg.MaterializeResult[Any]:
    """Open, high, low, close, mean volume and closing market cap of every coin in every week, in US dollars.

    **One row** is one coin in one ISO week, named by its Monday M (`week_start`). Since the row of a date holds the
    value of its midnight and the volume of the 24 hours before, the week **opens with the row of M and closes with the
    row of M+7**, which also opens the next week:

    - `high_usd` and `low_usd` are over the eight midnights from M to M+7, not over trades between them;
    - `volume_24h_mean_usd` is over the seven rows M+1 to M+7, of those that have a volume, and `days_present` counts
      these rows;
    - `market_cap_close_usd` is that of M+7.

    Computed inside the database from `daily_market`, without a call, and as far as that has changed. **Complete** as
    soon as `daily_market` has a row on M+7 or later; made again whenever one of its eight days changes.

    **Known gaps:** the open or the close is NULL where that row is missing, and the neighbouring day does not stand in
    for it; a coin without a row on M+1 to M+7 has none here; a stale snapshot's price counts like any other.
    """
    return derive(context, config, warehouse, WEEKLY_MARKET, now(), measures_memory)


@derived_asset(MONTHLY_MARKET.table, [DAILY_MARKET])
def monthly_market(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
) -> dg.MaterializeResult[Any]:
    """Open, high, low, close, mean volume and closing market cap of every coin in every month, in US dollars.

    **One row** is one coin in one calendar month, named by its first date (`month_start`). It **opens with the row of
    its first date and closes with the row of the next month's first date**; all else is as in `weekly_market`:
    extremes over both ends and all midnights between them, mean volume and `days_present` over the rows after the
    opening one.

    Computed inside the database from `daily_market`, without a call, and as far as that has changed. **Complete** as
    soon as `daily_market` has a row on the next month's first date or later; made again whenever one of its days
    changes.

    **Known gaps:** the open or the close is NULL where that row is missing; a coin without a row after the opening one
    has none here.
    """
    return derive(context, config, warehouse, MONTHLY_MARKET, now(), measures_memory)
