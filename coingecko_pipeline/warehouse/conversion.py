"""One column's values as the Arrow type of its declaration: nothing is rounded, guessed or cut on the way.

pandas is imported where a value is no Arrow array, since a command that has no frame begins earlier without it.
"""

import json
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, types

from coingecko_pipeline.warehouse.arrow_types import (
    BYTES,
    MICROSECOND_DIGITS,
    MOMENT,
    TEXT,
    TIME,
    arrow_type,
    declared_type,
    is_decimal,
    is_json,
    second_digits,
)
from coingecko_pipeline.warehouse.errors import InvalidFrameError

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5
_NUMBERS = (int, float, Decimal, np.integer, np.floating)
_NO_TIME_ZONE = 'they carry no time zone: use .dt.tz_localize("UTC") if they are UTC'
_LARGEST_INTEGER = 2**63 - 1
"""Of a JSON document: MySQL makes a double of what is above, and SQLite too."""


def convert(column: Column[Any], values: Any) -> pa.Array:
    """The values of a frame's column as the declared one's Arrow type, after every check of the values themselves.

    Args:
        column: as declared.
        values: an Arrow array, or anything that makes a pandas Series.

    Raises:
        InvalidFrameError: some do not fit the column.
    """
    kind = arrow_type(column)
    where = f"column {column.table.name}.{column.name}"
    try:
        array = _documents(values) if is_json(column) else _converted(kind, values)
        _check_seconds(column, array)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidFrameError(f"{where} cannot take the frame's values as {kind}: {error}") from error
    if not column.nullable and array.null_count:
        raise InvalidFrameError(f"{where} must not be NULL, and is in {array.null_count} of {len(array)} rows")
    _check_text(column, array, where)
    return array


def _check_text(column: Column[Any], array: pa.Array, where: str) -> None:
    declared = declared_type(column)
    if not isinstance(declared, types.String) or not len(array):
        return
    if isinstance(declared, types.Enum):
        unknown = sorted(set(pc.unique(array).to_pylist()) - {None, *declared.enums})
        if unknown:
            raise InvalidFrameError(
                f"{where} must be one of {', '.join(map(repr, declared.enums))}; the frame has {unknown[:_SHOWN]}"
            )
    elif declared.length is not None:
        longest = pc.max(pc.utf8_length(array)).as_py()
        if longest is not None and longest > declared.length:
            raise InvalidFrameError(f"{where} holds {declared.length} characters, and a value has {longest}")


def _check_seconds(column: Column[Any], array: pa.Array) -> None:
    if array.type not in (MOMENT, TIME):
        return
    digits = second_digits(column)
    step = 10 ** (MICROSECOND_DIGITS - digits)
    if (array.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False) % step).any():
        raise ValueError(f"some are finer than the {digits} digits of a second that the column has on MySQL")


def _converted(kind: Any, values: Any) -> pa.Array:
    import pandas as pd

    if isinstance(values, pa.Array | pa.ChunkedArray):
        array = _nan_as_null(_one_chunk(values))
    else:
        series = values if isinstance(values, pd.Series) else pd.Series(values, copy=False)
        if series.dtype == object:
            series = _checked_objects(kind, series)
            if is_decimal(kind):
                return pa.array([None if n else str(v) for v, n in zip(series, series.isna(), strict=True)]).cast(kind)
        if kind == pa.float64():
            return _doubles_of_series(series)
        array = _one_chunk(pa.array(series, from_pandas=True))
    if array.null_count == len(array):
        return pa.nulls(len(array), kind)
    if kind == pa.float64():
        return _doubles(array)
    if kind in (TEXT, BYTES):
        if not (_is_text(array.type) if kind == TEXT else _is_bytes(array.type)):
            raise TypeError(f"they are {array.type}")
        return array.cast(kind)
    if kind == pa.date32():
        return _dates(array)
    if kind == MOMENT:
        return _moments(array)
    if kind == TIME:
        if not pa.types.is_time(array.type):
            raise TypeError(f"they are {array.type}")
        return array.cast(kind)
    if not (pa.types.is_boolean(array.type) if pa.types.is_boolean(kind) else _is_number(array.type)):
        raise TypeError(f"they are {array.type}")
    if is_decimal(kind):
        # Through the shortest text of each number: Arrow rounds a double to the decimal's scale without a word.
        return array.cast(TEXT).cast(kind)
    return array.cast(kind)


