"""What the daily market tells of each coin, and of all coins together, on every date."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.measures import DAILY_RETURNS, GLOBAL_MARKET_DAILY
from coingecko_pipeline.orchestration.assets.beside_the_market import REHYPOTHECATED_ASSETS
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, derive, derived_asset
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET
from coingecko_pipeline.warehouse import Database


@derived_asset(DAILY_RETURNS.table, [DAILY_MARKET])
def daily_returns(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
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

    Computed inside the database from `daily_market`, without a call, and as far as that has changed. **Complete** when
    the dates up to D are. Since every earlier price can be the highest, a date of a coin that is filled or changed
    later makes all its dates from there on be made again, and no other coin's.

    **Known gaps:** the highest price is that of the stored midnights, not of all time; a coin without a price, or with
    one of 0, has no row on that date.
    """
    return derive(context, config, warehouse, DAILY_RETURNS, now(), measures_memory)


@derived_asset(GLOBAL_MARKET_DAILY.table, [DAILY_MARKET, REHYPOTHECATED_ASSETS])
def global_market_daily(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
) -> dg.MaterializeResult[Any]:
    """Market cap and volume of all coins together on every date, shares of the largest, and how many rose and fell.

    **One row** is one date. `market_cap_usd` and `volume_24h_usd` are sums over the coins that have the value;
    `share_of_largest` (what is called dominance), `share_of_ten` and `share_of_hundred` are fractions of
    `market_cap_usd`, of the largest coins by market cap on that date; `coins_up` and `coins_down` compare a coin's
    price with the one of the date before. Rehypothecated coins (wrapped, staked and bridged ones, which stand for
    others) are left out; the columns that begin with `all_` have them in.

    Computed inside the database from `daily_market`, without a call. **Complete** when the date and the one before
    are; it is made again whenever one of them changes.

    **Known gaps:** stale rows (`source` is `stale`: a snapshot that CoinGecko had not updated for a day) are in no
    sum, share or count. A sum's last digits depend on the order in which the database adds it up. It is the sum of the
    coins that have a row on the date, so a date on which only some are filled (`coins_with_price` tells how many) is
    too low. Which coins are rehypothecated is told by the snapshots' ranks: of a date before the first snapshot it is
    what that one told, and a coin that no snapshot ranked counts as one of its own.
    """
    return derive(context, config, warehouse, GLOBAL_MARKET_DAILY, now(), measures_memory)
