"""Rows of a derived table made anew inside the database, in pieces that are each one transaction.

A reader sees the old rows of a piece or the new ones, never none of them. No row of a coin comes through Python.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, true

from coingecko_pipeline.measures.memory import statement_memory
from coingecko_pipeline.measures.spans import Span
from coingecko_pipeline.measures.working_set import CoinRows, WorkingSet, replace_rows, working_set
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.database import Kind

ROWS_READ = 30_000
"""Rows of the market that one transaction reads at most, or those of one coin in `BLOCK_DAYS`: the 261 coins of a day's
completion are in three groups, two of which are made at the same time."""
BLOCK_DAYS = 200
"""Dates of a coin that one transaction makes at most: running totals over more of them would lose digits."""
AT_ONCE: dict[Kind, int] = {"mysql": 2, "mariadb": 2, "sqlite": 1}
"""Transactions that are made at the same time, each on a connection of its own, since a server runs a statement on one
core and SQLite has one writer."""

Piece = Callable[[Connection], int]
"""Makes its rows anew in the connection's transaction, and gives how many there are. May run more than once."""
Finish = Callable[[Connection], object]
"""What is done in the transaction of the last piece."""


@dataclass(frozen=True)
class CoinQuery:
    """How the rows of a table whose key is a date and a coin are made.

    Attributes:
        table: As declared; its key is a date and a coin.
        rows: Gives the rows of a working set, with the table's columns in their order.
        days_before: Days of the market that are read before a row's date.
        days_after: Days that are read after it.
        prepare: What the working set needs beside, in the same transaction.
        still_made: Tells of a stored row whether `rows` still gives it; see `replace_rows`.
    """

    table: Table
    rows: Callable[[WorkingSet], Select[Any]]
    days_before: int = 0
    days_after: int = 0
    prepare: Callable[[Connection], None] | None = None
    still_made: Callable[[WorkingSet], ColumnElement[bool]] | None = None

    def piece(self, rows: Sequence[CoinRows], kind: Kind) -> "CoinPiece":
        """Some rows, as one piece."""
        return CoinPiece(self, rows, kind)

    def groups(self, wanted: Mapping[str, Sequence[Span]], kind: Kind) -> "list[list[CoinPiece]]":
        """The rows of each coin in pieces: those of a group one after another by date, the groups independently.

        Coins whose ids are neighbours are together, since their rows are so in the database's pages.

        Args:
            wanted: The dates of each coin's rows.
            kind: Of the database.
        """
        found: list[list[CoinPiece]] = []
        coins: list[str] = []
        reads = 0
        for coin in sorted(wanted):
            most = sum((span.last - span.first).days + 1 for span in wanted[coin])
            cost = min(most, BLOCK_DAYS) + self.days_before + self.days_after
            if coins and reads + cost > ROWS_READ:
                found.append(self._blocks(coins, wanted, kind))
                coins, reads = [], 0
            coins.append(coin)
            reads += cost
        if coins:
            found.append(self._blocks(coins, wanted, kind))
        return found

    def _blocks(self, coins: Sequence[str], wanted: Mapping[str, Sequence[Span]], kind: Kind) -> "list[CoinPiece]":
        blocks: dict[int, list[CoinRows]] = {}
        for coin in coins:
            for span in wanted[coin]:
                for cut in span.cut(BLOCK_DAYS):
                    blocks.setdefault(cut.first.toordinal() // BLOCK_DAYS, []).append(CoinRows(coin, cut))
        return [self.piece(blocks[number], kind) for number in sorted(blocks)]


@dataclass(frozen=True)
class CoinPiece:
    """Rows of some coins, which are made inside the database.

    Attributes:
        query: How.
        rows: Which.
        kind: Of the database.
    """

    query: CoinQuery
    rows: Sequence[CoinRows]
    kind: Kind

    def __call__(self, connection: Connection) -> int:
        """Make them anew; how many there are."""
        with self.prepared(connection) as made:
            return self.write(connection, made)

    @contextmanager
    def prepared(self, connection: Connection) -> Iterator[WorkingSet]:
        """The working set of the rows, of which the query can be run for the time of the block."""
        query = self.query
        with working_set(connection, self.rows, query.days_before, query.days_after, self.kind) as made:
            if query.prepare:
                query.prepare(connection)
            yield made

    def write(self, connection: Connection, made: WorkingSet) -> int:
        """Make them anew where they are prepared; how many there are."""
        query = self.query
        still_made = query.still_made(made) if query.still_made else None
        return replace_rows(connection, query.table, query.rows(made), made, still_made)

    def limited(self, dates: Span, coin_ids: Collection[str] = ()) -> "CoinPiece | None":
        """Those of some dates and, where any is named, of some coins; None where there are none."""
        rows = [
            CoinRows(row.asset_id, span)
            for row in self.rows
            if (not coin_ids or row.asset_id in coin_ids) and (span := row.span.clipped(dates))
        ]
        return replace(self, rows=rows) if rows else None


@dataclass(frozen=True)
class DatedPiece:
    """All rows of some dates, or those of them that a condition holds of, which are made in whatever way.

    Attributes:
        table: Its key begins with the date.
        dates: The dates.
        make: Makes their rows anew.
        coin_ids: The coins that are looked at, where the rows are compared; all by default.
        which: Which rows of the table they are; all by default.
    """

    table: Table
    dates: Span
    make: Piece
    coin_ids: Collection[str] = ()
    which: ColumnElement[bool] = field(default_factory=true)

    def __call__(self, connection: Connection) -> int:
        """Make them anew; how many there are."""
        return self.make(connection)

    def limited(self, dates: Span, coin_ids: Collection[str] = ()) -> "DatedPiece | None":
        """The same, of which some dates and coins are looked at; None where there are none."""
        common = self.dates.clipped(dates)
        if common is None or (coin_ids and "asset_id" not in self.table.c):
            return None
        return replace(self, dates=common, coin_ids=coin_ids)


def make_pieces(database: Database, groups: Sequence[Sequence[Piece]], finish: Finish, megabytes: int) -> int:
    """Make all pieces, and finish in the transaction of the last one; how many rows there are.

    Args:
        database: Where the table is.
        groups: Those of a group are made in their order.
        finish: Done where all pieces before the last one are stored.
        megabytes: Memory for each intermediate table of the database.

    Raises:
        DatabaseUnavailable: The database did not let us in.
        sqlalchemy.exc.DBAPIError: Any other error of the database. Pieces that were made stay, nothing was finished.
    """

    def make(piece: Piece, and_then: Finish | None = None) -> int:
        def work(connection: Connection) -> int:
            with statement_memory(connection, megabytes):
                rows = piece(connection)
                if and_then:
                    and_then(connection)
            return rows

        return database.run_in_transaction(work)

    ended_early = threading.Event()

    def make_all(pieces: Sequence[Piece]) -> int:
        return sum(make(piece) for piece in pieces if not ended_early.is_set())

    *others, last = groups or [[_nothing]]
    rows = 0
    with ThreadPoolExecutor(AT_ONCE[database.kind], thread_name_prefix="making") as threads:
        try:
            rows += sum(threads.map(make_all, [*others, last[:-1]]))
        except BaseException:
            # What was begun comes to its end, which is a matter of seconds.
            ended_early.set()
            threads.shutdown(cancel_futures=True)
            raise
    return rows + make(last[-1], finish)


def _nothing(_connection: Connection) -> int:
    return 0
