"""Which tables the lake has a copy of, and how it learns what is new in each."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
from sqlalchemy import Date, Table

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import MAIN_SOURCE, copy_of, latest_change, read_followed
from coingecko_pipeline.measures import MEASURES
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.paging import arrow_schema

ASSET = "asset_id"
IDS_LOOKED_BACK = 1_000
"""A database gives a number out when a row is inserted, and shows the row when its transaction is committed: of so many
numbers before the latest, those are copied that were not seen before. Sixteen answers are under way at a time."""


@dataclass(frozen=True)
class ByLog:
    """The change log tells which dates have changed.

    Attributes:
        table_name: The table whose changes are followed.
        whole_dates: Whether only the changes of all coins of a date concern it.
    """

    table_name: str
    whole_dates: bool = False


@dataclass(frozen=True)
class ByNumber:
    """Rows are only added, each with a higher number; what the database deletes later stays in the lake.

    Attributes:
        column: The number.
        looked_back: So many numbers before the latest that was copied are looked at again.
    """

    column: str
    looked_back: int = 0


@dataclass(frozen=True)
class ByCount:
    """Rows are only added: a date that has as many in the lake has the same."""


@dataclass(frozen=True)
class CopiedTable:
    """A table that the lake has a copy of.

    Attributes:
        table: As declared.
        dated_by: The column, a date or a moment, whose month tells in which file a row is.
        way: How the lake learns what is new.
        left_out: Columns that it has not.
        unpacked: Columns that it holds uncompressed.
    """

    table: Table
    dated_by: str
    way: ByLog | ByNumber | ByCount
    left_out: tuple[str, ...] = ()
    unpacked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The table's name, in the database and in the lake."""
        return self.table.name

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the copy."""
        fields = [field for field in arrow_schema(self.table) if field.name not in self.left_out]
        # Iceberg has no integers of 16 bits.
        return pa.schema([field.with_type(pa.int32()) if field.type == pa.int16() else field for field in fields])

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the key's columns."""
        return tuple(column.name for column in self.table.primary_key.columns)

    @property
    def has_coins(self) -> bool:
        """Whether a row is of a coin."""
        return ASSET in self.table.columns

    @property
    def is_partitioned(self) -> bool:
        """Whether there are enough rows for a file of each month: a table of one row a date has a few thousand."""
        return self.key != (self.dated_by,)

    @property
    def is_dated_by_moments(self) -> bool:
        """Whether `dated_by` is a moment; a date otherwise."""
        return not isinstance(self.table.columns[self.dated_by].type, Date)

    @property
    def sorted_by(self) -> tuple[str, ...]:
        """Of a file: coin by coin, so that one coin is in few blocks and equal values are neighbours."""
        if not (self.has_coins and ASSET in self.key):
            return self.key
        return (ASSET, self.dated_by, *(name for name in self.key if name not in (ASSET, self.dated_by)))

    def copied(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows as the database gives them, as the copy holds them."""
        columns = [
            _unpacked(rows.column(field.name)) if field.name in self.unpacked else rows.column(field.name)
            for field in self.schema
        ]
        return pa.RecordBatch.from_arrays(
            [column.cast(field.type) for column, field in zip(columns, self.schema, strict=True)], schema=self.schema
        )


def _unpacked(column: pa.Array) -> pa.Array:
    bodies = (None if body is None else zlib.decompress(body) for body in column.to_pylist())
    return pa.array(bodies, pa.binary())


def _logged(table: Table, dated_by: str | None = None) -> CopiedTable:
    return CopiedTable(table, dated_by or table.primary_key.columns[0].name, ByLog(table.name))


COPIES = (
    _logged(tables.daily_market),
    CopiedTable(tables.market_snapshots, "date", ByLog(tables.daily_market.name, whole_dates=True)),
    _logged(tables.hourly_market),
    *(_logged(derived.table) for derived in MEASURES),
    CopiedTable(tables.market_revisions, "seen_at", ByCount()),
    CopiedTable(tables.market_changes, "changed_at", ByNumber("number")),
    CopiedTable(
        tables.market_charts,
        "answered_at",
        ByNumber("answer_id", IDS_LOOKED_BACK),
        left_out=("is_written",),
        unpacked=("body",),
    ),
)
"""Every copy, in the order in which they are brought up to date."""


def copies_of_the_log() -> Sequence[str]:
    """The names under which it is kept how far the copies have followed the change log."""
    return [copy_of(copied.name) for copied in COPIES if isinstance(copied.way, ByLog)]


def lake_is_up_to_date(database: Database) -> bool:
    """Whether every copy has followed the latest change of whatever table: told by the database alone."""
    followed, latest = read_followed(database), latest_change(database)
    numbers = [followed.get((name, MAIN_SOURCE)) for name in copies_of_the_log()]
    return all(number is not None and number.number >= latest for number in numbers)
