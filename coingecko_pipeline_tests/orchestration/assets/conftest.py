"""A database that knows three coins."""

from datetime import date

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database

COINS = ("big", "middle", "small")


@pytest.fixture
def stocked(database: Database) -> Database:
    """The tables with three active coins and no market yet."""
    stock(database, COINS)
    return database


def stock(database: Database, coins: tuple[str, ...]) -> None:
    """Make coins known and active."""
    seen = date(2026, 1, 1)
    rows = [
        {"asset_id": c, "symbol": c, "name": c, "first_seen_on": seen, "last_seen_on": seen, "is_active": True}
        for c in coins
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.assets), rows)
