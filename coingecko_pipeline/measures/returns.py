"""Returns, volatility, drawdown and moving averages of each coin on each date.

Every measure is over dates, not over rows: where a date that it needs has no price above 0 it is NULL, and the days
before and after a gap are never taken for neighbours. Formulas as in J. C. Hull, Options, Futures, and Other
Derivatives (simple and log returns; volatility as the sample standard deviation of log returns, annualised by the root
of the trading days of a year, which are 365 here since these markets never close).
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal_column, select, text

from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.warehouse import measure_tables, tables
from coingecko_pipeline.warehouse.database import Kind

HORIZONS = (1, 7, 30, 90, 365)
"""Days over which returns are told."""
VOLATILITY_RETURNS = 30
DAYS_A_YEAR = 365
SHORT, LONG = 7, 30
"""Days of the two moving averages."""


def select_returns(first: date, last: date, kind: Kind) -> Select[Any]:
    """The rows of the dates `first` to `last`, one for each coin and date with a price P above 0.

    - `return_Nd`: P(D) / P(D-N) - 1.
    - `volatility_30d`: sample standard deviation of the 30 log returns ln(P(d) / P(d-1)), d from D-29 to D, times
      the root of 365. It needs all of the 31 prices.
    - `highest_usd`: the highest of the coin's stored prices up to D; `drawdown`: P(D) / highest_usd - 1.
    - `moving_average_7d_usd`, `moving_average_30d_usd`: mean of the 7 (30) prices up to D; needs all of them.

    What came before `first` is not read again: each coin's highest price is taken from its latest earlier row of
    `daily_returns`, which has to be up to date.

    Args:
        first: First date.
        last: Last date.
        kind: Of the database.
    """
    trailing = _trailing(first, last, kind)
    earlier = _earlier_highs(first, last)
    price = trailing.c.price_usd
    highest = case(
        (earlier.c.highest_usd > trailing.c.highest_usd, earlier.c.highest_usd), else_=trailing.c.highest_usd
    )
    source: Any = trailing.outerjoin(earlier, earlier.c.asset_id == trailing.c.asset_id)
    returns = []
    for days in HORIZONS:
        past = tables.daily_market.alias(f"past_{days}")
        source = source.outerjoin(
            past,
            and_(
                past.c.date == days_later(trailing.c.date, -days, kind),
                past.c.asset_id == trailing.c.asset_id,
                past.c.price_usd > 0,
            ),
        )
        returns.append(price / past.c.price_usd - 1)
    return (
        select(
            trailing.c.date,
            trailing.c.asset_id,
            *returns,
            trailing.c.volatility,
            highest,
            price / highest - 1,
            trailing.c.short_mean,
            trailing.c.long_mean,
        )
        .select_from(source)
        .where(trailing.c.date >= first)
    )


def _trailing(first: date, last: date, kind: Kind) -> Subquery:
    """What is told by the dates before each date, from the prices of `first`, less the longest window, to `last`."""
    market, before = tables.daily_market, tables.daily_market.alias("before")
    price = market.c.price_usd
    log_return = func.ln(price / before.c.price_usd)
    day_before = and_(
        before.c.date == days_later(market.c.date, -1, kind),
        before.c.asset_id == market.c.asset_id,
        before.c.price_usd > 0,
    )
    # Windows of rows, which all three databases know; of dates MariaDB knows none. A window is of dates all the same
    # where its first row is the right date, since no two rows of a coin have one date.
    windows = ", ".join(
        f"{name} AS (PARTITION BY {market.name}.asset_id ORDER BY {market.name}.date ROWS {rows} PRECEDING)"
        for name, rows in (("so_far", "UNBOUNDED"), ("long_window", LONG - 1), ("short_window", SHORT - 1))
    )
    seen = (
        select(
            market.c.date,
            market.c.asset_id,
            price,
            _over(func.max(price), "so_far").label("highest_usd"),
            _over(func.avg(price), "short_window").label("short_mean"),
            _over(func.lag(market.c.date, SHORT - 1, type_=market.c.date.type), "short_window").label("short_start"),
            _over(func.avg(price), "long_window").label("long_mean"),
            _over(func.lag(market.c.date, LONG - 1, type_=market.c.date.type), "long_window").label("long_start"),
            _over(func.count(log_return), "long_window").label("returns"),
            _over(func.sum(log_return), "long_window").label("sum_of_returns"),
            _over(func.sum(log_return * log_return), "long_window").label("sum_of_squares"),
        )
        .select_from(market.outerjoin(before, day_before))
        .where(market.c.date.between(first - timedelta(days=LONG - 1), last), price > 0)
        .suffix_with(text(f"WINDOW {windows}"))
        .subquery("seen")
    )
    is_long = seen.c.long_start == days_later(seen.c.date, 1 - LONG, kind)
    is_short = seen.c.short_start == days_later(seen.c.date, 1 - SHORT, kind)
    return select(
        seen.c.date,
        seen.c.asset_id,
        seen.c.price_usd,
        seen.c.highest_usd,
        case((is_short, seen.c.short_mean)).label("short_mean"),
        case((is_long, seen.c.long_mean)).label("long_mean"),
        case((and_(is_long, seen.c.returns == VOLATILITY_RETURNS), _volatility(seen))).label("volatility"),
    ).subquery("trailing")


def _over(function: ColumnElement[Any], window: str) -> ColumnElement[Any]:
    # By name: MySQL makes a pass and a temporary table for each window that is written out, even where two are equal.
    return function.op("OVER")(literal_column(window))


def _volatility(of: Subquery) -> ColumnElement[float]:
    """The annualised sample standard deviation from the sum and the sum of squares of the log returns.

    Daily log returns scatter around 0, so that their squares lose nothing to the square of their mean: the error stays
    below 1e-9 up to a mean a thousand times the deviation.
    """
    squares = of.c.sum_of_squares - of.c.sum_of_returns * of.c.sum_of_returns / VOLATILITY_RETURNS
    return func.sqrt(case((squares > 0, squares), else_=0.0) * DAYS_A_YEAR / (VOLATILITY_RETURNS - 1))


def _earlier_highs(first: date, last: date) -> Subquery:
    """The highest price before `first` of each coin with rows in the range."""
    market, returns = tables.daily_market, measure_tables.daily_returns
    coins = select(market.c.asset_id).distinct().where(market.c.date.between(first, last)).subquery("coins")
    measured = (
        select(returns.c.highest_usd)
        .where(returns.c.asset_id == coins.c.asset_id, returns.c.date < first)
        .order_by(returns.c.date.desc())
        .limit(1)
        .scalar_subquery()
    )
    stored = (
        select(func.max(market.c.price_usd))
        .where(market.c.asset_id == coins.c.asset_id, market.c.date < first)
        .scalar_subquery()
    )
    return select(coins.c.asset_id, func.coalesce(measured, stored).label("highest_usd")).subquery("earlier")
