"""Returns, volatility, drawdown and moving averages of each coin on each date.

Every measure is over dates, not over rows: where a date that it needs has no price above 0 it is NULL, and the days
before and after a gap are never taken for neighbours. Formulas as in J. C. Hull, Options, Futures, and Other
Derivatives (simple and log returns; volatility as the sample standard deviation of log returns, annualised by the root
of the trading days of a year, which are 365 here since these markets never close).
"""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    select,
    text,
    update,
)

from coingecko_pipeline import tables
from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.measures.working_set import coins_made, coins_named, dates_read
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

BY_COIN = "FORCE INDEX (ix_daily_market_asset_id_date_price)"
"""The index for some dates of one coin: the primary key would be read from the first to the last date of all coins."""


def note_highest_before(connection: Connection) -> None:
    """Give each coin of the working set the highest price before its first row: that of its latest row before it.

    Nearly always that row is the one of the day before. It is looked up first, since to find the latest one of a coin
    MySQL reads all of the coin's.
    """
    returns, first_on, coin = tables.daily_returns, coins_named.c.first_on, coins_named.c.asset_id
    kind: Kind = "sqlite" if connection.dialect.name == "sqlite" else "mysql"
    day_before = (
        select(returns.c.highest_usd)
        .where(returns.c.date == days_later(first_on, -1, kind), returns.c.asset_id == coin)
        .scalar_subquery()
    )
    latest = (
        select(returns.c.highest_usd)
        .where(returns.c.asset_id == coin, returns.c.date < first_on)
        .order_by(returns.c.date.desc())
        .limit(1)
        # The primary key backwards, MySQL's own choice, reads the whole table for a coin without a row.
        .with_hint(returns, "FORCE INDEX (ix_daily_returns_asset_id_date)", "mysql")
        .scalar_subquery()
    )
    connection.execute(update(coins_named).values(highest_usd=day_before))
    connection.execute(update(coins_named).where(coins_named.c.highest_usd.is_(None)).values(highest_usd=latest))


def has_a_price() -> ColumnElement[bool]:
    """That a row of `daily_returns` has a price above 0 in the daily market."""
    returns, market = tables.daily_returns.c, tables.daily_market.c
    same = and_(market.date == returns.date, market.asset_id == returns.asset_id)
    return exists().where(same, market.price_usd > 0)


def select_returns(kind: Kind) -> Select[Any]:
    """The rows of the working set, one for each coin and date with a price P above 0.

    - `return_Nd`: P(D) / P(D-N) - 1.
    - `volatility_30d`: sample standard deviation of the 30 log returns ln(P(d) / P(d-1)), d from D-29 to D, times
      the root of 365. It needs all of the 31 prices.
    - `highest_usd`: the highest of the coin's stored prices up to D; `drawdown`: P(D) / highest_usd - 1.
    - `moving_average_7d_usd`, `moving_average_30d_usd`: mean of the 7 (30) prices up to D; needs all of them.

    The highest price before the working set is the one that `note_highest_before` noted.

    Args:
        kind: Of the database.
    """
    now, coins = _with_earlier(_totals(kind)), coins_named
    source: Any = now.join(coins, coins.c.number == now.c.number)
    past: dict[int, ColumnElement[Any]] = {1: now.c.price_before_usd}
    for days in HORIZONS[1:]:
        earlier = tables.daily_market.alias(f"past_{days}")
        day = days_later(now.c.date, -days, kind)
        if days <= LONG:
            # Nearly always the row so many rows before; where a date is missing between them, the date's own.
            stored = (
                select(earlier.c.price_usd)
                .where(earlier.c.date == day, earlier.c.asset_id == coins.c.asset_id, earlier.c.price_usd > 0)
                .scalar_subquery()
            )
            past[days] = case((now.c[f"date_{days}"] == day, now.c[f"price_{days}"]), else_=stored)
        else:
            same = and_(earlier.c.date == day, earlier.c.asset_id == coins.c.asset_id, earlier.c.price_usd > 0)
            source = source.outerjoin(earlier, same)
            past[days] = earlier.c.price_usd
    price = now.c.price_usd
    highest = case((coins.c.highest_usd > now.c.highest_usd, coins.c.highest_usd), else_=now.c.highest_usd)
    return (
        select(
            now.c.date,
            coins.c.asset_id,
            *(price / past[days] - 1 for days in HORIZONS),
            _volatility(now, kind),
            highest,
            price / highest - 1,
            _mean(now, SHORT, kind),
            _mean(now, LONG, kind),
        )
        .select_from(source)
        .where(now.c.date >= coins.c.first_on)
    )


