"""A derived table that follows the changes has what it would have if it were made whole, whatever happened."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
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
from coingecko_pipeline_tests.measures.charts import planted, store, stored
from coingecko_pipeline_tests.measures.deriving import NOW, build, changed, follow, forget, log
from coingecko_pipeline_tests.measures.snapshots import snapshot_row

FIRST = date(2025, 1, 1)
COINS = [f"coin-{number}" for number in range(9)]


class Market:
    """A market that changes at random, each change logged as those who write the real one log theirs."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)
        self.today = FIRST + timedelta(days=70)
        for coin in COINS[:5]:
            self.chart(coin, 60)

    def snapshot(self) -> None:
        """A date of most coins: a new one, today's again, or one that had been missed."""
        self.today += timedelta(days=self._random.choice((0, 1, 1, 1, 3)))
        day = self.today - timedelta(days=self._random.choice((0, 0, 0, 20)))
        taken = [coin for coin in COINS if self._random.random() < 0.8]
        for coin in taken:
            self._put(coin, day)
        self._put_whole(taken, day)
        log(self._database, changed(day))

    def chart(self, coin: str | None = None, days: int | None = None) -> None:
        """Some dates of a coin, with gaps."""
        coin = coin or self._random.choice(COINS)
        last = self.today - timedelta(days=self._random.choice((0, 1, 9)))
        first = last - timedelta(days=days or self._random.choice((0, 3, 40, 90)))
        for number in range((last - first).days + 1):
            if self._random.random() < 0.95:
                self._put(coin, first + timedelta(days=number))
        log(self._database, changed(first, last, coin))

    def loss(self) -> None:
        """Rows that are deleted: of one coin, or of all."""
        coin = self._random.choice((None, *COINS))
        last = self.today - timedelta(days=self._random.choice((0, 10, 30)))
        first = last - timedelta(days=self._random.choice((0, 2, 12)))
        market = tables.daily_market
        rows = market.delete().where(market.c.date.between(first, last))
        with self._database.transaction() as connection:
            connection.execute(rows if coin is None else rows.where(market.c.asset_id == coin))
        log(self._database, changed(first, last, coin))

    def hours(self) -> None:
        """Some hours of today and of yesterday."""
        day = self.today - timedelta(days=self._random.choice((0, 0, 1)))
        rows = [
            {
                "hour_at": datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
                "asset_id": coin,
                "price_usd": self._random.choice((None, self._random.uniform(1, 9))),
            }
            for hour in self._random.sample(range(24), 3)
            for coin in COINS[:3]
        ]
        hourly = tables.hourly_market
        with self._database.transaction() as connection:
            for row in rows:
                same = (hourly.c.hour_at == row["hour_at"]) & (hourly.c.asset_id == row["asset_id"])
                connection.execute(hourly.delete().where(same))
            connection.execute(insert(hourly), rows)
        log(self._database, Change(hourly.name, day, day))

    def revision(self) -> None:
        """A value that is another one than before."""
        coin, day = self._random.choice(COINS), self.today - timedelta(days=self._random.choice((0, 1, 9)))
        revised = {"asset_id": coin, "date": day, "column_name": self._random.choice(("price_usd", "market_cap_usd"))}
        seen_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.randrange(10**6))
        with self._database.transaction() as connection:
            connection.execute(
                insert(tables.market_revisions), {**revised, "seen_at": seen_at, "old_value": 1.0, "new_value": 2.0}
            )
        self._put(coin, day)
        log(self._database, changed(day, day, coin))

    def change(self) -> None:
        """One of all these."""
        kinds = (self.snapshot, self.snapshot, self.chart, self.chart, self.loss, self.hours, self.revision)
        self._random.choice(kinds)()

    @property
    def noon(self) -> datetime:
        """The current time."""
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)

    def _put_whole(self, coins: Sequence[str], day: date) -> None:
        """The whole rows of a snapshot, in the place of earlier ones."""
        whole = tables.market_snapshots
        rows = [
            snapshot_row(
                day,
                coin,
                self._random.choice((None, self._random.uniform(0, 1))),
                self._random.uniform(1, 9),
                circulating_supply=self._random.uniform(0, 1e9),
            )
            for coin in coins
        ]
        with self._database.transaction() as connection:
            connection.execute(whole.delete().where(whole.c.date == day, whole.c.asset_id.in_(coins)))
            if rows:
                connection.execute(insert(whole), rows)

    def _put(self, coin: str, day: date) -> None:
        price = self._random.choice((None, 0.0, *[self._random.lognormvariate(0, 3) for _ in range(20)]))
        row = {
            "date": day,
            "asset_id": coin,
            "price_usd": price,
            "volume_24h_usd": self._random.uniform(0, 1e6),
            "market_cap_usd": self._random.choice((None, 100.0, self._random.uniform(0, 1e9))),
            "source": self._random.choice((tables.STALE, tables.CHART, tables.CHART)),
        }
        market = tables.daily_market
        with self._database.transaction() as connection:
            connection.execute(market.delete().where(market.c.date == day, market.c.asset_id == coin))
            connection.execute(insert(market), row)


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
