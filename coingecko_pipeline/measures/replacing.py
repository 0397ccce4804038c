"""The rows of a range made anew from a SELECT, inside the database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Column, Connection, Table, delete, func, select

from coingecko_pipeline.measures.parts import Part, Rows, batches
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.database import Kind

DAYS_OF_A_PART = 31
"""Days that one statement and its transaction make at most."""
PARTS_AT_ONCE: dict[Kind, int] = {"mysql": 2, "mariadb": 2, "sqlite": 1}
"""Parts that are made at the same time, each on a connection of its own, since a server runs a statement on one core
and SQLite has one writer. The intermediate results of two months of 17,400 coins, with the month before each, just fit
the memory that MySQL gives them."""
MEMORY = {
    "tmp_table_size": 1 << 30,
    "max_heap_table_size": 1 << 30,
    "sort_buffer_size": 1 << 25,
    "join_buffer_size": 1 << 28,
}
"""Bytes that MySQL and MariaDB may use for an intermediate table, a sort and the hash of a join while such a statement
runs. Their own limits, 16 MB, 256 KB to 2 MB and 256 KB, put them on disk: one new day of returns then takes six times
as long. MySQL keeps all intermediate tables together within temptable_max_ram, by default 1 GB, all the same."""


def replace_range(database: Database, table: Table, rows: Rows, first: date, last: date) -> dict[date, int]:
    """Delete the rows of a range and insert new ones; how many rows each date of the range then has.

    Each part of the range is one transaction: a reader sees the old rows of a date or the new ones, never none of them.
    No row comes through Python.

    Args:
        database: Where the table is.
        table: As declared; its first column is the date by which the range is told.
        rows: What to insert.
        first: First date.
        last: Last date.

    Raises:
        DatabaseUnavailable: The database did not let us in.
        sqlalchemy.exc.DBAPIError: Any other error of the database. The part that failed keeps its old rows, and no
            later batch of parts was begun.
    """
    day: Column[date] = next(iter(table.columns))

    def replace(part: Part) -> dict[date, int]:
        inside = day.between(part.first, part.last)

        def work(connection: Connection) -> dict[date, int]:
            with _memory(connection, part.kind):
                connection.execute(delete(table).where(inside))
                connection.execute(table.insert().from_select(list(table.columns), rows(part)))
            counts = connection.execute(select(day, func.count()).where(inside).group_by(day))
            return {row[0]: row[1] for row in counts}

        return database.run_in_transaction(work)

    found: dict[date, int] = {}
    at_once = PARTS_AT_ONCE[database.kind]
    with ThreadPoolExecutor(at_once, thread_name_prefix=table.name) as threads:
        for batch in batches(first, last, database.kind, DAYS_OF_A_PART, at_once):
            for counts in threads.map(replace, batch):
                found |= counts
    return found


@contextmanager
def _memory(connection: Connection, kind: Kind) -> Iterator[None]:
    """Give the session `MEMORY`, and its own limits again where the work succeeds; SQLite has no such limits."""
    if kind == "sqlite":
        yield
        return
    for name, size in MEMORY.items():
        connection.exec_driver_sql(f"SET SESSION {name} = {size}")
    yield
    for name in MEMORY:
        connection.exec_driver_sql(f"SET SESSION {name} = DEFAULT")
