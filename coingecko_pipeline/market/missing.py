"""Coins of the list without a row on a date, by reason."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import and_, select

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database

LISTED_LATER = "listed_later"
"""The coin came with a list after the snapshot of the date."""
UNKNOWN = "unknown"
"""No reason is known: a row that the snapshot brought is lost, or the snapshot did not come to its end."""


def missing_on(database: Database, day: date) -> Mapping[str, Sequence[str]]:
    """The active coins that have no row of a date, by reason: one of `missing_coins`, or one of those above.

    Args:
        database: Where everything is kept.
        day: The date, for which a snapshot of all coins was taken.
    """
    assets, market, missing = tables.assets.c, tables.daily_market.c, tables.missing_coins.c
    query = (
        select(assets.asset_id, assets.first_seen_on, missing.reason)
        .select_from(
            tables.assets.outerjoin(
                tables.daily_market, and_(market.date == day, market.asset_id == assets.asset_id)
            ).outerjoin(tables.missing_coins, and_(missing.date == day, missing.asset_id == assets.asset_id))
        )
        .where(assets.is_active, market.asset_id.is_(None))
        .order_by(assets.asset_id)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for coin, first_seen_on, reason in database.run_reading(lambda connection: connection.execute(query).all()):
        found[reason or (LISTED_LATER if first_seen_on > day else UNKNOWN)].append(coin)
    return dict(found)
