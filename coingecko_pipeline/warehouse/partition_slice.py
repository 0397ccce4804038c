"""The part of a table that a run's partitions are."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    InputContext,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    OutputContext,
    PartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)
from sqlalchemy import String, Table, func, select, type_coerce

from coingecko_pipeline.warehouse.arrow_types import MOMENT, TEXT, arrow_type, is_exact_text
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DeclarationError, InvalidFrameError
from coingecko_pipeline.warehouse.reading import AllOf, AnyOf, Condition, OneOf, Windows, where

_SHOWN = 3
Bounds = tuple[date | datetime, date | datetime]


@dataclass(frozen=True)
class Dimension:
    """The column that holds one dimension of the partitions, and the partition keys that it can have.

    Attributes:
        column: its name.
        keys: the keys, windows of time in their order.
        windows: the bounds of each key's window of time, the end excluded; None for plain keys.
    """

    column: str
    keys: tuple[str, ...]
    windows: tuple[Bounds, ...] | None

    def condition(self, keys: Collection[str]) -> Condition:
        """The rows of some of the keys: only of these, also where a window between them is nobody's."""
        if self.windows is None:
            return OneOf(self.column, tuple(key for key in self.keys if key in keys))
        bounds: list[Bounds] = []
        for key, (start, end) in zip(self.keys, self.windows, strict=True):
            if key not in keys:
                continue
            if bounds and bounds[-1][1] == start:
                bounds[-1] = (bounds[-1][0], end)
            else:
                bounds.append((start, end))
        return Windows(self.column, tuple(bounds))

    def key_of(self, value: Any) -> str:
        """The key of a value inside of the slice."""
        if self.windows is None:
            return str(value)
        return self.keys[bisect_right(self.windows, _aware(value), key=lambda window: window[0]) - 1]


@dataclass(frozen=True)
class PartitionSlice:
    """The rows of some partitions of a table; none for an input that maps to no partition.

    Attributes:
        table: as declared.
        dimensions: one for each column that tells the partition.
        keys: the partition keys as Dagster names them, in order, by those of the dimensions.
        condition: which rows are in the slice.
    """

    table: Table
    dimensions: tuple[Dimension, ...]
    keys: Mapping[tuple[str, ...], str]
    condition: Condition

    @property
    def columns(self) -> list[str]:
        """The names of the columns that tell the partition."""
        return [dimension.column for dimension in self.dimensions]

    @property
    def names(self) -> list[str]:
        """The partition keys as Dagster names them, in order."""
        return list(self.keys.values())

    def check(self, rows: pa.Table) -> None:
        """Do nothing where every row is inside the slice.

        Raises:
            InvalidFrameError: some are outside; tells how many, which, and what the slice is.
        """
        outside = rows.select(self.columns).filter(pc.invert(pc.fill_null(_inside(rows, self.condition), False)))
        if len(outside):
            shown = outside.group_by(self.columns).aggregate([]).slice(0, _SHOWN).to_pylist()
            told = ", ".join(" and ".join(f"{name} is {value}" for name, value in row.items()) for row in shown)
            raise InvalidFrameError(
                f"{len(outside)} of {len(rows)} rows for table {self.table.name!r} are outside of {self}: {told}"
            )

    def __str__(self) -> str:
        names = self.names
        if len(names) == 1:
            return f"partition {names[0]}"
        return f"the {len(names)} partitions {names[0]} to {names[-1]}"

    def count_by_key(self, counts: Mapping[tuple[Any, ...], int]) -> Counter[str]:
        """Rows by partition key, from rows by the values of the partition's columns."""
        by_key = Counter(dict.fromkeys(self.names, 0))
        for values, count in counts.items():
            parts = tuple(each.key_of(value) for each, value in zip(self.dimensions, values, strict=True))
            by_key[self.keys[parts]] += count
        return by_key

    def stored_by_key(self, database: Database) -> Counter[str]:
        """How many rows of each partition the table holds now."""
        columns = [
            type_coerce(column, String()) if arrow_type(column) == TEXT else column
            for column in (self.table.columns[name] for name in self.columns)
        ]
        statement = select(*columns, func.count()).where(*where(self.table, [self.condition])).group_by(*columns)
        rows = database.run_reading(lambda connection: connection.execute(statement).all())
        return self.count_by_key({tuple(values): count for *values, count in rows})


def partition_slice(
    context: OutputContext | InputContext,
    definition: PartitionsDefinition[Any],
    table: Table,
    columns: Mapping[str, str],
) -> PartitionSlice:
    """The slice of `table` that a run's partitions of an asset are.

    Args:
        context: of the output or input, which has partitions.
        definition: the asset's partitions: windows of time on a DATE or a moment column, plain keys on a text column,
            or dimensions of these.
        table: as declared.
        columns: the names of the columns that hold the partition, by dimension (`partition_columns`).

    Raises:
        DeclarationError: a column's type does not go with the partitions.
    """
    names = tuple(context.asset_partition_keys)
    if not isinstance(definition, MultiPartitionsDefinition):
        ((_, column),) = columns.items()
        dimension = _dimension(definition, names, table, column)
        return PartitionSlice(table, (dimension,), {(name,): name for name in names}, dimension.condition(set(names)))
    parts = [_parts(definition, name) for name in names]
    dimensions = tuple(
        _dimension(each.partitions_def, dict.fromkeys(part[each.name] for part in parts), table, columns[each.name])
        for each in definition.partitions_defs
    )
    keys = {
        tuple(part[each.name] for each in definition.partitions_defs): name
        for part, name in zip(parts, names, strict=True)
    }
    return PartitionSlice(table, dimensions, keys, _of_all(dimensions, list(keys)))


