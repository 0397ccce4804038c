"""The cookbook's small market, with what else is asked of: rates, snapshots, candles, contracts, an hour."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cookbook_market import DAYS, FIRST, day, fill
from coingecko_pipeline_tests.databases import MakeDatabase

SOLANA_MINT = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
WITHOUT_RATE = date(2026, 10, 31)
HOUR = datetime(2026, 11, 1, 17, tzinfo=UTC)


def snapshot(day_: date, coin: str, **values: float) -> dict[str, object]:
    """A row of market_snapshots."""
    return {"date": day_, "asset_id": coin, "answered_at": datetime(2026, 11, 8, tzinfo=UTC), **values}


@pytest.fixture(scope="module")
def market(make_database: MakeDatabase) -> Database:
    """The small market."""
    database = make_database()
    migrate(database)
    fill(database)
    coins = ("bitcoin", "ethereum")
    with database.transaction() as connection:
        connection.execute(
            insert(tables.fx_rates),
            [
                {"date": day(number), "currency": "eur", "usd_per_unit": 1.25, "source": "chart"}
                for number in range(DAYS)
                if day(number) != WITHOUT_RATE
            ],
        )
        connection.execute(
            insert(tables.market_snapshots),
            [
                snapshot(day(number), coin, circulating_supply=1e6 + number, total_supply=2e6, max_supply=3e6)
                for number in (30, 31, 33)
                for coin in coins
            ],
        )
        connection.execute(
            insert(tables.daily_candles),
            [
                {
                    "date": day(31),
                    "asset_id": coin,
                    "open_usd": 100.0,
                    "high_usd": 125.0,
                    "low_usd": 75.0,
                    "close_usd": 110.0,
                    "quality": "inside",
                }
                for coin in coins
            ],
        )
        connection.execute(
            insert(tables.rehypothecated_assets),
            [
                {"asset_id": "solana", "first_on": date(1970, 1, 1), "last_on": date(2026, 11, 4)},
                {"asset_id": "dogecoin", "first_on": date(2026, 11, 5), "last_on": date(9999, 12, 31)},
            ],
        )
        connection.execute(
            insert(tables.asset_contracts),
            [
                {
                    "platform": platform,
                    "address": address,
                    "asset_id": coin,
                    "first_seen_on": FIRST,
                    "last_seen_on": FIRST,
                    "is_active": True,
                }
                for platform, address, coin in (
                    ("solana", SOLANA_MINT, "tether"),
                    ("shared", "0xabc", "pepe"),
                    ("shared", "0xabc", "minnow"),
                )
            ],
        )
        connection.execute(
            insert(tables.hourly_market),
            [
                {
                    "hour_at": HOUR + timedelta(hours=hours),
                    "asset_id": "ethereum",
                    "price_usd": 5_000.0 + hours,
                    "observed_at": HOUR + timedelta(hours=hours, minutes=2),
                }
                for hours in range(3)
            ],
        )
        # A row without a price, and two coins of one symbol.
        connection.execute(
            tables.daily_market.update()
            .where(tables.daily_market.c.asset_id == "quietcoin", tables.daily_market.c.date == day(20))
            .values(price_usd=None)
        )
        connection.execute(
            tables.assets.update().where(tables.assets.c.asset_id.in_(["minnow", "plankton"])).values(symbol="TWO")
        )
    return database
