"""The views of the daily market."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures import MARKET_FLAGS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.deriving import build
from coingecko_pipeline_tests.measures.snapshots import market_row, put

DAY = date(2026, 3, 9)
NEXT = DAY + timedelta(days=1)


def rows(database: Database, view: Table, *columns: str) -> list[tuple[Any, ...]]:
    chosen = [view.c[name] for name in columns]
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*chosen).order_by(view.c.date, view.c.asset_id))]


def test_the_clean_market_is_without_the_rows_that_have_a_flag(database: Database) -> None:
    put(
        database,
        [
            market_row(DAY, "odd", 5.0, source=tables.STALE, volume_24h_usd=9e9),
            market_row(NEXT, "odd", 5.0),
            market_row(DAY, "coin", 5.0),
        ],
    )
    build(database, MARKET_FLAGS)
    assert rows(database, tables.daily_market_clean, "date", "asset_id") == [(DAY, "coin"), (NEXT, "odd")]
    assert tables.daily_market_clean.c.keys() == tables.daily_market.c.keys()


def test_the_close_of_a_day_is_the_row_of_the_next_one(database: Database) -> None:
    # Of the day before the first row there is a close, and none of the last date.
    put(database, [market_row(DAY, "a", 5.0), market_row(NEXT, "a", 6.0), market_row(NEXT, "b", 7.0)])
    close = tables.daily_close
    assert rows(database, close, "date", "asset_id", "price_usd") == [
        (DAY - timedelta(days=1), "a", 5.0),
        (DAY, "a", 6.0),
        (DAY, "b", 7.0),
    ]
    with database.connect() as connection:
        assert connection.scalars(
            select(close.c.price_usd).where(close.c.date == DAY, close.c.asset_id == "a")
        ).all() == [6.0]
    assert close.c.keys() == tables.daily_market.c.keys()


def test_the_universe_of_a_date_has_its_ranks_its_classes_and_what_is_gone_since(database: Database) -> None:
    put(
        database,
        [
            market_row(DAY, "bitcoin", 9.0),
            market_row(DAY, "wrapped", 8.0),
            market_row(DAY, "gone", 7.0),
            market_row(DAY, "twin", 7.0),
            market_row(DAY, "small", 6.0),
            market_row(DAY, "no-cap", 1.0, market_cap_usd=None),
            market_row(DAY, "cap-0", 1.0, market_cap_usd=0.0),
            market_row(DAY, "stale", 99.0, source=tables.STALE),
            market_row(NEXT, "wrapped", 8.0),
        ],
    )
    common = {"name": "n", "first_seen_on": DAY, "last_seen_on": DAY}
    coins = ["bitcoin", "wrapped", "gone", "twin", "small", "no-cap", "cap-0", "stale"]
    with database.transaction() as connection:
        connection.execute(
            insert(tables.assets),
            [{"asset_id": coin, "symbol": coin[:3], "is_active": coin != "gone", **common} for coin in coins],
        )
        connection.execute(
            insert(tables.rehypothecated_assets),
            [
                {"asset_id": "wrapped", "first_on": date(1970, 1, 1), "last_on": DAY - timedelta(days=9)},
                {"asset_id": "wrapped", "first_on": DAY, "last_on": DAY},
            ],
        )
    columns = ("asset_id", "market_cap_rank", "market_cap_rank_with_rehypothecated", "is_rehypothecated", "is_gone")
    assert rows(database, tables.universe, *columns) == [
        ("bitcoin", 1, 1, False, False),
        ("cap-0", None, None, False, False),
        ("gone", 2, 3, False, True),
        ("no-cap", None, None, False, False),
        ("small", 4, 5, False, False),
        ("stale", None, None, False, False),
        ("twin", 2, 3, False, False),
        ("wrapped", None, 2, True, False),
        ("wrapped", 1, 1, False, False),
    ]
    universe = tables.universe
    with database.connect() as connection:
        largest = select(universe.c.symbol).where(universe.c.date == DAY, universe.c.market_cap_rank <= 3)
        assert sorted(connection.scalars(largest)) == ["bit", "gon", "twi"]
