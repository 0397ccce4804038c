"""The whole market by date: sums, shares of the largest coins, and how many coins rose and fell."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, func, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures.making import Piece
from coingecko_pipeline.measures.spans import ONE_DAY, Span
from coingecko_pipeline.warehouse.database import Kind

LARGEST = (1, 10, 100)
"""Of so many of the largest coins the share of the market is told."""
DATES_AT_ONCE = 31
"""Dates of one transaction: each is a row, and two reads of that date's coins."""


def dates_of(changed: Span) -> Span:
    """The dates whose row depends on some dates: themselves, and the day after, whose rises and falls are from them."""
    return Span(changed.first, changed.last + ONE_DAY)


def global_market_groups(spans: Iterable[Span], kind: Kind) -> list[list[Piece]]:
    """The rows of some dates, in pieces that are independent of each other."""
    days = [day for span in spans for cut in span.cut(DATES_AT_ONCE) for day in _days(cut)]
    return [[_piece(days[start : start + DATES_AT_ONCE], kind)] for start in range(0, len(days), DATES_AT_ONCE)]


def _days(span: Span) -> list[date]:
    return [span.first + number * ONE_DAY for number in range((span.last - span.first).days + 1)]


def _piece(days: Sequence[date], kind: Kind) -> Piece:
    whole = tables.global_market_daily

    def make(connection: Connection) -> int:
        rows = [row for row in (global_market_on(connection, day, kind) for day in days) if row]
        connection.execute(delete(whole).where(whole.c.date.in_(days)))
        if rows:
            connection.execute(insert(whole), rows)
        return len(rows)

    return make


def global_market_on(connection: Connection, day: date, kind: Kind) -> dict[str, Any] | None:
    """The row of one date; None where the daily market has no row of it.

    - `market_cap_usd`, `volume_24h_usd`: sums over the coins that have the value; NULL where none has.
    - `coins_with_price`: how many coins have a price.
    - `share_of_largest`, `share_of_ten`, `share_of_hundred`: market cap of the 1, 10 and 100 largest coins by market
      cap, against `market_cap_usd`. The largest coin's share is what is called dominance. NULL where the sum is 0.
    - `coins_up`, `coins_down`: coins whose price is above, or below, the one of the date before; a coin without a
      price on one of the two dates is in neither.
    - `coins`, `coins_exact`: how many coins have a row, and how many of them a chart's.

    Stale rows are in `coins` alone: their values are of another date. A sum of doubles is rounded as the database adds
    it up, so two plans may differ in the last digits.

    Args:
        connection: Reads.
        day: The date.
        kind: Of the database.
    """
    coins, exact, cap, volume, priced, up, down = connection.execute(_sums(day, kind)).one()
    if not coins:
        return None
    caps: Sequence[float] = connection.scalars(_largest(day)).all() if cap else ()
    shares = [sum(caps[:largest]) / cap if cap else None for largest in LARGEST]
    values = (day, cap, volume, priced, *shares, up, down, coins, exact)
    return dict(zip(tables.global_market_daily.c.keys(), values, strict=True))


def _sums(day: date, kind: Kind) -> Select[Any]:
    market, before = tables.daily_market, tables.daily_market.alias("before")
    # The one date before, told as a range: MySQL then reads it once into a hash table, and does not look up each coin.
    between = and_(before.c.date > day - 2 * ONE_DAY, before.c.date < day)
    day_before = and_(
        between if kind == "mysql" else before.c.date == day - ONE_DAY,
        before.c.asset_id == market.c.asset_id,
        before.c.source != tables.STALE,
    )
    counts = market.c.source != tables.STALE
    price = case((counts, market.c.price_usd))
    query = (
        select(
            func.count(),
            func.count(case((market.c.source == tables.CHART, 1))),
            func.sum(case((counts, market.c.market_cap_usd))),
            func.sum(case((counts, market.c.volume_24h_usd))),
            func.count(price),
            func.count(case((price > before.c.price_usd, 1))),
            func.count(case((price < before.c.price_usd, 1))),
        )
        .select_from(market.outerjoin(before, day_before))
        .where(market.c.date == day)
    )
    # MySQL takes the index by coin for some dates, and reads each of its rows out of order then.
    for each in (market, before):
        query = query.with_hint(each, "USE INDEX (PRIMARY)", "mysql")
    return query


def _largest(day: date) -> Select[Any]:
    market = tables.daily_market
    cap = market.c.market_cap_usd
    return (
        select(cap)
        .where(market.c.date == day, market.c.source != tables.STALE, cap.is_not(None))
        .order_by(cap.desc())
        .limit(LARGEST[-1])
    )