def _parts(definition: MultiPartitionsDefinition, name: str) -> Mapping[str, str]:
    key = name if isinstance(name, MultiPartitionKey) else definition.get_partition_key_from_str(name)
    return key.keys_by_dimension


def _of_all(dimensions: Sequence[Dimension], keys: Sequence[tuple[str, ...]]) -> Condition:
    """The rows of some combinations of keys; a single product where all of them are there."""
    first, *others = dimensions
    if not others:
        return first.condition({key for (key,) in keys})
    rest_of: dict[str, list[tuple[str, ...]]] = {}
    for key, *rest in keys:
        rest_of.setdefault(key, []).append(tuple(rest))
    by_rest: dict[frozenset[tuple[str, ...]], set[str]] = {}
    for key, rests in rest_of.items():
        by_rest.setdefault(frozenset(rests), set()).add(key)
    return AnyOf(tuple(AllOf((first.condition(mine), _of_all(others, list(rests)))) for rests, mine in by_rest.items()))


def _dimension(definition: PartitionsDefinition[Any], keys: Collection[str], table: Table, name: str) -> Dimension:
    column = table.columns[name]
    kind = arrow_type(column)
    if isinstance(definition, TimeWindowPartitionsDefinition):
        windows = {key: _bounds(definition.time_window_for_partition_key(key), kind, table, name) for key in keys}
        ordered = sorted(keys, key=lambda key: windows[key][0])
        return Dimension(name, tuple(ordered), tuple(windows[key] for key in ordered))
    if kind != TEXT:
        raise DeclarationError(
            f"the partitions of table {table.name!r} must be windows of time on a date or moment column, or plain "
            f"keys on a text column; {name!r} is {kind} and the partitions are {type(definition).__name__}"
        )
    if not is_exact_text(column):
        raise DeclarationError(
            f"column {table.name}.{name} holds partitions and is a {column.type!r}, of which a server may take 'a' "
            "and 'A' for one: declare it as ExactText"
        )
    return Dimension(name, tuple(keys), None)


def _bounds(window: TimeWindow, kind: Any, table: Table, column: str) -> Bounds:
    if kind == MOMENT:
        return window.start.astimezone(UTC), window.end.astimezone(UTC)
    if kind == pa.date32() and window.start.time() == window.end.time() == time():
        return window.start.date(), window.end.date()
    raise DeclarationError(
        f"column {table.name}.{column} is {kind}, which cannot hold partitions such as {window.start} to {window.end}"
    )


def _inside(rows: pa.Table, condition: Condition) -> pa.Array:
    """For each row whether it meets a condition of a slice; NULL where its value is."""
    match condition:
        case AllOf():
            return reduce(pc.and_, (_inside(rows, each) for each in condition.conditions))
        case AnyOf():
            nowhere = pa.array(np.zeros(len(rows), dtype=bool))
            return reduce(pc.or_, (_inside(rows, each) for each in condition.conditions), nowhere)
        case Windows():
            values = rows[condition.column].combine_chunks()
            starts, ends = (pa.array([_naive(each[side]) for each in condition.bounds], values.type) for side in (0, 1))
            return _in_windows(*map(_numbers, (values, starts, ends)))
    assert isinstance(condition, OneOf)  # noqa: S101 - a slice has no others
    return pc.is_in(rows[condition.column].combine_chunks(), value_set=pa.array(condition.values, type=TEXT))


def _in_windows(values: Any, starts: Any, ends: Any) -> pa.Array:
    if not len(starts):
        return pa.array(np.zeros(len(values), dtype=bool))
    place = np.searchsorted(starts, values, side="right") - 1
    return pa.array((place >= 0) & (values < ends[np.maximum(place, 0)]))


def _numbers(values: pa.Array) -> Any:
    """Dates or moments as whole numbers, NULL as one that is before all of them."""
    whole = values.cast(pa.int32() if values.type == pa.date32() else pa.int64()).cast(pa.int64())
    return pc.fill_null(whole, np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)


def _naive(bound: date | datetime) -> date | datetime:
    return bound.astimezone(UTC).replace(tzinfo=None) if isinstance(bound, datetime) else bound


def value_counts(rows: pa.Table, columns: Sequence[str]) -> dict[tuple[Any, ...], int]:
    """How often each combination of values stands in some columns of an Arrow table."""
    counted = rows.select(list(columns)).group_by(list(columns)).aggregate([([], "count_all")])
    return {tuple(row[name] for name in columns): row["count_all"] for row in counted.to_pylist()}


def _aware(value: Any) -> Any:
    """A moment with its time zone, which Arrow's and a DateTime column's lack; everything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
