"""Rows of a database as Arrow tables and frames of exact types.

pandas is imported where a frame is made, since a command that makes none begins earlier without it.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column

from coingecko_pipeline.warehouse.arrow_types import BYTES, MOMENT, TEXT, TIME, arrow_type, is_decimal, is_json
from coingecko_pipeline.warehouse.errors import StoredValueError

if TYPE_CHECKING:
    import pandas as pd


def to_frame(
    columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]], *, outer_join: bool = False
) -> "pd.DataFrame":
    """Rows as `read_frame` selects them, dates and moments as ISO text, as a frame of exact types.

    Args:
        columns: as they were selected.
        rows: their values.
        outer_join: whether some rows lack the columns of a table, so that these are NULL whatever is declared.

    Returns:
        One column for each of `columns`: text as `str`, DOUBLE as float64 (NULL is NaN), DATE as datetime64[us] at
        midnight, a moment as datetime64[us, UTC], an integer as int64 or, where it can be NULL, Int64, a Boolean
        as bool or boolean; a decimal, a time of day, bytes and what a JSON document says as Python objects.

    Raises:
        StoredValueError: the database holds what a declared column cannot.
    """
    import pandas as pd

    arrays = _arrays(columns, rows, outer_join)
    return pd.DataFrame(
        {column.name: _to_series(column, array) for column, array in zip(columns, arrays, strict=True)},
        copy=False,
    )


def to_table(columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]]) -> pa.Table:
    """The same as an Arrow table: moments in UTC, JSON documents as their text.

    Raises:
        StoredValueError: as `to_frame`.
    """
    arrays = [
        array.cast(pa.timestamp("us", "UTC")) if array.type == MOMENT else array for array in _arrays(columns, rows)
    ]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def _arrays(columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]], outer_join: bool = False) -> list[Any]:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return [_to_array(column, cells, outer_join) for column, cells in zip(columns, values, strict=True)]


def _to_array(column: Column[Any], cells: Sequence[Any], outer_join: bool) -> Any:
    kind = arrow_type(column)
    try:
        array = _of_kind(column, kind, cells)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise StoredValueError(
            f"column {_name(column)} holds a value that its declared type ({kind}) cannot: {error}; mend the row, or "
            "declare the column as what it holds"
        ) from error
    if not (column.nullable or outer_join) and array.null_count:
        raise StoredValueError(
            f"column {_name(column)} is declared NOT NULL, and is NULL in {array.null_count} rows: mend them, or "
            "declare it nullable"
        )
    return array


def _name(column: Column[Any]) -> str:
    return column.name if column.table is None else f"{column.table.name}.{column.name}"


def _of_kind(column: Column[Any], kind: Any, cells: Sequence[Any]) -> Any:
    if is_json(column):  # SQLite keeps a document that is a number as one
        texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells]
        return pa.array(texts, TEXT)
    if kind == pa.float64():
        return pa.array(np.array(cells, dtype=np.float64), from_pandas=True)
    if pa.types.is_boolean(kind):
        odd = {cell for cell in cells if cell not in (None, 0, 1)}
        if odd:
            raise ValueError(f"{odd.pop()!r} is neither true nor false")
        return pa.array([None if cell is None else bool(cell) for cell in cells], kind)
    if pa.types.is_integer(kind) or kind in (BYTES, TEXT):
        return pa.array(cells, kind)
    texts = pa.array(cells, TEXT)
    if kind == TIME:  # which Arrow reads as part of a moment only
        return pc.binary_join_element_wise("1970-01-01", texts, " ").cast(MOMENT).cast(TIME)
    return texts.cast(kind)


def _to_series(column: Column[Any], array: Any) -> "pd.Series[Any]":
    import pandas as pd

    kind = array.type
    if is_json(column):
        documents = [None if text is None else json.loads(text) for text in array.to_pylist()]
        return pd.Series(documents, dtype=object)
    if kind == pa.float64():
        return pd.Series(array.to_numpy(zero_copy_only=False))
    if is_decimal(kind) or kind in (BYTES, TIME):
        return pd.Series(array.to_pylist(), dtype=object)
    if kind == TEXT:
        return pd.Series(pd.array(array, dtype=pd.StringDtype(na_value=np.nan)))
    if pa.types.is_boolean(kind):
        return pd.Series(array.to_pylist(), dtype="boolean" if column.nullable else "bool")
    if pa.types.is_integer(kind):
        return pd.Series(array.to_pylist(), dtype="Int64" if column.nullable else "int64")
    moments = pd.Series(array.cast(MOMENT).to_numpy(zero_copy_only=False))
    return moments.dt.tz_localize("UTC") if kind == MOMENT else moments
