"""The candle of a day, from the snapshot at the midnight that ends it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.measures import DAILY_CANDLES
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.deriving import build, changed, follow, log
from coingecko_pipeline_tests.measures.snapshots import market_row, midnight, put, snapshot_row

DAY = date(2026, 3, 9)
NEXT = DAY + timedelta(days=1)


def candles(database: Database) -> list[tuple[Any, ...]]:
    table = tables.daily_candles
    with database.connect() as connection:
        rows = connection.execute(select(table).order_by(table.c.date, table.c.asset_id))
        return [tuple(row) for row in rows]


def test_a_candle_is_of_the_day_that_ended_when_the_snapshot_was_taken(database: Database) -> None:
    put(database, [market_row(DAY, "a", 5.0), market_row(NEXT, "a", 6.0)], [snapshot_row(NEXT, "a", 4.0, 9.0)])
    build(database, DAILY_CANDLES)
    assert candles(database) == [(DAY, "a", 5.0, 9.0, 4.0, 6.0, "inside")]


@pytest.mark.parametrize(
    ("opening", "closing", "quality"),
    [
        (4.0, 9.0, "inside"),
        (3.9, 5.0, "open_outside"),
        (5.0, 9.1, "close_outside"),
        (9.1, 3.9, "both_outside"),
        (None, 5.0, "open_missing"),
        (5.0, None, "close_missing"),
        (None, None, "both_missing"),
        (None, 9.1, "close_outside"),
    ],
)
def test_the_quality_tells_what_is_outside_and_else_what_is_missing(
    database: Database, opening: float | None, closing: float | None, quality: str
) -> None:
    put(
        database,
        [market_row(DAY, "a", opening), market_row(NEXT, "a", closing)],
        [snapshot_row(NEXT, "a", 4.0, 9.0)],
    )
    build(database, DAILY_CANDLES)
    assert candles(database) == [(DAY, "a", opening, 9.0, 4.0, closing, quality)]


def test_a_row_that_is_not_there_and_one_that_is_stale_are_missing(database: Database) -> None:
    put(database, [market_row(NEXT, "a", 5.0, source=tables.STALE)], [snapshot_row(NEXT, "a", 4.0, 9.0)])
    build(database, DAILY_CANDLES)
    assert candles(database) == [(DAY, "a", None, 9.0, 4.0, None, "both_missing")]


@pytest.mark.parametrize(
    ("row", "is_made"),
    [
        ({"answered_at": midnight(NEXT) + timedelta(minutes=59)}, True),
        ({"answered_at": midnight(NEXT) + timedelta(hours=18)}, False),
        ({"answered_at": midnight(NEXT) + timedelta(minutes=61)}, False),
        # A coin that was not traded for hours has the extremes of another time.
        ({"last_updated_at": midnight(NEXT) - timedelta(minutes=59)}, True),
        ({"last_updated_at": midnight(NEXT) - timedelta(minutes=61)}, False),
        ({"last_updated_at": None}, True),
        ({"high_24h_usd": None}, False),
        ({"low_24h_usd": None}, False),
    ],
)
def test_only_a_snapshot_near_midnight_that_has_both_extremes_is_a_days_candle(
    database: Database, row: dict[str, Any], is_made: bool
) -> None:
    put(database, [market_row(DAY, "a", 5.0)], [snapshot_row(NEXT, "a", 4.0, 9.0, **row)])
    build(database, DAILY_CANDLES)
    assert len(candles(database)) == is_made


def test_a_price_that_changes_changes_the_candle_that_it_closes_and_the_one_that_it_opens(database: Database) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    coins = ("a", "b")
    put(
        database,
        [market_row(day, coin, 5.0) for day in days for coin in coins],
        [snapshot_row(day, coin, 4.0, 9.0) for day in days for coin in coins],
    )
    assert build(database, DAILY_CANDLES).rows_written == 8
    market = tables.daily_market
    with database.transaction() as connection:
        connection.execute(market.update().where(market.c.date == days[2]).values(price_usd=9.5))
    log(database, changed(days[2], days[2], "a"))
    assert follow(database, DAILY_CANDLES).rows_written == 2
    assert [(row[0], row[6]) for row in candles(database) if row[1] == "a" and row[0] >= DAY] == [
        (days[0], "inside"),
        (days[1], "close_outside"),
        (days[2], "open_outside"),
    ]
    assert {row[6] for row in candles(database) if row[1] == "b" and row[0] >= DAY} == {"inside"}
    log(database, changed(days[2]))
    assert follow(database, DAILY_CANDLES).rows_written == 4
    assert [row[6] for row in candles(database) if row[1] == "b"][1:] == ["inside", "close_outside", "open_outside"]


def test_without_a_snapshot_there_is_no_candle_and_the_table_has_followed(database: Database) -> None:
    put(database, [market_row(DAY, "a", 5.0)])
    assert follow(database, DAILY_CANDLES).rows_written == 0
    log(database, changed(DAY))
    assert follow(database, DAILY_CANDLES).after == {"coingecko": 1}
