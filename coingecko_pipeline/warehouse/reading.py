"""Rows out of a declared table as frames of exact types: chosen columns, chosen rows, bound parameters only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    and_,
    cast,
    false,
    or_,
    select,
    type_coerce,
)

from coingecko_pipeline.warehouse.arrow_types import TEXT, arrow_type, is_decimal, is_json
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.loading import to_frame, to_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Between:
    """Rows whose column is not below `start` and below `end`.

    Attributes:
        column: its name.
        start: a date, an aware datetime or a number, as the column holds.
        end: the first value that is not wanted any more.
    """

    column: str
    start: date | datetime | int
    end: date | datetime | int


@dataclass(frozen=True)
class OneOf:
    """Rows whose column has one of the values; none without values."""

    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Windows:
    """Rows whose column is in one of several ranges.

    Attributes:
        column: its name.
        bounds: the start of each range and its end, which is excluded, in order and without overlaps.
    """

    column: str
    bounds: tuple[tuple[date | datetime, date | datetime], ...]


@dataclass(frozen=True)
class AllOf:
    """Rows that meet each of some conditions."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """Rows that meet one of some conditions at least; none without conditions."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = Between | OneOf | Windows | AllOf | AnyOf
_WINDOWS_AT_ONCE = 200
"""Ranges of one OR: SQLite refuses an expression that is more than 1,000 deep."""


def read_frame(
    database: Database,
    table: Table,
    *,
    columns: Sequence[str] | None = None,
    conditions: Sequence[Condition] = (),
) -> "pd.DataFrame":
    """The rows of a table that meet all conditions, in the order of its key.

    Args:
        database: where the table is.
        table: as declared.
        columns: which, in this order; all of them by default.
        conditions: which rows; all by default.

    Returns:
        A frame of the types that `to_frame` describes.

    Raises:
        DeclarationError: a column is not one of the table's.
        StoredValueError: the database holds what a declared column cannot.
        DatabaseUnavailable: the database did not let us in.
    """
    return to_frame(*_read(database, table, columns, conditions))


def read_arrow(
    database: Database,
    table: Table,
    *,
    columns: Sequence[str] | None = None,
    conditions: Sequence[Condition] = (),
) -> pa.Table:
    """The same as an Arrow table: moments in UTC, JSON documents as their text."""
    return to_table(*_read(database, table, columns, conditions))


def _read(
    database: Database, table: Table, columns: Sequence[str] | None, conditions: Sequence[Condition]
) -> tuple[Sequence[Column[Any]], Sequence[Sequence[Any]]]:
    wanted = [_column(table, name) for name in (columns if columns is not None else table.columns.keys())]
    statement = select(*map(selected, wanted)).where(*where(table, conditions)).order_by(*table.primary_key.columns)

    def read(connection: Connection) -> Sequence[Sequence[Any]]:
        return connection.execute(statement).fetchall()

    return wanted, database.run_reading(read)


def selected(column: Column[Any]) -> ColumnElement[Any]:
    """A column as it is selected: dates, moments and decimals as text, all else as the driver gives it."""
    kind = arrow_type(column)
    # As text, which SQLite keeps: a whole column of it becomes dates at once, while the driver's own dates are made one
    # by one and take a fifth of the time of reading.
    if pa.types.is_temporal(kind) or is_decimal(kind):
        return cast(column, String)
    if kind == TEXT:
        return type_coerce(column, String())
    return type_coerce(column, Integer()) if pa.types.is_boolean(kind) else column


def where(table: Table, conditions: Iterable[Condition]) -> list[ColumnElement[bool]]:
    """The conditions on a table's rows, for a statement's `where`.

    Raises:
        DeclarationError: a column is not one of the table's.
    """
    return [_where(table, condition) for condition in conditions]


def _where(table: Table, condition: Condition) -> ColumnElement[bool]:
    match condition:
        case AllOf():
            return and_(*(_where(table, each) for each in condition.conditions))
        case AnyOf():
            return or_(false(), *(_where(table, each) for each in condition.conditions))
        case Between():
            return _within(comparable(_column(table, condition.column)), condition.start, condition.end)
        case Windows():
            return _in_windows(comparable(_column(table, condition.column)), condition.bounds)
    if not condition.values:
        return false()
    return comparable(_column(table, condition.column)).in_([as_stored(value) for value in condition.values])


def _within(
    column: ColumnElement[Any], start: date | datetime | int, end: date | datetime | int
) -> ColumnElement[bool]:
    return and_(column >= as_stored(start), column < as_stored(end))


def _in_windows(
    column: ColumnElement[Any], bounds: Sequence[tuple[date | datetime, date | datetime]]
) -> ColumnElement[bool]:
    parts = [bounds[first : first + _WINDOWS_AT_ONCE] for first in range(0, len(bounds), _WINDOWS_AT_ONCE)]
    return or_(
        false(),
        *(
            and_(_within(column, part[0][0], part[-1][1]), or_(*(_within(column, *each) for each in part)))
            if len(part) > 1
            else _within(column, *part[0])
            for part in parts
        ),
    )


def comparable(column: Column[Any]) -> ColumnElement[Any]:
    """A column as it is compared with what `as_stored` gives."""
    kind = arrow_type(column)
    is_text = kind == TEXT and not is_json(column)
    return type_coerce(column, String()) if is_text or pa.types.is_temporal(kind) else column


def as_stored(value: Any) -> Any:
    """A parameter as it compares with stored values: dates and moments as ISO text, which SQLite keeps."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, time):
        return value.isoformat("microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _column(table: Table, name: str) -> Column[Any]:
    column = table.columns.get(name)
    if column is None:
        raise DeclarationError(f"table {table.name!r} has no column {name!r}; it has {', '.join(table.columns.keys())}")
    return column
