"""What the hours of a day make of its prices: open, high, low and close."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, Select, and_, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures.spans import Span


def select_daily_ohlc(days: Span) -> Select[Any]:
    """The rows of daily_ohlc for some UTC days, one for each coin with a price in one of its hours.

    With the hours h of a coin and a UTC day that have a price p(h): open = p(min h), close = p(max h), high = max p,
    low = min p, observations = the number of them. This is the bar that exchanges and charts call OHLC, of prices
    observed once an hour instead of trades.

    Args:
        days: The first and the last of them.
    """
    market = tables.hourly_market
    day = func.date(market.c.hour_at, type_=Date)
    bounds = (
        select(
            day.label("date"),
            market.c.asset_id,
            func.min(market.c.hour_at).label("first_at"),
            func.max(market.c.hour_at).label("last_at"),
            func.max(market.c.price_usd).label("high_usd"),
            func.min(market.c.price_usd).label("low_usd"),
            func.count().label("observations"),
        )
        .where(
            market.c.hour_at >= _midnight(days.first),
            market.c.hour_at < _midnight(days.last + timedelta(days=1)),
            market.c.price_usd.is_not(None),
        )
        .group_by(day, market.c.asset_id)
        .subquery()
    )
    opening, closing = market.alias("opening"), market.alias("closing")
    return (
        select(
            bounds.c.date,
            bounds.c.asset_id,
            opening.c.price_usd.label("open_usd"),
            bounds.c.high_usd,
            bounds.c.low_usd,
            closing.c.price_usd.label("close_usd"),
            bounds.c.observations,
        )
        .join_from(
            bounds, opening, and_(opening.c.hour_at == bounds.c.first_at, opening.c.asset_id == bounds.c.asset_id)
        )
        .join(closing, and_(closing.c.hour_at == bounds.c.last_at, closing.c.asset_id == bounds.c.asset_id))
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
