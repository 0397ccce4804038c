"""Rows out of a declared table as frames of exact types: chosen columns, chosen rows, bound parameters only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import Column, ColumnElement, Connection, String, Table, and_, cast, false, select, type_coerce

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.frames import arrow_type, to_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Between:
    """Rows whose column is not below `start` and below `end`.

    Attributes:
        column: its name.
        start: a date or an aware datetime, as the column holds.
        end: the first value that is not wanted any more.
    """

    column: str
    start: date | datetime
    end: date | datetime


@dataclass(frozen=True)
class OneOf:
    """Rows whose column has one of the values; none without values."""

    column: str
    values: tuple[Any, ...]


Condition = Between | OneOf


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
        DatabaseUnavailable: the database did not let us in.
    """
    wanted = [_column(table, name) for name in (columns if columns is not None else table.columns.keys())]
    statement = select(*map(selected, wanted)).where(*where(table, conditions)).order_by(*table.primary_key.columns)

    def read(connection: Connection) -> Sequence[Sequence[Any]]:
        return connection.execute(statement).fetchall()

    return to_frame(wanted, database.run_reading(read))


def selected(column: Column[Any]) -> ColumnElement[Any]:
    """A column as it is selected: dates and moments as ISO text, everything else as it is."""
    # As text, which SQLite keeps: a whole column of it becomes dates at once, while the driver's own dates are made one
    # by one and take a fifth of the time of reading.
    return cast(column, String) if pa.types.is_temporal(arrow_type(column)) else column


def where(table: Table, conditions: Iterable[Condition]) -> list[ColumnElement[bool]]:
    """The conditions on a table's rows, for a statement's `where`.

    Raises:
        DeclarationError: a column is not one of the table's.
    """
    return [_where(comparable(_column(table, condition.column)), condition) for condition in conditions]


def _where(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    if isinstance(condition, Between):
        return and_(column >= as_stored(condition.start), column < as_stored(condition.end))
    return column.in_([as_stored(value) for value in condition.values]) if condition.values else false()


def comparable(column: Column[Any]) -> ColumnElement[Any]:
    """A column as it is compared with what `as_stored` gives."""
    return type_coerce(column, String()) if pa.types.is_temporal(arrow_type(column)) else column


def as_stored(value: Any) -> Any:
    """A parameter as it compares with stored values: dates and moments as ISO text, which SQLite keeps."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _column(table: Table, name: str) -> Column[Any]:
    column = table.columns.get(name)
    if column is None:
        raise DeclarationError(f"table {table.name!r} has no column {name!r}; it has {', '.join(table.columns.keys())}")
    return column