def _checked_objects(kind: Any, series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Python objects, each of which is what the column holds: Arrow goes by the first of them, whatever the others are.

    Raises:
        TypeError, ValueError: one is something else.
    """
    if kind == TEXT:
        return series  # of which Arrow itself refuses all others
    present = series[series.notna()]
    found, wanted = set(map(type, present)), _wanted(kind)
    # A bool is an int, and NumPy's time difference an integer of NumPy's.
    false_friends = {bool, np.timedelta64} - set(wanted)
    odd = sorted(each.__name__ for each in found if not issubclass(each, wanted) or each in false_friends)
    if odd:
        raise TypeError(f"some are {', '.join(odd)}")
    if kind == pa.date32() and found - {date}:
        return _objects((_day(value) for value in series), series)
    if kind == MOMENT and any(getattr(value, "tzinfo", None) is None for value in present):
        raise ValueError(_NO_TIME_ZONE)
    if kind == TIME and any(value.tzinfo is not None for value in present):
        raise ValueError("some times of day carry a time zone, which no column keeps")
    return series


def _wanted(kind: Any) -> tuple[type, ...]:
    """The classes of the Python objects that a column other than text may hold."""
    if kind == BYTES:
        return (bytes, bytearray, memoryview)
    if pa.types.is_boolean(kind):
        return (bool, np.bool_)
    if kind == pa.date32():
        return (date, np.datetime64)
    if kind == MOMENT:
        return (datetime, np.datetime64)
    return (time,) if kind == TIME else _NUMBERS


def _objects(values: Iterable[Any], like: "pd.Series[Any]") -> "pd.Series[Any]":
    import pandas as pd

    return pd.Series(list(values), index=like.index, dtype=object)


def _day(value: Any) -> date | None:
    import pandas as pd

    if type(value) is date:
        return value
    if pd.isna(value):
        return None
    moment = pd.Timestamp(value)
    # An aware midnight counts only in UTC.
    moment = moment if moment.tz is None else moment.tz_convert("UTC")
    if moment != moment.normalize():
        raise ValueError("some are not at midnight")
    return moment.date()


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _is_bytes(kind: Any) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _one_chunk(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _nan_as_null(array: Any) -> Any:
    if not pa.types.is_floating(array.type):
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def _doubles(array: Any) -> Any:
    if not _is_number(array.type):
        raise TypeError(f"they are {array.type}")
    numbers = array.cast(pa.float64(), safe=False)
    if pc.any(pc.is_inf(numbers)).as_py():
        raise ValueError("some are infinite, which a database cannot hold")
    return numbers


def _doubles_of_series(series: "pd.Series[Any]") -> Any:
    import pandas as pd

    # A column of Python objects may hold an int that no Arrow integer can.
    kind = series.dtype
    numeric = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if not (pd.api.types.is_object_dtype(kind) or numeric) or pd.api.types.is_bool_dtype(kind):
        raise TypeError(f"they are {kind}")
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
        raise ValueError(_NO_TIME_ZONE)
    return array.cast(pa.timestamp("us", "UTC")).cast(MOMENT)


def _documents(values: Any) -> pa.Array:
    """JSON documents as text: a frame's are Python values, an Arrow array's text is that of a document already."""
    import pandas as pd

    if isinstance(values, pa.Array | pa.ChunkedArray):
        cells = values.to_pylist()
        if _is_text(values.type):
            return pa.array([text if text is None else _document(json.loads(text)) for text in cells], TEXT)
    else:
        series = values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)
        cells = [None if nothing else value for value, nothing in zip(series, series.isna(), strict=True)]
    return pa.array([value if value is None else _document(value) for value in cells], TEXT)


def _document(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if json.loads(text, parse_int=_integer) != value:
        raise ValueError(f"JSON keeps {text[:60]} of {str(value)[:60]}, which is something else")
    return text


def _integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > _LARGEST_INTEGER:
        raise ValueError(f"a JSON document has the whole number {digits[:30]}, which 64 bits do not hold")
    return number
