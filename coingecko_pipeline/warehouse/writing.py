"""Rows into a declared table: upserts that commit by themselves, and replacements in one transaction."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import RowsRefusedError
from coingecko_pipeline.warehouse.frames import TEXT
from coingecko_pipeline.warehouse.load_data import can_load, is_forbidden, load_into, ready_file, upsert_file
from coingecko_pipeline.warehouse.reading import Condition, where
from coingecko_pipeline.warehouse.upsert import insert_rows, quoted, upsert_rows

logger = logging.getLogger(__name__)

# Python objects of one row take about 1 kB: this bounds them to some 20 MB, whatever the size of a frame.
_ROWS_AT_ONCE = 20_000


class TableWriter:
    """Writes Arrow tables, as `to_arrow` makes them, into one declared table.

    On MySQL and MariaDB rows go by LOAD DATA LOCAL INFILE. Where the server or the client forbids that, by
    `executemany`; it is found out at the first write and said once for each `Database`.

    Args:
        database: where the table is.
        table: as declared, with its primary key and, if it has one, its guard.
    """

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table

    def upsert(self, rows: pa.Table) -> None:
        """Insert the rows or replace the stored ones of their keys where the guard allows it, and commit.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            RowsRefusedError: the server did not take the rows as they are; nothing was stored.
            sqlalchemy.exc.DBAPIError: any other error of the database; nothing was stored.
        """
        if len(rows) == 0:
            return
        kind = self._database.kind

        def load() -> None:
            with ready_file(rows) as path:
                self._database.run_in_transaction(
                    lambda connection: upsert_file(connection, self._table, kind, path, len(rows))
                )

        def execute() -> None:
            statement = upsert_rows(self._table, kind)
            self._database.run_in_transaction(lambda connection: _execute_many(connection, statement, rows))

        self._fastest(load, execute)

    def replace(self, batches: Iterable[pa.Table], conditions: Iterable[Condition] = ()) -> None:
        """Delete the rows that meet all conditions (all rows without one) and insert others, in one transaction.

        A reader sees the old rows or the new ones, never none of them.

        Args:
            batches: the new rows; iterated again when the transaction has to be tried again.
            conditions: which rows are replaced.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            RowsRefusedError: the server did not take the rows, two of one key for example; nothing was changed.
            sqlalchemy.exc.DBAPIError: any other error of the database; nothing was changed.
        """
        kind = self._database.kind
        clause, parameters = where(tuple(conditions), kind)
        # Not TRUNCATE, which commits.
        delete = f"DELETE FROM {quoted(self._table.name, kind)}{clause}"  # noqa: S608
        statement = insert_rows(self._table, kind)

        def load_all(connection: Connection) -> None:
            connection.exec_driver_sql(delete, parameters)
            for rows in batches:
                with ready_file(rows) as path:
                    load_into(connection, self._table, kind, path, len(rows))

        def execute_all(connection: Connection) -> None:
            connection.exec_driver_sql(delete, parameters)
            for rows in batches:
                _execute_many(connection, statement, rows)

        self._fastest(
            lambda: self._database.run_in_transaction(load_all),
            lambda: self._database.run_in_transaction(execute_all),
        )

    def _fastest(self, load: Callable[[], None], execute: Callable[[], object]) -> None:
        try:
            if self._database.is_sqlite or not self._database.local_infile or not can_load(self._table):
                execute()
            else:
                self._load_or_execute(load, execute)
        except (IntegrityError, DataError) as error:
            raise RowsRefusedError(
                f"the database refused rows for table {self._table.name!r} and stored none of them: {error.orig}"
            ) from error

    def _load_or_execute(self, load: Callable[[], None], execute: Callable[[], object]) -> None:
        try:
            load()
        except DBAPIError as error:
            if not is_forbidden(error):
                raise
            self._database.local_infile = False
            logger.warning(
                "%s does not allow LOAD DATA LOCAL INFILE into a temporary table (%s): bulk writes take a slower way. "
                "For the faster one set local_infile=ON on the server and grant CREATE TEMPORARY TABLES.",
                self._database,
                error.orig,
            )
            execute()


def _execute_many(connection: Connection, statement: str, rows: pa.Table) -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        connection.exec_driver_sql(statement, _tuples(rows.slice(start, _ROWS_AT_ONCE)))


def _tuples(rows: pa.Table) -> list[tuple[Any, ...]]:
    """The rows as a driver takes them; dates and moments as the ISO text that MySQL reads and SQLite keeps."""
    columns = [rows[name] for name in rows.column_names]
    return list(
        zip(
            *((c.cast(TEXT) if pa.types.is_temporal(c.type) else c).to_pylist() for c in columns),
            strict=True,
        )
    )
