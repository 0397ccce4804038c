"""The part of a table that a run's partitions are."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    InputContext,
    MultiPartitionsDefinition,
    OutputContext,
    PartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)
from sqlalchemy import Table, func, select

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DeclarationError, InvalidFrameError
from coingecko_pipeline.warehouse.frames import MOMENT, TEXT, arrow_type
from coingecko_pipeline.warehouse.reading import Between, Condition, OneOf, where

_SHOWN = 3


@dataclass(frozen=True)
class PartitionSlice:
    """The rows of one or several partitions of a table.

    Attributes:
        table: as declared.
        condition: which rows are in the slice.
        keys: the partition keys, in order.
        starts: the first value of each time window, in order; None where partitions are not windows of time.
    """

    table: Table
    condition: Condition
    keys: tuple[str, ...]
    starts: tuple[date | datetime, ...] | None

    @property
    def column(self) -> str:
        """The name of the column that holds the partition."""
        return self.condition.column

    def check(self, rows: pa.Table) -> None:
        """Do nothing where every row is inside the slice.

        Raises:
            InvalidFrameError: some are outside; tells how many, which, and what the slice is.
        """
        values = rows[self.column].combine_chunks()
        if isinstance(self.condition, Between):
            kind = values.type
            start, end = (pa.scalar(_naive(bound), type=kind) for bound in (self.condition.start, self.condition.end))
            inside = pc.and_(pc.greater_equal(values, start), pc.less(values, end))
        else:
            inside = pc.is_in(values, value_set=pa.array(self.condition.values, type=TEXT))
        outside = values.filter(pc.invert(pc.fill_null(inside, False)))
        if len(outside):
            shown = ", ".join(str(value) for value in pc.unique(outside).to_pylist()[:_SHOWN])
            raise InvalidFrameError(
                f"{len(outside)} of {len(rows)} rows for table {self.table.name!r} are outside of {self}: "
                f"{self.column} is {shown}"
            )

    def __str__(self) -> str:
        if len(self.keys) == 1:
            return f"partition {self.keys[0]}"
        return f"the {len(self.keys)} partitions {self.keys[0]} to {self.keys[-1]}"

    def count_by_key(self, counts: Mapping[Any, int]) -> Counter[str]:
        """Rows by partition key, from rows by value of the partition's column."""
        by_key = Counter(dict.fromkeys(self.keys, 0))
        for value, count in counts.items():
            key = value if self.starts is None else self.keys[bisect_right(self.starts, value) - 1]
            by_key[key] += count
        return by_key

    def stored_by_key(self, database: Database) -> Counter[str]:
        """How many rows of each partition the table holds now."""
        column = self.table.columns[self.column]
        statement = select(column, func.count()).where(*where(self.table, [self.condition])).group_by(column)
        rows = database.run_reading(lambda connection: connection.execute(statement).all())
        return self.count_by_key({_aware(value): count for value, count in rows})


def partition_slice(
    context: OutputContext | InputContext, definition: PartitionsDefinition[Any] | None, table: Table, column: str
) -> PartitionSlice:
    """The slice of `table` that a run's partitions of an asset are.

    Args:
        context: of the output or input, which has partitions.
        definition: the asset's partitions: windows of time on a DATE or a moment column, or plain keys on a text
            column.
        table: as declared.
        column: the name of the column that holds the partition.

    Raises:
        DeclarationError: the column's type does not go with the partitions, or they have several dimensions.
    """
    kind = arrow_type(table.columns[column])
    if isinstance(definition, TimeWindowPartitionsDefinition):
        keys = tuple(context.asset_partition_keys)
        window = context.asset_partitions_time_window
        windows = [definition.time_window_for_partition_key(key) for key in keys] if len(keys) > 1 else [window]
        bounds = [_bounds(each, kind, table, column) for each in windows]
        whole = _bounds(window, kind, table, column)
        return PartitionSlice(table, Between(column, *whole), keys, tuple(start for start, _ in bounds))
    keys = tuple(context.asset_partition_keys)
    if kind != TEXT or isinstance(definition, MultiPartitionsDefinition):
        raise DeclarationError(
            f"the partitions of table {table.name!r} must be windows of time on a date or moment column, or plain "
            f"keys on a text column; {column!r} is {kind} and the partitions are {type(definition).__name__}"
        )
    return PartitionSlice(table, OneOf(column, keys), keys, None)


def _bounds(window: TimeWindow, kind: Any, table: Table, column: str) -> tuple[date | datetime, date | datetime]:
    if kind == MOMENT:
        return window.start.astimezone(UTC), window.end.astimezone(UTC)
    if kind == pa.date32() and window.start.time() == window.end.time() == time():
        return window.start.date(), window.end.date()
    raise DeclarationError(
        f"column {table.name}.{column} is {kind}, which cannot hold partitions such as {window.start} to {window.end}"
    )


def _naive(bound: date | datetime) -> date | datetime:
    return bound.astimezone(UTC).replace(tzinfo=None) if isinstance(bound, datetime) else bound


def value_counts(rows: pa.Table, column: str) -> dict[Any, int]:
    """How often each value stands in a column of an Arrow table; moments are aware."""
    counted: Sequence[Mapping[str, Any]] = pc.value_counts(rows[column].combine_chunks()).to_pylist()
    return {_aware(entry["values"]): entry["counts"] for entry in counted}


def _aware(value: Any) -> Any:
    """A moment with its time zone, which Arrow's and a DateTime column's lack; everything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
