"""The candle of each day from the snapshot at the midnight that ends it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, between, case, func, literal_column, null, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures.parts import Part, PartQuery
from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.warehouse.database import Kind

NEAR_MIDNIGHT = timedelta(hours=1)
"""A snapshot's high and low are those of the 24 hours before it, so they are the day's where it was taken this long
after the midnight that ends the day, at most: 23 of the 24 hours at least are the day's own. The slowest plan takes a
quarter of an hour. Of 3,000 recorded rows the coin's own last update is within this time of the answer for 96.8 %, and
most of the others were not traded for a day."""


def is_of_midnight(snapshot: FromClause, kind: Kind) -> ColumnElement[bool]:
    """That a row of market_snapshots tells the high and the low of the day that has ended."""
    near = NEAR_MIDNIGHT.total_seconds()
    answered = _seconds_after_midnight(snapshot, snapshot.c.answered_at, kind)
    updated = _seconds_after_midnight(snapshot, snapshot.c.last_updated_at, kind)
    return and_(
        answered.between(0, near),
        or_(snapshot.c.last_updated_at.is_(None), updated.between(-near, near)),
        snapshot.c.high_24h_usd.is_not(None),
        snapshot.c.low_24h_usd.is_not(None),
    )


def own_price(market: FromClause) -> ColumnElement[float]:
    """The price of a row of daily_market; NULL where it is another date's."""
    return case((market.c.source != tables.STALE, market.c.price_usd))


def select_candles(part: Part, kind: Kind) -> Select[Any]:
    """The rows of daily_candles of a part: of the day D one for each coin in a snapshot at the midnight that ends it.

    - `high_usd`, `low_usd`: of 24 hours, in the snapshot of D+1.
    - `open_usd`, `close_usd`: price of the rows of daily_market of D and of D+1. NULL where it is missing or stale.
    - `quality`: `open_outside`, `close_outside` or `both_outside` where one or both are not between low and high;
      else `open_missing`, `close_missing` or `both_missing`; else `inside`.

    Args:
        part: Days and coins.
        kind: Of the database.
    """
    snapshot = tables.market_snapshots
    opening, closing = tables.daily_market.alias("opening"), tables.daily_market.alias("closing")
    day = days_later(snapshot.c.date, -1, kind)
    first, last = own_price(opening), own_price(closing)
    low, high = snapshot.c.low_24h_usd, snapshot.c.high_24h_usd
    open_is_outside, close_is_outside = ~between(first, low, high), ~between(last, low, high)
    quality = case(
        (and_(open_is_outside, close_is_outside), "both_outside"),
        (open_is_outside, "open_outside"),
        (close_is_outside, "close_outside"),
        (and_(first.is_(null()), last.is_(null())), "both_missing"),
        (first.is_(null()), "open_missing"),
        (last.is_(null()), "close_missing"),
        else_="inside",
    )
    return (
        select(day, snapshot.c.asset_id, first, high, low, last, quality)
        .with_hint(snapshot, part.hint(snapshot), "mysql")
        .select_from(
            snapshot.outerjoin(
                opening, and_(opening.c.date == day, opening.c.asset_id == snapshot.c.asset_id)
            ).outerjoin(closing, and_(closing.c.date == snapshot.c.date, closing.c.asset_id == snapshot.c.asset_id))
        )
        .where(part.of(snapshot, before=-1, after=1), is_of_midnight(snapshot, kind))
    )


CANDLES = PartQuery(tables.daily_candles, select_candles, days_before=1)
"""A row of the market is the close of the day before and the open of its own."""


def _seconds_after_midnight(snapshot: FromClause, moment: ColumnElement[Any], kind: Kind) -> ColumnElement[float]:
    if kind == "sqlite":
        return (func.julianday(moment) - func.julianday(snapshot.c.date)) * 86_400.0
    return func.timestampdiff(literal_column("SECOND"), snapshot.c.date, moment)
