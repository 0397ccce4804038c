"""Returns, volatility, drawdown and moving averages of each coin on each date.

Every measure is over dates, not over rows: where a date that it needs has no price above 0 it is NULL, and the days
before and after a gap are never taken for neighbours. Formulas as in J. C. Hull, Options, Futures, and Other
Derivatives (simple and log returns; volatility as the sample standard deviation of log returns, annualised by the root
of the trading days of a year, which are 365 here since these markets never close).
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, and_, case, func, literal_column, select, text
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from coingecko_pipeline import tables
from coingecko_pipeline.measures.lookups import days_before, same_coin
from coingecko_pipeline.measures.parts import Part
from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.warehouse.database import Kind

HORIZONS = (1, 7, 30, 90, 365)
"""Days over which returns are told."""
SHORT, LONG = 7, 30
"""Days of the two moving averages; the volatility is of as many returns as the longer one has days."""
DAYS_A_YEAR = 365

LEAST_SHARE = 1e-4
"""A sum over the last days is taken as the difference of two running totals where that is at least this share of them,
and is added up from its rows where it is not: after a collapse, or of a price that grows evenly. A total of some
hundred doubles is off by less than 1e-13 of itself, so the difference by less than 1e-9 of itself."""

Columns = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]


def select_returns(part: Part) -> Select[Any]:
    """The rows of a part of the dates, one for each coin and date with a price P above 0.

    - `return_Nd`: P(D) / P(D-N) - 1.
    - `volatility_30d`: sample standard deviation of the 30 log returns ln(P(d) / P(d-1)), d from D-29 to D, times
      the root of 365. It needs all of the 31 prices.
    - `highest_usd`: the highest of the coin's stored prices up to D; `drawdown`: P(D) / highest_usd - 1.
    - `moving_average_7d_usd`, `moving_average_30d_usd`: mean of the 7 (30) prices up to D; needs all of them.

    What came before is not read again: each coin's highest price is taken from the latest date of `daily_returns` that
    was computed before, and from the prices of the dates since. Only of a coin without a row on that date all earlier
    prices are read.

    Args:
        part: The dates.
    """
    coins, kind = _coins(part), part.kind
    now = _running(part, coins)
    source: FromClause = now.join(coins, same_coin(coins.c.number, now.c.coin, kind))
    past_prices = {1: now.c.price_before_usd}
    past = {}
    for days in HORIZONS[1:]:
        table: FromClause
        # The running totals reach as far back as the longest sum; older prices are in the table alone.
        if days <= LONG:
            table = now.alias(f"past_{days}")
            same = same_coin(table.c.coin, now.c.coin, kind)
        else:
            table = tables.daily_market.alias(f"past_{days}")
            same = same_coin(table.c.asset_id, coins.c.asset_id, kind)
        past[days], past_prices[days] = table.c, table.c.price_usd
        source = source.outerjoin(table, days_before(days, table, now.c.date, same, part.first, part))
    price = now.c.price_usd
    highest = case((coins.c.highest_usd > now.c.highest_usd, coins.c.highest_usd), else_=now.c.highest_usd)
    return (
        select(
            now.c.date,
            coins.c.asset_id,
            *(price / past_prices[days] - 1 for days in HORIZONS),
            _volatility(now, coins, past[LONG], kind),
            highest,
            price / highest - 1,
            _mean(now, coins, past[SHORT], SHORT, kind),
            _mean(now, coins, past[LONG], LONG, kind),
        )
        .select_from(source)
        .where(now.c.date >= part.first)
    )


def _running(part: Part, coins: CTE) -> CTE:
    """Each coin's prices with their running totals, from the longest sum before the part to its end.

    A coin is told by its number: MySQL keeps room for the longest id in each row of an intermediate result.
    """
    market, before = tables.daily_market, tables.daily_market.alias("before")
    first = part.first - timedelta(days=LONG)
    price = market.c.price_usd
    log_return = func.ln(price / before.c.price_usd)
    same = same_coin(before.c.asset_id, market.c.asset_id, part.kind)
    window = "so_far AS (PARTITION BY coins.number ORDER BY daily_market.date ROWS UNBOUNDED PRECEDING)"
    return (
        select(
            market.c.date,
            coins.c.number.label("coin"),
            price,
            before.c.price_usd.label("price_before_usd"),
            _so_far(func.count()).label("days"),
            _so_far(func.min(market.c.date)).label("began_on"),
            _so_far(func.sum(price)).label("prices"),
            _so_far(func.sum(log_return * log_return)).label("squares"),
            _so_far(func.max(price)).label("highest_usd"),
        )
        .select_from(
            market.join(coins, same_coin(coins.c.asset_id, market.c.asset_id, part.kind)).outerjoin(
                before, days_before(1, before, market.c.date, same, first, part)
            )
        )
        .where(market.c.date.between(first, part.last), price > 0)
        .suffix_with(text(f"WINDOW {window}"))
        .cte("running")
    )


def _so_far(function: ColumnElement[Any]) -> ColumnElement[Any]:
    # By name: MySQL makes a pass and a temporary table for each window that is written out, even where two are equal.
    return function.op("OVER")(literal_column("so_far"))


def _mean(now: CTE, coins: CTE, past: Columns, days: int, kind: Kind) -> ColumnElement[Any]:
    """The mean of the prices of so many days up to a date; NULL where one of them is missing."""
    started = days_later(now.c.date, 1 - days, kind)
    one = tables.daily_market.alias("one")
    directly = (
        select(case((func.count() == days, func.sum(one.c.price_usd))))
        .where(one.c.asset_id == coins.c.asset_id, one.c.date.between(started, now.c.date), one.c.price_usd > 0)
        .scalar_subquery()
    )
    difference = now.c.prices - past.prices
    total = case(
        (now.c.days < days, None),
        (and_(now.c.days == days, now.c.began_on == started), now.c.prices),
        (and_(now.c.days - past.days == days, difference >= LEAST_SHARE * now.c.prices), difference),
        else_=directly,
    )
    return total / float(days)


def _volatility(now: CTE, coins: CTE, past: Columns, kind: Kind) -> ColumnElement[Any]:
    """The annualised sample standard deviation of the log returns of `LONG` days; NULL where a price is missing."""
    whole = func.ln(now.c.price_usd / past.price_usd)
    one, before = tables.daily_market.alias("one"), tables.daily_market.alias("one_before")
    scatter = func.ln(one.c.price_usd / before.c.price_usd) - whole / float(LONG)
    directly = (
        select(func.sum(scatter * scatter))
        .where(
            one.c.asset_id == coins.c.asset_id,
            one.c.date.between(days_later(now.c.date, 1 - LONG, kind), now.c.date),
            before.c.asset_id == one.c.asset_id,
            before.c.date == days_later(one.c.date, -1, kind),
        )
        .scalar_subquery()
    )
    difference = now.c.squares - func.coalesce(past.squares, 0.0) - whole * whole / float(LONG)
    scattered = case((difference >= LEAST_SHARE * now.c.squares, difference), else_=directly)
    return case((now.c.days - past.days == LONG, func.sqrt(scattered / float(LONG - 1) * DAYS_A_YEAR)))


def _coins(part: Part) -> CTE:
    """The coins with rows in the part: their ids, numbers from 1, and highest prices before the part."""
    market, returns = tables.daily_market, tables.daily_returns
    latest = select(func.max(returns.c.date)).where(returns.c.date < part.computed_before).scalar_subquery()
    there = select(market.c.asset_id).distinct().where(market.c.date.between(part.first, part.last)).subquery("there")
    measured = select(returns.c.asset_id, returns.c.highest_usd).where(returns.c.date == latest).subquery("measured")
    # A coin that had no price on the latest date that was computed: a new one, or one that came back.
    stored = (
        select(func.max(market.c.price_usd))
        .where(market.c.asset_id == there.c.asset_id, market.c.date < part.first)
        .scalar_subquery()
    )
    known = (
        select(there.c.asset_id, func.coalesce(measured.c.highest_usd, stored).label("highest_usd"))
        .select_from(there.outerjoin(measured, measured.c.asset_id == there.c.asset_id))
        .subquery("known")
    )
    # Dates since the latest that was computed: those of parts that are made at the same time, or that were left out.
    since = (
        select(market.c.asset_id, func.max(market.c.price_usd).label("highest_usd"))
        .where(market.c.date > latest, market.c.date < part.first)
        .group_by(market.c.asset_id)
        .subquery("since")
    )
    return (
        select(
            known.c.asset_id,
            func.row_number().over(order_by=known.c.asset_id).label("number"),
            case((since.c.highest_usd > known.c.highest_usd, since.c.highest_usd), else_=known.c.highest_usd).label(
                "highest_usd"
            ),
        )
        .select_from(known.outerjoin(since, since.c.asset_id == known.c.asset_id))
        .cte("coins")
    )
