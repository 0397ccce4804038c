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
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    union_all,
    update,
)

from coingecko_pipeline import tables
from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.measures.working_set import BY_HASH, WorkingSet, coins_made, coins_named
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


def has_a_price(made: WorkingSet) -> ColumnElement[bool]:
    """That a row of `daily_returns` has a price above 0 in the daily market."""
    returns, market = tables.daily_returns.c, tables.daily_market
    same = and_(market.c.date == returns.date, market.c.asset_id == returns.asset_id)
    priced = select(market.c.price_usd).where(same, market.c.price_usd > 0)
    return priced.with_hint(market, made.hint(market), "mysql").exists()


def select_returns(made: WorkingSet) -> Select[Any]:
    """The rows of the working set, one for each coin and date with a price P above 0.

    - `return_Nd`: P(D) / P(D-N) - 1.
    - `volatility_30d`: sample standard deviation of the 30 log returns ln(P(d) / P(d-1)), d from D-29 to D, times
      the root of 365. It needs all of the 31 prices.
    - `highest_usd`: the highest of the coin's stored prices up to D; `drawdown`: P(D) / highest_usd - 1.
    - `moving_average_7d_usd`, `moving_average_30d_usd`: mean of the 7 (30) prices up to D; needs all of them.

    The highest price before the working set is the one that `note_highest_before` noted.

    Args:
        made: The working set.
    """
    now, coins, market = _with_earlier(_totals(_prices(made), made.kind), made), coins_named, tables.daily_market
    within = and_(coins.c.number == now.c.number, now.c.date.between(coins.c.first_on, coins.c.last_on))
    past: dict[int, ColumnElement[Any]] = {days: now.c[f"price_{days}"] for days in (1, SHORT, LONG)}
    older = {days: market.alias(f"past_{days}") for days in HORIZONS if days > LONG}
    source: FromClause = now.join(coins, within)
    for days, earlier in older.items():
        day = days_later(now.c.date, -days, made.kind)
        same = and_(earlier.c.date == day, earlier.c.asset_id == coins.c.asset_id, earlier.c.price_usd > 0)
        source = source.outerjoin(earlier, same)
        past[days] = earlier.c.price_usd
    price = now.c.price
    highest = case((coins.c.highest_usd > now.c.highest, coins.c.highest_usd), else_=now.c.highest)
    rows = (
        select(
            now.c.date,
            coins.c.asset_id,
            *(price / past[days] - 1 for days in HORIZONS),
            _volatility(now, made.kind),
            highest,
            price / highest - 1,
            _mean(now, SHORT, made.kind),
            _mean(now, LONG, made.kind),
        )
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
        .select_from(source)
        .where(price.is_not(None))
        # As the rows lie: each page of the table is changed once.
        .order_by(now.c.date, now.c.number)
    )
    for earlier in older.values():
        rows = rows.with_hint(earlier, made.hint(market), "mysql")
    return rows


def _prices(made: WorkingSet) -> CTE:
    """Each coin's prices, with the row before each, from the longest sum before its first row on."""
    market, coins = tables.daily_market, coins_made
    first_on = days_later(coins.c.first_on, -LONG, made.kind)
    within = and_(coins.c.asset_id == market.c.asset_id, market.c.date.between(first_on, coins.c.last_on))
    return (
        select(
            coins.c.number,
            market.c.date,
            market.c.price_usd,
            _so_far(func.lag(market.c.date)).label("date_before"),
            _so_far(func.lag(market.c.price_usd)).label("price_before"),
        )
        .prefix_with(BY_HASH, dialect="mysql")
        .with_hint(market, made.hint(market), "mysql")
        .select_from(market.join(coins, within))
        .where(made.of(market, made.read), market.c.price_usd > 0)
        .suffix_with(text("WINDOW so_far AS (PARTITION BY coins_made.number ORDER BY daily_market.date)"))
        .cte("prices")
    )


