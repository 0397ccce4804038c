"""An export as a file that appears whole or not at all, or into a pipe."""

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.export.attribution import Attribution
from coingecko_pipeline.export.conversion import Conversion
from coingecko_pipeline.export.errors import FileRefused, NothingToExport
from coingecko_pipeline.export.formats import Format, Opener
from coingecko_pipeline.export.formulas import escaped_formulas
from coingecko_pipeline.export.selection import Selection, date_column
from coingecko_pipeline.warehouse import Database, DatabaseUnavailable
from coingecko_pipeline.warehouse.failures import is_transient
from coingecko_pipeline.warehouse.paging import arrow_schema, count_rows, of_one_moment, read_pages
from coingecko_pipeline.warehouse.reading import Condition
from coingecko_pipeline.warehouse.room import says_no_room

RowsListener = Callable[[int], None]
"""Takes a number of rows."""


def _ignore_rows(_rows: int) -> None:
    pass


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        rows: Rows.
        size: Of the file (bytes); None of a pipe.
    """

    rows: int
    size: int | None = None


@dataclass(frozen=True)
class Export:
    """Rows of one moment, in the order of their table's key, on their way into a file.

    Attributes:
        database: Where the rows are.
        selection: Which.
        file_format: How they are written.
        begin: RowsListener how many rows there are; once more where the export begins again.
        advance: RowsListener of so many more rows that are written.
        conversion: Into which currency values in US dollars are converted; None for as they are.
        attribution: Whose data they are: in the file's metadata, or beside a file of text.
        escape_formulas: Whether an apostrophe goes before a text that a spreadsheet would compute, in a file of text.
    """

    database: Database
    selection: Selection
    file_format: Format
    begin: RowsListener = _ignore_rows
    advance: RowsListener = _ignore_rows
    conversion: Conversion | None = None
    attribution: Attribution | None = None
    escape_formulas: bool = True

    def to_file(self, path: Path, *, overwrite: bool = False) -> Exported:
        """Write a file; from the start again after a lost connection.

        Args:
            path: The file. Until it is complete, a hidden file beside it grows.
            overwrite: Whether a file that is there already is replaced.

        Raises:
            SelectionError: The rows cannot be chosen so, or the format cannot hold them.
            NothingToExport: There are none.
            FileRefused: The file exists and is not to be replaced, or cannot be written.
            DatabaseUnavailable: The database did not let us in, or the connection was lost again and again.
        """
        conditions = self._checked()
        _refuse_existing(path, overwrite)

        def work(connection: Connection) -> Exported:
            with _whole_file(path, overwrite) as file:
                rows = self._write(connection, conditions, self.file_format.opener, file)
            if self.attribution and self.file_format.is_text:
                self.attribution.put_beside(path)
            return Exported(rows, path.stat().st_size)

        with self._losses_told():
            return self.database.run_reading(work)

    def to_stream(self, stream: IO[bytes]) -> Exported:
        """Write into a pipe, Arrow in its streaming format.

        Args:
            stream: Stays open.

        Raises:
            SelectionError: The rows cannot be chosen so, or the format cannot hold them.
            NothingToExport: There are none; nothing was written.
            DatabaseUnavailable: The database did not let us in, or the connection was lost: what was written is
                incomplete.
        """
        conditions = self._checked()
        with self._losses_told(), self.database.connect() as connection:
            return Exported(self._write(connection, conditions, self.file_format.stream_opener, stream))

    def _checked(self) -> list[Condition]:
        self.file_format.check(self.selection.table)
        return self.selection.conditions()

    def _write(self, connection: Connection, conditions: Sequence[Condition], opener: Opener, file: IO[bytes]) -> int:
        table = self.selection.table
        connection = of_one_moment(connection)
        rows = count_rows(connection, table, conditions)
        if not rows:
            raise NothingToExport(f"There is no row of {self.selection}{_what_there_is(connection, table)}")
        self.begin(rows)
        schema, convert, whose = arrow_schema(table), self.conversion, self.attribution
        # The rate is the one of the row's own date, so it comes before the label.
        schema = self.selection.labelled_schema(convert.schema(schema) if convert else schema)
        escapes = self.escape_formulas and self.file_format.is_text
        with opener(file, whose.added_to(schema) if whose else schema) as writer:
            for batch in read_pages(connection, table, conditions):
                out = self.selection.labelled(convert.converted(batch) if convert else batch)
                writer.write_batch(escaped_formulas(out) if escapes else out)
                self.advance(batch.num_rows)
        return rows

    @contextmanager
    def _losses_told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if not is_transient(error):
                raise
            raise DatabaseUnavailable(
                f"the connection to {self.database.masked_url} was lost while {self.selection.table.name} was read, "
                "and what was written so far is no whole export: run the command again"
            ) from error


def _what_there_is(connection: Connection, table: Table) -> str:
    column = date_column(table)
    if column is None:
        return "."
    first, last = connection.execute(select(func.min(column), func.max(column))).one()
    return f"; the table has rows from {first} to {last}." if first else ": the table is empty."


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not path.is_file():  # a device or a pipe would be replaced by the file
        raise FileRefused(f"{path} is no file: choose another name, or write into it by --output -.")
    if path.exists() and not overwrite:
        raise FileRefused(f"{path} exists already: choose another file, or --overwrite replaces it.")


@contextmanager
def _whole_file(path: Path, overwrite: bool) -> Iterator[IO[bytes]]:
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_existing(path, overwrite)
        part.replace(path)
    except OSError as error:
        full = ": make room there, then run the same again" if says_no_room(error) else ""
        raise FileRefused(f"{path} could not be written: {error.strerror or error}{full}.") from error
    finally:
        part.unlink(missing_ok=True)
