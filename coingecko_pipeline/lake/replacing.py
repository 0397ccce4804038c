"""Rows of a table of the lake replaced by those that the database has now, in one change that readers see whole.

A file is never altered: one that holds rows to replace gives the others to a new file. What nobody refers to after that
stays for readers of earlier versions, until `maintaining` deletes it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import PrimitiveType
from sqlalchemy import Connection

from coingecko_pipeline.lake.copied import ASSET, CopiedTable
from coingecko_pipeline.lake.data_files import MonthFiles, dates_of, read_file
from coingecko_pipeline.lake.shapes import dates_in
from coingecko_pipeline.measures import Span
from coingecko_pipeline.warehouse import OneOf
from coingecko_pipeline.warehouse.paging import of_one_moment, read_pages
from coingecko_pipeline.warehouse.reading import Windows

COINS_AT_ONCE = 500
"""Coins that a statement names at most."""
ONE_DAY = timedelta(days=1)
EPOCH = date(1970, 1, 1)
MICROSECONDS_PER_DAY = 86_400_000_000

Month = int | None
"""A month, as Iceberg counts from January 1970; None for a table without partitions."""


@dataclass(frozen=True)
class Part:
    """What is replaced of one month, or of a table without partitions.

    Attributes:
        month: The month.
        dates: All rows of these dates, apart from each other.
        coins: All rows of these coins in the month.
    """

    month: Month
    dates: Sequence[Span] = ()
    coins: Collection[str] = ()


@dataclass
class Replaced:
    """What was replaced, added up.

    Attributes:
        rows: Rows that were read from the database.
        kept: Rows that were written again, since they were in one file with others.
        files: Files that were written.
        bytes: Their size.
        changes: Changes of the log that were followed.
        whole: Whether the whole table was copied.
    """

    rows: int = 0
    kept: int = 0
    files: int = 0
    bytes: int = 0
    changes: int = 0
    whole: bool = False

    def add_files(self, files: Sequence[DataFile]) -> None:
        """Add files that were written."""
        self.files += len(files)
        self.bytes += sum(file.file_size_in_bytes for file in files)


@dataclass
class Change:
    """A change of a table's files, on its way into one commit.

    Attributes:
        table: Of the lake.
        added: Files that it adds.
        removed: Files that it removes.
    """

    table: Table
    added: list[DataFile] = field(default_factory=list)
    removed: list[DataFile] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Of the files that it adds (bytes)."""
        return sum(file.file_size_in_bytes for file in self.added)

    def commit(self, properties: Mapping[str, str | None]) -> None:
        """Make the change and set the table's properties, at once or not at all; the table is as it is after that.

        Args:
            properties: Of the table; None takes one away.
        """
        gone = [name for name, value in properties.items() if value is None and name in self.table.properties]
        with self.table.transaction() as transaction:
            if self.added or self.removed:
                with transaction.update_snapshot().overwrite() as snapshot:
                    for file in self.removed:
                        snapshot.delete_data_file(file)
                    for file in self.added:
                        snapshot.append_data_file(file)
            if gone:
                transaction.remove_properties(*gone)
            transaction.set_properties({name: value for name, value in properties.items() if value is not None})
        self.added, self.removed = [], []


def files_by_month(table: Table) -> dict[Month, list[DataFile]]:
    """The files of a table as it is now."""
    found: dict[Month, list[DataFile]] = {}
    for task in table.scan().plan_files():
        month = task.file.partition[0] if len(task.file.partition) else None
        found.setdefault(month, []).append(task.file)
    return found


def replace(
    connection: Connection, change: Change, copied: CopiedTable, part: Part, there: Sequence[DataFile], told: Replaced
) -> None:
    """Read the rows of a part and write their files, as a change that is not committed yet.

    Args:
        connection: Reads the database.
        change: Takes the files.
        copied: Of what the table is a copy.
        part: What is replaced.
        there: The files of its month as they are now.
        told: Takes what was replaced.
    """
    files = MonthFiles(change.table, copied, part.month)
    for file in there:
        span = span_of(change.table, copied, file)
        if any(dates.first <= span.first and span.last <= dates.last for dates in part.dates):
            change.removed.append(file)
        elif _may_have_some(part, span) and _has_some(change.table, copied, part, file):
            rows = read_file(change.table, file)
            kept = rows.filter(pc.invert(_is_of(copied, part, rows)))
            change.removed.append(file)
            told.kept += kept.num_rows
            for batch in kept.to_batches():
                files.write(batch)
    for rows in _rows_of(of_one_moment(connection), copied, part):
        told.rows += rows.num_rows
        files.write(rows)
    written = files.close()
    change.added += written
    told.add_files(written)


def span_of(table: Table, copied: CopiedTable, file: DataFile) -> Span:
    """The first and the last date of a file's rows."""
    column = table.schema().find_field(copied.dated_by)
    assert isinstance(column.field_type, PrimitiveType)  # noqa: S101 - a date or a moment
    per_day = MICROSECONDS_PER_DAY if copied.is_dated_by_moments else 1
    bounds = (file.lower_bounds[column.field_id], file.upper_bounds[column.field_id])
    values: list[Any] = [from_bytes(column.field_type, bound) for bound in bounds]
    return Span(*(EPOCH + timedelta(days=value // per_day) for value in values))


def _rows_of(connection: Connection, copied: CopiedTable, part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of a part as the database has them now."""
    if part.dates:
        for rows in read_pages(connection, copied.table, [_within(copied, part.dates)]):
            yield copied.copied(rows)
    coins = sorted(part.coins)
    for start in range(0, len(coins), COINS_AT_ONCE):
        some = OneOf(ASSET, tuple(coins[start : start + COINS_AT_ONCE]))
        month = [] if part.month is None else [_within(copied, [dates_in(part.month)])]
        for rows in read_pages(connection, copied.table, [*month, some]):
            of_coins = copied.copied(rows)
            yield of_coins.filter(pc.invert(_is_dated(copied, part.dates, of_coins)))


def _within(copied: CopiedTable, dates: Sequence[Span]) -> Windows:
    bounds = [(span.first, span.last + ONE_DAY) for span in dates]
    if copied.is_dated_by_moments:
        return Windows(copied.dated_by, tuple((_midnight(first), _midnight(end)) for first, end in bounds))
    return Windows(copied.dated_by, tuple(bounds))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _may_have_some(part: Part, span: Span) -> bool:
    return bool(part.coins) or any(span.clipped(dates) for dates in part.dates)


def _has_some(table: Table, copied: CopiedTable, part: Part, file: DataFile) -> bool:
    """Whether a file has rows of a part: two of its columns tell."""
    columns = [copied.dated_by, *([ASSET] if part.coins else [])]
    return bool(pc.any(_is_of(copied, part, read_file(table, file, columns))).as_py())


def _is_of(copied: CopiedTable, part: Part, rows: pa.Table) -> pa.ChunkedArray:
    """Of each row whether it is of a part."""
    is_dated = _is_dated(copied, part.dates, rows)
    return (
        pc.or_(is_dated, pc.is_in(rows[ASSET], pa.array(sorted(part.coins), pa.string()))) if part.coins else is_dated
    )


def _is_dated(
    copied: CopiedTable, dates: Sequence[Span], rows: pa.Table | pa.RecordBatch
) -> pa.ChunkedArray | pa.Array:
    wanted = [span.first + number * ONE_DAY for span in dates for number in range((span.last - span.first).days + 1)]
    return pc.is_in(dates_of(copied, rows), pa.array(wanted, pa.date32()))
