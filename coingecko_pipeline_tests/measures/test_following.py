"""A derived table that follows the changes has what it would have if it were made whole, whatever happened."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change, followed_number, latest_change
from coingecko_pipeline.measures import (
    ALWAYS,
    DAILY_OHLC,
    DAILY_RETURNS,
    GLOBAL_MARKET_DAILY,
    MEASURES,
    WEEKLY_MARKET,
    DerivedTable,
    Log,
    ToMake,
)
from coingecko_pipeline.measures import follow as follow_logs
from coingecko_pipeline.measures.making import DatedPiece
from coingecko_pipeline.measures.memory import statement_memory
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_servers
from coingecko_pipeline_tests.measures.changing import FIRST, Market
from coingecko_pipeline_tests.measures.charts import planted, store, stored
from coingecko_pipeline_tests.measures.deriving import NOW, build, changed, follow, forget, log


def rows_in(database: Database, derived: DerivedTable) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        keys = derived.table.primary_key.columns
        return [tuple(row) for row in connection.execute(select(derived.table).order_by(*keys))]


def assert_same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], what: str) -> None:
    assert [row[:2] for row in found if isinstance(row[1], str)] == [
        row[:2] for row in expected if isinstance(row[1], str)
    ], what
    for row, other in zip(found, expected, strict=True):
        for value, wanted in zip(row, other, strict=True):
            close = isinstance(value, float) and wanted is not None and np.isclose(value, wanted, rtol=1e-9, atol=1e-12)
            assert close or value == wanted, (what, row, other)


@pytest.mark.parametrize("seed", range(6))
def test_what_followed_any_changes_equals_what_is_made_whole(database: Database, seed: int) -> None:
    market = Market(database, seed)
    for derived in MEASURES:
        follow(database, derived, market.noon)
    for _ in range(4):
        for _ in range(random.Random(seed).choice((1, 3))):
            market.change()
        for derived in MEASURES:
            follow(database, derived, market.noon)
        followed = {derived.name: rows_in(database, derived) for derived in MEASURES}
        for derived in MEASURES:
            build(database, derived, market.noon)
            assert_same(followed[derived.name], rows_in(database, derived), derived.name)


def test_nothing_to_follow_writes_nothing(database: Database) -> None:
    for derived in MEASURES:
        assert follow(database, derived).rows_written == 0
    store(database, {"coin": planted(FIRST, range(1, 20))})
    log(database, changed(FIRST, FIRST + timedelta(days=18), "coin"))
    for derived in MEASURES:
        follow(database, derived)
        again = follow(database, derived)
        assert (again.rows_written, again.changes, again.whole) == (0, 0, False)


def test_a_table_that_never_was_computed_is_made_whole_without_a_change(database: Database) -> None:
    store(database, {"coin": planted(FIRST, range(1, 20))})
    made = follow(database, DAILY_RETURNS)
    assert (made.whole, made.rows_written, made.before) == (True, 19, {"coingecko": None})
    assert followed_number(database, "daily_returns", "coingecko") == 0


def test_what_was_followed_is_told(database: Database) -> None:
    store(database, {"a": planted(FIRST, range(1, 20)), "b": planted(FIRST, range(1, 20))})
    build(database, GLOBAL_MARKET_DAILY)
    days = [FIRST + timedelta(days=number) for number in range(19)]
    log(database, changed(days[3], days[5], "a"), changed(days[4], days[4], "b"), changed(days[18]))
    told = follow(database, GLOBAL_MARKET_DAILY)
    assert (told.before, told.after) == ({"coingecko": 0}, {"coingecko": 3})
    assert (told.changes, told.dates, told.coins, told.rows_written) == (3, (days[3], days[18]), 2, 5)


@pytest.fixture
def failing_last(database: Database) -> Iterator[Callable[[], None]]:
    """A run of two pieces of a table whose second one fails."""
    store(database, {"coin": planted(FIRST, range(1, 20))})
    build(database, WEEKLY_MARKET)
    log(database, changed(FIRST, FIRST + timedelta(days=18), "coin"))

    def succeed(connection: Connection) -> int:
        return connection.execute(tables.weekly_market.update().values(days_present=6)).rowcount

    def fail(connection: Connection) -> int:
        connection.execute(tables.weekly_market.delete())
        connection.execute(insert(tables.daily_market), [{"date": FIRST, "asset_id": "coin", "source": "chart"}])
        return 0

    def run() -> None:
        pieces = [DatedPiece(tables.weekly_market, ALWAYS, make) for make in (succeed, fail)]
        logs = [Log("coingecko", database, "daily_market")]
        follow_logs(database, "weekly_market", logs, lambda _changes, _now: ToMake([pieces]), NOW)

    yield run
    forget(database)


def test_a_crash_between_two_pieces_leaves_the_number_where_it_was(
    database: Database, failing_last: Callable[[], None]
) -> None:
    with pytest.raises(IntegrityError):
        failing_last()
    assert followed_number(database, "weekly_market", "coingecko") == 0
    assert latest_change(database) == 1
    # The first piece is stored, the second as if it had not begun.
    assert set(stored(database, tables.weekly_market)["days_present"]) == {6}
    assert follow(database, WEEKLY_MARKET).changes == 1
    assert set(stored(database, tables.weekly_market)["days_present"]) != {6}


LIMITS = ("tmp_table_size", "max_heap_table_size", "sort_buffer_size", "join_buffer_size")


@on_servers
@pytest.mark.parametrize("fails", [False, True])
def test_no_session_keeps_the_larger_limits(database: Database, fails: bool) -> None:
    query = text("SELECT " + ", ".join(f"@@session.{name}, @@global.{name}" for name in LIMITS))
    try:
        with database.transaction() as connection, statement_memory(connection, 64):
            inside = connection.execute(query).one()
            assert inside[0] == 64 << 20 != inside[1]
            if fails:
                connection.exec_driver_sql("SELECT * FROM no_such_table")
    except DBAPIError:
        assert fails
    with database.connect() as connection:
        found = connection.execute(query).one()
    assert list(found[::2]) == list(found[1::2])


@on_servers
def test_what_failed_leaves_no_temporary_table_behind(database: Database, failing_last: Callable[[], None]) -> None:
    with pytest.raises(IntegrityError):
        failing_last()
    for _ in range(3):
        build(database, WEEKLY_MARKET)


def test_a_bar_of_hours_is_made_once_its_day_is_over(database: Database) -> None:
    hour = datetime(2025, 5, 31, 11, tzinfo=UTC)
    with database.transaction() as connection:
        connection.execute(insert(tables.hourly_market), {"hour_at": hour, "asset_id": "coin", "price_usd": 2.0})
    log(database, Change("hourly_market", hour.date(), hour.date()))
    assert follow(database, DAILY_OHLC, hour + timedelta(hours=1)).rows_written == 0
    # No change came since: the day ended.
    assert follow(database, DAILY_OHLC, hour + timedelta(hours=13)).rows_written == 1
    assert list(stored(database, tables.daily_ohlc).index) == [pd.Timestamp("2025-05-31")]
