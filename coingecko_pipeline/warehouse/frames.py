"""Frames and declared tables: exact conversion both ways, and every check that needs no database.

A frame's columns are matched to the table's by name. Between the two stands an Arrow table of the declared columns in
the declared order and types, from which every way of writing starts. pandas is imported where a frame is there, since a
command that has none begins a quarter of a second earlier without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Table, types
from sqlalchemy.types import TypeDecorator

from coingecko_pipeline.warehouse.errors import DeclarationError, InvalidFrameError
from coingecko_pipeline.warehouse.guard import Ranked, guard_of

if TYPE_CHECKING:
    import pandas as pd

TEXT = pa.string()
MOMENT = pa.timestamp("us")
_SHOWN = 5

Frame: TypeAlias = "pd.DataFrame | pa.Table | Mapping[str, Any]"
"""Rows to be written: a DataFrame, an Arrow table, or NumPy or Arrow arrays of one length by column name."""


def arrow_type(column: Column[Any]) -> Any:
    """The Arrow type that holds every value of a declared column exactly.

    Raises:
        DeclarationError: for a column type that the warehouse cannot write (JSON, arrays and the like).
    """
    declared: types.TypeEngine[Any] = column.type
    while isinstance(declared, TypeDecorator):
        declared = declared.impl_instance
    match declared:
        case types.String():
            return TEXT
        case types.Boolean():
            return pa.bool_()
        case types.SmallInteger():
            return pa.int16()
        case types.BigInteger():
            return pa.int64()
        case types.Integer():
            return pa.int32()
        case types.Float():
            return pa.float64()
        case types.Numeric() if declared.precision is not None:
            return pa.decimal128(declared.precision, declared.scale or 0)
        case types.DateTime():
            return MOMENT
        case types.Date():
            return pa.date32()
        case types.LargeBinary():
            return pa.binary()
    raise DeclarationError(f"column {column.table.name}.{column.name} is a {declared!r}, which cannot be written")


def to_arrow(table: Table, frame: Frame) -> pa.Table:
    """The frame as the declared table's columns, sorted by its key, after every check.

    Args:
        table: as declared; it must have a primary key.
        frame: any order of columns and rows. None, NaN, NaT and NA are NULL. A date is a `datetime.date` or a
            datetime64 at midnight; a moment carries a time zone and becomes UTC; a number may be an int of any size.
            An Arrow table is the cheapest.

    Raises:
        InvalidFrameError: columns missing or unknown, a value that does not fit its column (an infinite number, text
            that is too long, NULL where none is allowed, a guard value without a rank), or two rows of one key.
    """
    _check_columns(table, frame)
    arrays = [_to_array(column, frame[column.name]) for column in table.columns]
    if len({len(array) for array in arrays}) > 1:
        raise InvalidFrameError(f"the columns of the frame for table {table.name!r} are of different lengths")
    rows = pa.Table.from_arrays(arrays, names=[column.name for column in table.columns])
    _check_ranks(table, rows)
    keys = [column.name for column in table.primary_key.columns]
    if not keys:
        raise DeclarationError(f"table {table.name!r} declares no primary key, and rows are matched by it")
    # In the order of the key the server appends to few places instead of jumping between many.
    rows = rows.sort_by([(key, "ascending") for key in keys]).combine_chunks()
    _check_keys(table, keys, rows)
    return rows


def to_frame(columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]]) -> "pd.DataFrame":
    """Rows as `read_frame` selects them, dates and moments as ISO text, as a frame of exact types.

    Returns:
        One column for each of `columns`: text as `str`, DOUBLE as float64 (NULL is NaN), DATE as datetime64[us] at
        midnight, a moment as datetime64[us, UTC], an integer as int64 or, where it can be NULL, Int64, a Boolean
        as bool or boolean, a decimal and bytes as Python objects.
    """
    import pandas as pd

    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame(
        {column.name: _to_series(column, cells) for column, cells in zip(columns, values, strict=True)},
        copy=False,
    )


def _check_columns(table: Table, frame: Frame) -> None:
    import pandas as pd

    if isinstance(frame, pa.Table):
        given = list(frame.column_names)
    elif isinstance(frame, pd.DataFrame | Mapping):
        given = list(frame)
    else:
        raise InvalidFrameError(
            f"table {table.name!r} takes pandas DataFrames, Arrow tables or mappings of arrays, and got a "
            f"{type(frame).__name__}"
        )
    declared = [column.name for column in table.columns]
    missing = [name for name in declared if name not in given]
    unknown = [name for name in given if name not in declared]
    twice = sorted({str(name) for name in given if given.count(name) > 1})
    problems = [
        f"{what}: {', '.join(map(str, names))}"
        for what, names in (("missing", missing), ("unknown", unknown), ("given twice", twice))
        if names
    ]
    if problems:
        raise InvalidFrameError(
            f"the frame's columns are not those of table {table.name!r} ({'; '.join(problems)}); "
            f"the table declares {', '.join(declared)}"
        )


def _to_array(column: Column[Any], values: Any) -> Any:
    kind = arrow_type(column)
    where = f"column {column.table.name}.{column.name}"
    try:
        array = _converted(kind, values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise InvalidFrameError(f"{where} cannot take the frame's values as {kind}: {error}") from error
    if not column.nullable and array.null_count:
        raise InvalidFrameError(f"{where} must not be NULL, and is in {array.null_count} of {len(array)} rows")
    length = getattr(column.type, "length", None)
    if kind == TEXT and length is not None and len(array):
        longest = pc.max(pc.utf8_length(array)).as_py()
        if longest is not None and longest > length:
            raise InvalidFrameError(f"{where} holds {length} characters, and a value has {longest}")
    return array


def _converted(kind: Any, values: Any) -> Any:
    import pandas as pd

    if isinstance(values, pa.Array | pa.ChunkedArray):
        array = _nan_as_null(_one_chunk(values))
    else:
        series = values if isinstance(values, pd.Series) else pd.Series(values, copy=False)
        if kind == pa.float64():
            return _doubles_of_series(series)
        array = _one_chunk(pa.array(series, from_pandas=True))
    if array.null_count == len(array):
        return pa.nulls(len(array), kind)
    if kind == pa.float64():
        return _doubles(array)
    if kind == TEXT or pa.types.is_binary(kind):
        if not (array.type == kind or (kind == TEXT and _is_text(array.type))):
            raise TypeError(f"they are {array.type}")
        return array.cast(kind)
    if kind == pa.date32():
        return _dates(array)
    if kind == MOMENT:
        return _moments(array)
    if _is_text(array.type) or pa.types.is_boolean(kind) != pa.types.is_boolean(array.type):
        raise TypeError(f"they are {array.type}")
    return array.cast(kind)


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _one_chunk(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _nan_as_null(array: Any) -> Any:
    if not pa.types.is_floating(array.type):
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def _doubles(array: Any) -> Any:
    if not (pa.types.is_floating(array.type) or pa.types.is_integer(array.type) or pa.types.is_decimal(array.type)):
        raise TypeError(f"they are {array.type}")
    numbers = array.cast(pa.float64(), safe=False)
    if pc.any(pc.is_inf(numbers)).as_py():
        raise ValueError("some are infinite, which a database cannot hold")
    return numbers


def _doubles_of_series(series: "pd.Series[Any]") -> Any:
    import pandas as pd

    # A column of Python objects may hold an int that no Arrow integer can.
    if series.dtype == object and any(isinstance(value, str | bytes | bool) for value in series):
        raise TypeError("some are not numbers")
    if not (series.dtype == object or pd.api.types.is_numeric_dtype(series.dtype)) or series.dtype == bool:
        raise TypeError(f"they are {series.dtype}")
    numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise ValueError("some are infinite, which a database cannot hold")
    return pa.array(numbers, from_pandas=True)


def _dates(array: Any) -> Any:
    if pa.types.is_date32(array.type):
        return array
    if not pa.types.is_timestamp(array.type):
        raise TypeError(f"they are {array.type}")
    # An aware midnight counts only in UTC; the cast is the UTC one.
    dates = array.cast(pa.timestamp(array.type.unit)).cast(pa.date32(), safe=False)
    if not pc.all(pc.equal(dates.cast(array.type), array)).as_py() and len(array) > array.null_count:
        raise ValueError("some are not at midnight")
    return dates


def _moments(array: Any) -> Any:
    if not pa.types.is_timestamp(array.type):
        raise TypeError(f"they are {array.type}")
    if array.type.tz is None:
        raise ValueError('they carry no time zone: use .dt.tz_localize("UTC") if they are UTC')
    return array.cast(pa.timestamp("us", "UTC")).cast(MOMENT)


def _check_ranks(table: Table, rows: pa.Table) -> None:
    guard = guard_of(table)
    for ranked in (c for c in guard.columns if isinstance(c, Ranked)) if guard else ():
        found = set(pc.unique(rows[ranked.column]).to_pylist()) - {None, *ranked.lowest_first}
        if found:
            raise InvalidFrameError(
                f"column {table.name}.{ranked.column} guards the rows and must be one of "
                f"{', '.join(map(repr, ranked.lowest_first))}; the frame has {sorted(found)[:_SHOWN]}"
            )


def _check_keys(table: Table, keys: Sequence[str], rows: pa.Table) -> None:
    if len(rows) < 2:
        return
    same = None
    for key in keys:
        column = rows[key].combine_chunks()
        equal = pc.equal(column[1:], column[:-1])
        same = equal if same is None else pc.and_(same, equal)
    repeated = pc.sum(same).as_py()
    if repeated:
        first = rows.slice(pc.index(same, True).as_py(), 1).select(list(keys)).to_pylist()[0]
        shown = ", ".join(
            f"{key}={value!r}" if isinstance(value, str) else f"{key}={value}" for key, value in first.items()
        )
        raise InvalidFrameError(f"{repeated} rows of the frame repeat a key of table {table.name!r}, such as {shown}")


def _to_series(column: Column[Any], cells: Sequence[Any]) -> "pd.Series[Any]":
    import pandas as pd

    kind = arrow_type(column)
    if kind == pa.float64():
        return pd.Series(np.array(cells, dtype=np.float64))
    if pa.types.is_decimal(kind) or pa.types.is_binary(kind):
        return pd.Series(list(cells), dtype=object)
    if kind == TEXT:
        return pd.Series(pd.array(cells, dtype=pd.StringDtype(na_value=np.nan)))
    if pa.types.is_boolean(kind):
        nullable_bool = [None if cell is None else bool(cell) for cell in cells]
        return pd.Series(nullable_bool, dtype="boolean" if column.nullable else "bool")
    if pa.types.is_integer(kind):
        return pd.Series(list(cells), dtype="Int64" if column.nullable else "int64")
    moments = pd.Series(pa.array(cells, type=TEXT).cast(kind).cast(MOMENT).to_numpy(zero_copy_only=False))
    return moments.dt.tz_localize("UTC") if kind == MOMENT else moments
