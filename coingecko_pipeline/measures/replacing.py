"""The rows of a range made anew from a SELECT, inside the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, delete, func, select

from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.database import Kind

Rows = Callable[[date, date, Kind], Select[Any]]
"""Gives the new rows from a first to a last date, with the table's columns in their order."""

DAYS_AT_ONCE = 61
"""Days that one statement and its transaction make at most. Two months of 17,400 coins, with the month before them, are
1.6 million rows of intermediate results, which fit the memory that MySQL gives them; those of three months did not."""
MEMORY = {"tmp_table_size": 1 << 30, "max_heap_table_size": 1 << 30, "sort_buffer_size": 1 << 25}
"""Bytes that MySQL and MariaDB may use for an intermediate table and for a sort while such a statement runs. Their own
limits, 16 MB and 256 KB to 2 MB, put both on disk: one new day of returns then takes six times as long. MySQL keeps all
intermediate tables together within temptable_max_ram, by default 1 GB, all the same."""


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
        sqlalchemy.exc.DBAPIError: Any other error of the database; nothing was changed from the part on that failed.
    """
    day: Column[date] = next(iter(table.columns))
    kind = database.kind

    def replace(connection: Connection, start: date, end: date) -> dict[date, int]:
        inside = day.between(start, end)
        with _memory(connection, kind):
            connection.execute(delete(table).where(inside))
            connection.execute(table.insert().from_select(list(table.columns), rows(start, end, kind)))
        counts = connection.execute(select(day, func.count()).where(inside).group_by(day))
        return {row[0]: row[1] for row in counts}

    found: dict[date, int] = {}
    for start, end in _parts(first, last):
        found |= database.run_in_transaction(partial(replace, start=start, end=end))
    return found


def _parts(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The range in parts of at most `DAYS_AT_ONCE` days, in order: a later one may read what an earlier one made."""
    while first <= last:
        end = min(last, first + timedelta(days=DAYS_AT_ONCE - 1))
        yield first, end
        first = end + timedelta(days=1)


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
