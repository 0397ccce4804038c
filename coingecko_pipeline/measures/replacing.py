"""The rows of a range made anew from a SELECT, in one transaction."""

from datetime import date
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, delete, func, select

from coingecko_pipeline.warehouse import Database


def replace_range(database: Database, table: Table, rows: Select[Any], first: date, last: date) -> dict[date, int]:
    """Delete the rows of a range and insert what a SELECT gives; how many rows each date of the range then has.

    A reader sees the old rows or the new ones, never none of them. No row comes through Python.

    Args:
        database: Where the table is.
        table: As declared; its first column is the date by which the range is told.
        rows: The new rows, with the table's columns in their order.
        first: First date.
        last: Last date.

    Raises:
        DatabaseUnavailable: The database did not let us in.
        sqlalchemy.exc.DBAPIError: Any other error of the database; nothing was changed.
    """
    day: Column[date] = next(iter(table.columns))
    inside = day.between(first, last)
    counts = select(day, func.count()).where(inside).group_by(day)

    def replace(connection: Connection) -> dict[date, int]:
        connection.execute(delete(table).where(inside))
        connection.execute(table.insert().from_select(list(table.columns), rows))
        return {row[0]: row[1] for row in connection.execute(counts)}

    return database.run_in_transaction(replace)
