"""Rows into a declared table: upserts, and replacements in one transaction."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Insert, Table, delete, insert
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.warehouse.arrow_types import BYTES, TEXT, is_decimal
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import RowsRefusedError
from coingecko_pipeline.warehouse.failures import is_refusal
from coingecko_pipeline.warehouse.load_data import can_load, is_forbidden, load_into, ready_file, upsert_file
from coingecko_pipeline.warehouse.reading import Condition, where
from coingecko_pipeline.warehouse.upsert import upsert_rows

logger = logging.getLogger(__name__)

# Python objects of one row take about 1 kB: this bounds them to some 20 MB, whatever the size of a frame.
_ROWS_AT_ONCE = 20_000
_LARGE_ROW = 500_000
"""Bytes of a row from which on its statement is measured: it takes up to twice of them, and no server's packet is below
1 MB."""


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
        if len(rows):
            self._database.run_in_transaction(lambda connection: self.upsert_in(connection, rows))

    def upsert_in(self, connection: Connection, rows: pa.Table) -> None:
        """The same inside the caller's transaction, which is the one that commits.

        Where LOAD DATA is forbidden only its statement has failed: the transaction goes on with the other way.

        Args:
            connection: of this writer's database, best inside `Database.run_in_transaction`.
            rows: as `to_arrow` makes them.

        Raises:
            RowsRefusedError: the server did not take the rows as they are. Roll back.
            sqlalchemy.exc.DBAPIError: any other error of the database. Roll back, and perhaps try again.
        """
        if len(rows):
            self._write(connection, rows, upsert=True)

    def insert_in(self, connection: Connection, rows: pa.Table) -> None:
        """The same for rows of which hardly any is stored, which is quicker: all of them are tried as new ones first.

        Args:
            connection: as for `upsert_in`.
            rows: as for `upsert_in`.

        Raises:
            RowsRefusedError: as `upsert_in`.
            sqlalchemy.exc.DBAPIError: as `upsert_in`.
        """
        if not len(rows):
            return
        try:
            if self._loaded(connection, rows, upsert=False):
                return
        except RowsRefusedError:
            logger.info("%s: some of %d rows for table %r are there", self._database, len(rows), self._table.name)
        self._write(connection, rows, upsert=True)

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
        wanted = where(self._table, conditions)

        def write(connection: Connection) -> None:
            with self._refusals():
                connection.execute(delete(self._table).where(*wanted))  # not TRUNCATE, which commits
            for rows in batches:
                self._write(connection, rows, upsert=False)

        self._database.run_in_transaction(write)

    def _write(self, connection: Connection, rows: pa.Table, *, upsert: bool) -> None:
        with self._refusals():
            if not self._loaded(connection, rows, upsert=upsert):
                table = self._table
                statement = upsert_rows(table, connection.dialect) if upsert else insert(table)
                _execute_many(connection, table, statement, rows)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if not is_refusal(error):
                raise
            raise RowsRefusedError(
                f"the database refused rows for table {self._table.name!r} and stored none of them: {error.orig}"
            ) from error

    def _loaded(self, connection: Connection, rows: pa.Table, *, upsert: bool) -> bool:
        """Whether the rows went by LOAD DATA; False, and nothing was written, where it is not allowed."""
        if self._database.is_sqlite or not self._database.local_infile or not can_load(self._table):
            return False
        load = upsert_file if upsert else load_into
        try:
            with ready_file(rows) as path:
                load(connection, self._table, path, len(rows))
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
            return False
        return True


def _execute_many(connection: Connection, table: Table, statement: Insert, rows: pa.Table) -> None:
    # As the driver takes it: its `executemany` with tuples is a third faster than SQLAlchemy's with dictionaries.
    sql = str(statement.compile(dialect=connection.dialect))
    if connection.dialect.name != "sqlite":
        _check_packet(connection, table, sql, rows)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        connection.exec_driver_sql(sql, _tuples(rows.slice(start, _ROWS_AT_ONCE)))


def _check_packet(connection: Connection, table: Table, sql: str, rows: pa.Table) -> None:
    """Do nothing where each row's statement goes into a packet: a server ends the connection of a larger one.

    Raises:
        RowsRefusedError: one does not.
    """
    sizes = {name: _bytes_of(rows[name]) for name in rows.column_names if rows[name].type in (TEXT, BYTES)}
    large = pc.greater(reduce(pc.add, sizes.values()), _LARGE_ROW) if sizes else None
    if large is None or not pc.any(large).as_py():
        return
    limit = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - of a connection that is open
    for place in pc.indices_nonzero(large).to_pylist():
        (row,) = _tuples(rows.slice(place, 1))
        needed = len(driver.cursor().mogrify(sql, row).encode("utf-8", "surrogateescape"))
        if needed < limit:
            continue
        widest = max(sizes, key=lambda name: sizes[name][place].as_py())
        raise RowsRefusedError(
            f"a row for table {table.name!r} needs a statement of {needed} bytes, mostly for column {widest}, and the "
            f"server takes {limit} (max_allowed_packet): nothing was stored; raise that, or store less in one row"
        )


def _bytes_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.binary_length(column).cast(pa.int64()), 0)


def _tuples(rows: pa.Table) -> list[tuple[Any, ...]]:
    """The rows as a driver takes them; dates, moments and decimals as the text that MySQL reads and SQLite keeps."""
    columns = [rows[name] for name in rows.column_names]
    return list(
        zip(
            *((c.cast(TEXT) if pa.types.is_temporal(c.type) or is_decimal(c.type) else c).to_pylist() for c in columns),
            strict=True,
        )
    )
