"""The row of the same coin some days before: a join of a table of prices with itself."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, func

from coingecko_pipeline.measures.parts import Part
from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.warehouse.database import Kind


def days_before(
    days: int, past: FromClause, now: ColumnElement[date], same: ColumnElement[bool], first: date, part: Part
) -> ColumnElement[bool]:
    """The condition of a join: `past` is the row so many days before the date `now`, of the same coin, with a price.

    On MySQL it is written so that no index on the date can serve it, and the join is by hash: it takes half the time of
    a lookup in the index for each row. The dates are bounded, so that only rows that can be found are hashed. MariaDB
    and SQLite look up, since they know no such join.

    Args:
        days: How many.
        past: With the columns `date` and `price_usd`.
        now: The date.
        same: That both rows are of one coin.
        first: The first date that `now` can be.
        part: Whose last date is the last one.
    """
    if part.kind != "mysql":
        return and_(past.c.date == days_later(now, -days, part.kind), same, past.c.price_usd > 0)
    # Open bounds: of one date, closed ones would be an equality, which an index can serve, for all coins at once.
    after, until = first - timedelta(days=days + 1), part.last - timedelta(days=days - 1)
    earlier = and_(past.c.date > after, past.c.date < until, past.c.price_usd > 0)
    return and_(days_later(past.c.date, days, part.kind) == now, same, earlier)


def same_coin(one: ColumnElement[Any], other: ColumnElement[Any], kind: Kind) -> ColumnElement[bool]:
    """That two columns tell the same coin; on MySQL written so that no index can serve it, and the join is by hash."""
    return func.coalesce(one) == func.coalesce(other) if kind == "mysql" else one == other
