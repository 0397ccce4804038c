"""Any number of rows out of a declared table, as Arrow batches in bounded memory, all of one moment.

The rows come page by page, each page from the key of the last row before it, and every page sees the table as it was at
the first. PyMySQL's unbuffered cursor would be one statement instead, but it cannot be left early: who ends it waits
for all rows that are left (`docs/decisions/0017-pages-instead-of-a-cursor.md`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Column, Connection, Table

from coingecko_pipeline.warehouse.database import Kind
from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.frames import MOMENT, TEXT, arrow_type
from coingecko_pipeline.warehouse.reading import Condition, as_stored, selected, where
from coingecko_pipeline.warehouse.upsert import placeholder, quoted

PAGE_ROWS = 65_536
"""Rows of a page: some 70 MB as Python objects. Larger ones are no faster."""
WIDE_PAGE_ROWS = 256
"""The same where a column has no bounded width: a chart's body has up to 150 KB."""


def arrow_schema(table: Table) -> pa.Schema:
    """A declared table as an Arrow schema: exact types, moments in UTC, NULL allowed or not, comments as metadata.

    Each field's metadata has the column's `comment`, which ends with the unit of a number. The schema's own has
    `table`, `comment` and `key` (the names of the key's columns, by commas).

    Raises:
        DeclarationError: a column's type has no Arrow type.
    """
    fields = [
        pa.field(
            column.name,
            _moment_in_utc(arrow_type(column)),
            nullable=bool(column.nullable),
            metadata={"comment": column.comment or ""},
        )
        for column in table.columns
    ]
    key = ",".join(column.name for column in table.primary_key.columns)
    return pa.schema(fields, metadata={"table": table.name, "comment": table.comment or "", "key": key})


def of_one_moment(connection: Connection) -> Connection:
    """The connection, whose statements from now on all see what the first of them sees."""
    if connection.dialect.name == "sqlite":  # whose transactions do so by themselves
        return connection
    return connection.execution_options(isolation_level="REPEATABLE READ")


def count_rows(connection: Connection, table: Table, kind: Kind, conditions: Sequence[Condition] = ()) -> int:
    """How many rows of a table meet all conditions."""
    clause, parameters = where(conditions, kind)
    statement = f"SELECT COUNT(*) FROM {quoted(table.name, kind)}{clause}"  # noqa: S608
    return int(connection.exec_driver_sql(statement, parameters).scalar_one())


def read_pages(
    connection: Connection,
    table: Table,
    kind: Kind,
    conditions: Sequence[Condition] = (),
    page_rows: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a table that meet all conditions, in the order of its key, a page at a time.

    Args:
        connection: reads; give one `of_one_moment` where the rows may change meanwhile.
        table: as declared; its key tells where the next page begins.
        kind: of the database.
        conditions: which rows; all by default.
        page_rows: rows of a page; by default what keeps a page's memory bounded.

    Returns:
        Batches of the schema `arrow_schema(table)`; no empty one.

    Raises:
        DeclarationError: the table has no primary key.
    """
    columns, keys = list(table.columns), list(table.primary_key.columns)
    if not keys:
        raise DeclarationError(f"table {table.name!r} declares no primary key, and its pages are found by it")
    schema = arrow_schema(table)
    rows_at_once = page_rows or (WIDE_PAGE_ROWS if any(map(_has_no_width, columns)) else PAGE_ROWS)
    names = ", ".join(selected(column, kind) for column in columns)
    order = ", ".join(quoted(column.name, kind) for column in keys)
    places = [columns.index(key) for key in keys]
    clause, parameters = where(conditions, kind)
    after, last = "", ()
    while True:
        statement = (
            f"SELECT {names} FROM {quoted(table.name, kind)}{clause}{after} "  # noqa: S608
            f"ORDER BY {order} LIMIT {rows_at_once}"
        )
        rows = connection.exec_driver_sql(statement, (*parameters, *last)).fetchall()
        if rows:
            yield _to_batch(schema, rows)
        if len(rows) < rows_at_once:
            return
        after = f"{' AND ' if clause else ' WHERE '}{_after([key.name for key in keys], kind)}"
        last = _after_values([as_stored(rows[-1][place]) for place in places])
        del rows


def _after(keys: Sequence[str], kind: Kind) -> str:
    """The condition that a row's key comes after another's, as a range of the index and a rest within it.

    MySQL reads no range from a comparison of rows, `(date, asset_id) > (%s, %s)`.
    """
    first, *rest = (quoted(key, kind) for key in keys)
    mark = placeholder(kind)
    if not rest:
        return f"{first} > {mark}"
    return f"({first} >= {mark} AND ({first} > {mark} OR {_after(keys[1:], kind)}))"


def _after_values(key: Sequence[Any]) -> tuple[Any, ...]:
    first, *rest = key
    return (first, first, *_after_values(rest)) if rest else (first,)


def _to_batch(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    arrays = [_to_array(field.type, cells) for field, cells in zip(schema, zip(*rows, strict=True), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _to_array(kind: Any, cells: Sequence[Any]) -> Any:
    if pa.types.is_temporal(kind):
        return pa.array(cells, TEXT).cast(MOMENT).cast(kind)
    if pa.types.is_boolean(kind):  # 0 and 1, as all three databases give them
        return pa.array(cells, pa.int8()).cast(kind)
    return pa.array(cells, kind)


def _moment_in_utc(kind: Any) -> Any:
    return pa.timestamp("us", "UTC") if kind == MOMENT else kind


def _has_no_width(column: Column[Any]) -> bool:
    kind = arrow_type(column)
    return bool(pa.types.is_binary(kind) or (kind == TEXT and getattr(column.type, "length", None) is None))
