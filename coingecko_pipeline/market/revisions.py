"""What CoinGecko changed of days that were over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class RevisedCoin:
    """One coin whose values were changed.

    Attributes:
        asset_id: The coin.
        values: How many of its values.
        first: The first date of them.
        last: The last date of them.
    """

    asset_id: str
    values: int
    first: date
    last: date


@dataclass(frozen=True)
class Revisions:
    """The values of settled days that were changed.

    Attributes:
        values: How many.
        latest: Moment of the latest answer that had another value (UTC); None where there was none.
        coins: The coins with the most of them, the most first.
    """

    values: int
    latest: datetime | None
    coins: Sequence[RevisedCoin]


def read_revisions(database: Database, since: datetime | None = None, limit: int = 20) -> Revisions:
    """The revisions seen since a moment, or all.

    Args:
        database: Where they are.
        since: The moment (UTC, aware); None for all.
        limit: Coins to tell.
    """
    table = tables.market_revisions
    total = select(func.count(), func.max(table.c.seen_at))
    by_coin = (
        select(table.c.asset_id, func.count(), func.min(table.c.date), func.max(table.c.date))
        .group_by(table.c.asset_id)
        .order_by(func.count().desc(), table.c.asset_id)
        .limit(limit)
    )
    if since is not None:
        total, by_coin = (query.where(table.c.seen_at >= since) for query in (total, by_coin))
    (values, latest), coins = database.run_reading(
        lambda connection: (connection.execute(total).one(), connection.execute(by_coin).all())
    )
    return Revisions(values, latest, [RevisedCoin(*row) for row in coins])
