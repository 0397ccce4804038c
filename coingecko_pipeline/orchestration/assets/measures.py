"""What the daily market tells of each coin, and of all coins together, on every date."""

import warnings
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import select_global_market, select_returns
from coingecko_pipeline.orchestration.assets.computing import compute, computed_asset
from coingecko_pipeline.partitions import DAILY
from coingecko_pipeline.tables import daily_returns as returns_table
from coingecko_pipeline.tables import global_market_daily as global_table
from coingecko_pipeline.warehouse import Database

EVERY_DATE_BEFORE = -36_500
"""A hundred years of days: more than there are partitions, at the first of which Dagster cuts it off."""

with warnings.catch_warnings():
    # A range in one run, and a mapping that reaches before the first partition, are beta in Dagster 1.13.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _returns_asset = computed_asset(
        returns_table,
        DAILY,
        dg.TimeWindowPartitionMapping(start_offset=EVERY_DATE_BEFORE, allow_nonexistent_upstream_partitions=True),
    )
    _global_asset = computed_asset(
        global_table,
        DAILY,
        dg.TimeWindowPartitionMapping(start_offset=-1, allow_nonexistent_upstream_partitions=True),
    )


@_returns_asset
def daily_returns(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.MaterializeResult[Any]:
    """Returns, volatility, drawdown and moving averages of every coin on every date.

    **One row** is one coin on one date D on which it has a price P(D) above 0. All fractions: 0.05 is 5 %.

    - `return_1d` … `return_365d`: P(D) / P(D-N) - 1, the simple return over N days.
    - `volatility_30d`: the sample standard deviation (n - 1) of the 30 daily log returns ln(P(d) / P(d-1)) of D-29 to
      D, times √365, since these markets never close (Hull, *Options, Futures, and Other Derivatives*).
    - `highest_usd`: the highest price of the coin's stored rows up to D; `drawdown`: P(D) / `highest_usd` - 1.
    - `moving_average_7d_usd`, `moving_average_30d_usd`: the mean of the 7 (30) prices up to D.

    **A measure is NULL where a date that it needs has no price**; a gap is never bridged. Volatility needs 31 prices,
    an average all of its prices, a return both ends.

    Computed inside the database from `daily_market`, without a call. **Complete** when the dates up to D are. Since
    every earlier price can be the highest, a date that is filled or changed later makes all dates from it on run
    again, in one run.

    **Known gaps:** the highest price is that of the stored midnights, not of all time; a coin without a price, or with
    one of 0, has no row on that date.
    """
    return compute(context, warehouse, returns_table, select_returns)


@_global_asset
def global_market_daily(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.MaterializeResult[Any]:
    """Market cap and volume of all coins together on every date, shares of the largest, and how many rose and fell.

    **One row** is one date. `market_cap_usd` and `volume_24h_usd` are sums over the coins that have the value;
    `share_of_largest` (what is called dominance), `share_of_ten` and `share_of_hundred` are fractions of
    `market_cap_usd`, of the largest coins by market cap on that date; `coins_up` and `coins_down` compare a coin's
    price with the one of the date before.

    Computed inside the database from `daily_market`, without a call. **Complete** when the date and the one before
    are; it is made again whenever one of them is.

    **Known gaps:** it is the sum of the coins that have a row on the date, so a date on which only some are filled
    (`coins_with_price` tells how many) is too low, and it counts a wrapped or bridged coin beside the one that it
    stands for. CoinGecko's own total leaves some of those out.
    """
    return compute(context, warehouse, global_table, select_global_market)