def _totals(kind: Kind) -> CTE:
    """Each coin's prices with their running totals, from the longest sum before its first row on."""
    market, before, coins, read = tables.daily_market, tables.daily_market.alias("before"), coins_made, dates_read.c.day
    price = market.c.price_usd
    log_return = func.ln(price / before.c.price_usd)
    day_before = and_(
        before.c.date == days_later(read, -1, kind), before.c.asset_id == coins.c.asset_id, before.c.price_usd > 0
    )
    return (
        select(
            coins.c.number,
            market.c.date,
            price,
            before.c.price_usd.label("price_before_usd"),
            _so_far(func.count()).label("days"),
            _so_far(func.min(market.c.date)).label("began_on"),
            _so_far(func.sum(price)).label("prices"),
            _so_far(func.sum(log_return * log_return)).label("squares"),
            _so_far(func.max(price)).label("highest_usd"),
        )
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
        .select_from(
            dates_read.join(coins, read.between(days_later(coins.c.first_on, -LONG, kind), coins.c.last_on))
            .join(market, and_(market.c.date == read, market.c.asset_id == coins.c.asset_id))
            .outerjoin(before, day_before)
        )
        .where(price > 0)
        .suffix_with(
            text(
                "WINDOW so_far AS (PARTITION BY coins_made.number ORDER BY daily_market.date ROWS UNBOUNDED PRECEDING)"
            )
        )
        .cte("totals")
    )


def _with_earlier(totals: CTE) -> CTE:
    """The same with the date, the price and the totals of the row 7 and 30 rows before."""
    earlier = [
        _so_far(func.lag(totals.c[column], days)).label(f"{name}_{days}")
        for days in (SHORT, LONG)
        for name, column in (("date", "date"), ("price", "price_usd"), ("prices", "prices"), ("squares", "squares"))
        if days == LONG or name != "squares"
    ]
    return (
        select(*totals.c, *earlier)
        .suffix_with(text("WINDOW so_far AS (PARTITION BY totals.number ORDER BY totals.date)"))
        .cte("prices")
    )


def _so_far(function: ColumnElement[Any]) -> ColumnElement[Any]:
    # By name: MySQL makes a pass and a temporary table for each window that is written out, even where two are equal.
    return function.op("OVER")(literal_column("so_far"))


def _mean(now: CTE, days: int, kind: Kind) -> ColumnElement[Any]:
    """The mean of the prices of so many days up to a date; NULL where one of them is missing."""
    started = days_later(now.c.date, 1 - days, kind)
    one = tables.daily_market.alias("one")
    directly = (
        select(case((func.count() == days, func.sum(one.c.price_usd))))
        .where(one.c.asset_id == coins_named.c.asset_id, one.c.date.between(started, now.c.date), one.c.price_usd > 0)
        .with_hint(one, BY_COIN, "mysql")
        .scalar_subquery()
    )
    difference = now.c.prices - now.c[f"prices_{days}"]
    whole = now.c[f"date_{days}"] == days_later(now.c.date, -days, kind)
    total = case(
        (now.c.days < days, None),
        (and_(now.c.days == days, now.c.began_on == started), now.c.prices),
        (and_(whole, difference >= LEAST_SHARE * now.c.prices), difference),
        else_=directly,
    )
    return total / float(days)


def _volatility(now: CTE, kind: Kind) -> ColumnElement[Any]:
    """The annualised sample standard deviation of the log returns of `LONG` days; NULL where a price is missing."""
    whole = func.ln(now.c.price_usd / now.c[f"price_{LONG}"])
    one, before = tables.daily_market.alias("one"), tables.daily_market.alias("one_before")
    scatter = func.ln(one.c.price_usd / before.c.price_usd) - whole / float(LONG)
    directly = (
        select(func.sum(scatter * scatter))
        .where(
            one.c.asset_id == coins_named.c.asset_id,
            one.c.date.between(days_later(now.c.date, 1 - LONG, kind), now.c.date),
            before.c.asset_id == one.c.asset_id,
            before.c.date == days_later(one.c.date, -1, kind),
        )
        .with_hint(one, BY_COIN, "mysql")
        .scalar_subquery()
    )
    difference = now.c.squares - func.coalesce(now.c[f"squares_{LONG}"], 0.0) - whole * whole / float(LONG)
    scattered = case((difference >= LEAST_SHARE * now.c.squares, difference), else_=directly)
    complete = now.c[f"date_{LONG}"] == days_later(now.c.date, -LONG, kind)
    return case((complete, func.sqrt(scattered / float(LONG - 1) * DAYS_A_YEAR)))