def _totals(prices: CTE, kind: Kind) -> CTE:
    """The same with running totals."""
    day, price = prices.c.date, prices.c.price_usd
    follows = prices.c.date_before == days_later(day, -1, kind)
    before = case((follows, prices.c.price_before))
    log_return = func.ln(price / before)
    return (
        select(
            prices.c.number,
            day,
            price.label("price"),
            before.label("price_before"),
            _so_far(func.count()).label("days"),
            _so_far(func.sum(price)).label("prices"),
            _so_far(func.sum(log_return * log_return)).label("squares"),
            _so_far(func.max(price)).label("highest"),
        )
        .suffix_with(
            text("WINDOW so_far AS (PARTITION BY prices.number ORDER BY prices.date ROWS UNBOUNDED PRECEDING)")
        )
        .cte("totals")
    )


def _with_earlier(totals: CTE, made: WorkingSet) -> Subquery:
    """What there is on each date that is made and, as `<name>_<days>`, so many days before it.

    A row is taken for its own date and for the later ones that look back at it, since MySQL cannot join a common table
    expression to itself where it is of a temporary table, and LAG over every row that is read takes longer.
    """
    looked_back = sorted({0, *(days - last for days in (SHORT, LONG) for last in (0, 1))})
    back = union_all(*(select(literal(days).label("days")) for days in looked_back)).subquery("back")
    day = days_later(totals.c.date, back.c.days, made.kind)

    def at(days: int, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.max(case((back.c.days == days, value)))

    found = {name: at(0, totals.c[name]) for name in ("price", "days", "prices", "squares", "highest")}
    found["price_1"] = at(0, totals.c.price_before)
    for days in (SHORT, LONG):
        found[f"price_{days}"] = at(days, totals.c.price)
        found[f"days_before_{days}"] = at(days - 1, totals.c.days - 1)
        found[f"prices_before_{days}"] = at(days - 1, totals.c.prices - totals.c.price)
    found[f"days_{LONG}"] = at(LONG, totals.c.days)
    found[f"squares_{LONG}"] = at(LONG, totals.c.squares)
    return (
        select(totals.c.number, day.label("date"), *(value.label(name) for name, value in found.items()))
        .select_from(totals.join(back, true()))
        .where(day.between(*made.made))
        .group_by(totals.c.number, day)
        .subquery("now")
    )


def _so_far(function: ColumnElement[Any]) -> ColumnElement[Any]:
    # By name: MySQL makes a pass and a temporary table for each window that is written out, even where two are equal.
    return function.op("OVER")(literal_column("so_far"))


def _mean(now: Subquery, days: int, kind: Kind) -> ColumnElement[Any]:
    """The mean of the prices of so many days up to a date; NULL where one of them is missing."""
    started = days_later(now.c.date, 1 - days, kind)
    one = tables.daily_market.alias("one")
    directly = (
        select(func.sum(one.c.price_usd))
        .where(one.c.asset_id == coins_named.c.asset_id, one.c.date.between(started, now.c.date))
        .with_hint(one, BY_COIN, "mysql")
        .scalar_subquery()
    )
    difference = now.c.prices - now.c[f"prices_before_{days}"]
    total = case((difference >= LEAST_SHARE * now.c.prices, difference), else_=directly)
    return case((now.c.days - now.c[f"days_before_{days}"] == days, total / float(days)))


def _volatility(now: Subquery, kind: Kind) -> ColumnElement[Any]:
    """The annualised sample standard deviation of the log returns of `LONG` days; NULL where a price is missing."""
    whole = func.ln(now.c.price / now.c[f"price_{LONG}"])
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
        .with_hint(before, BY_COIN, "mysql")
        .scalar_subquery()
    )
    difference = now.c.squares - func.coalesce(now.c[f"squares_{LONG}"], 0.0) - whole * whole / float(LONG)
    scattered = case((difference >= LEAST_SHARE * now.c.squares, difference), else_=directly)
    complete = now.c.days - now.c[f"days_{LONG}"] == LONG
    return case((complete, func.sqrt(scattered / float(LONG - 1) * DAYS_A_YEAR)))
