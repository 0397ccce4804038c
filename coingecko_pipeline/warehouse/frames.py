"""Frames as the rows of a declared table, and every check that needs no database.

A frame's columns are matched to the table's by name. Between the two stands an Arrow table of the declared columns in
the declared order and types, from which every way of writing starts. pandas is imported where a frame is there, since a
command that has none begins a quarter of a second earlier without it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Table

from coingecko_pipeline.warehouse.conversion import convert
from coingecko_pipeline.warehouse.errors import DeclarationError, InvalidFrameError
from coingecko_pipeline.warehouse.guard import Ranked, guard_of

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5

Frame: TypeAlias = "pd.DataFrame | pa.Table | Mapping[str, Any]"
"""Rows to be written: a DataFrame, an Arrow table or what gives one by `__arrow_c_stream__`, as a polars frame does, or
NumPy or Arrow arrays of one length by column name."""


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
    frame = _as_known(table, frame)
    _check_columns(table, frame)
    arrays = [convert(column, frame[column.name]) for column in table.columns]
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


def is_frame(value: Any) -> bool:
    """Whether a value is rows to be written, and no iterator of them."""
    import pandas as pd

    return isinstance(value, pd.DataFrame | pa.Table) or hasattr(value, "__arrow_c_stream__")


def _as_known(table: Table, frame: Any) -> Frame:
    import pandas as pd

    if isinstance(frame, pa.Table | pd.DataFrame | Mapping):
        return frame
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise InvalidFrameError(
        f"table {table.name!r} takes pandas DataFrames, Arrow tables or mappings of arrays, and got a "
        f"{type(frame).__name__}"
    )


def _check_columns(table: Table, frame: Frame) -> None:
    given = list(frame.column_names if isinstance(frame, pa.Table) else frame)
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
