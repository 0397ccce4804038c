"""All rows of tables, deleted for good: no file of an SQLite database has anything of them left.

A server makes an emptied table's file anew; where the account may not do that, it deletes row by row, and the freed
pages are overwritten in time.
"""

from collections.abc import Collection, Mapping
from functools import partial

from sqlalchemy import Connection, Table, delete, func, inspect, select

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import StatementRefused

DENIED_CODES = frozenset({1044, 1142})
"""What a server answers to an account that may not TRUNCATE: for that it needs DROP."""
ROWS_AT_ONCE = 50_000
"""Rows of one DELETE: an undo log and a transaction of some megabytes."""


def count_rows_of(database: Database, tables: Collection[Table]) -> Mapping[str, int]:
    """How many rows each of some tables has; a table that the database has not is left out.

    Raises:
        DatabaseUnavailable: The database did not let us in.
    """

    def read(connection: Connection) -> dict[str, int]:
        there = set(inspect(connection).get_table_names())
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
            if table.name in there
        }

    return database.run_reading(read)


def empty(database: Database, tables: Collection[Table]) -> None:
    """Delete all rows of tables. What is done stays where it is interrupted; a second call does the rest.

    Raises:
        DatabaseUnavailable: The database did not let us in.
        sqlalchemy.exc.DBAPIError: A statement failed.
    """
    for table in tables:
        if database.is_sqlite:
            database.run_in_transaction(partial(_delete_all, table))
        else:
            _empty_on_server(database, table)
    if database.is_sqlite:
        # A deleted row stays in the file's free pages, and in the log beside it, until these are written anew.
        with database.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101 - of a connection that is open
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _delete_all(table: Table, connection: Connection) -> None:
    connection.execute(delete(table))


def _empty_on_server(database: Database, table: Table) -> None:
    quoted = database.engine.dialect.identifier_preparer.quote(table.name)

    def truncate(connection: Connection) -> None:
        connection.exec_driver_sql(f"TRUNCATE TABLE {quoted}")

    def delete_some(connection: Connection) -> int:
        some = delete(table).with_dialect_options(mysql_limit=ROWS_AT_ONCE)
        return connection.execute(some).rowcount

    try:
        database.run_in_transaction(truncate)
    except StatementRefused as refused:
        if refused.code not in DENIED_CODES:
            raise
        while database.run_in_transaction(delete_some):
            pass
