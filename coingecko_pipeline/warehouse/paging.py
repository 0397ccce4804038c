"""Any number of rows out of a declared table, as Arrow batches in bounded memory, all of one moment.

The rows come page by page, each page from the key of the last row before it, and every page sees the table as it was at
the first. PyMySQL's unbuffered cursor would be one statement instead, but it cannot be left early: who ends it waits
for all rows that are left (`docs/decisions/0017-pages-instead-of-a-cursor.md`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, or_, select

from coingecko_pipeline.warehouse.arrow_types import MOMENT, TEXT, arrow_type
from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.loading import to_table
from coingecko_pipeline.warehouse.reading import Condition, as_stored, comparable, selected, where

PAGE_ROWS = 65_536
"""Rows of a page: some 70 MB as Python objects. Larger ones are no faster."""
WIDE_PAGE_ROWS = 256
"""The same where a column has no bounded width, for values of some 150 KB."""


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


def count_rows(connection: Connection, table: Table, conditions: Sequence[Condition] = ()) -> int:
    """How many rows of a table meet all conditions."""
    statement = select(func.count()).select_from(table).where(*where(table, conditions))
    return connection.execute(statement).scalar_one()


def read_pages(
    connection: Connection,
    table: Table,
    conditions: Sequence[Condition] = (),
    page_rows: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a table that meet all conditions, in the order of its key, a page at a time.

    Args:
        connection: reads; give one `of_one_moment` where the rows may change meanwhile.
        table: as declared; its key tells where the next page begins.
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
    places = [columns.index(key) for key in keys]
    pages = select(*map(selected, columns)).where(*where(table, conditions)).order_by(*keys).limit(rows_at_once)
    statement = pages
    while True:
        rows = connection.execute(statement).fetchall()
        if rows:
            arrays = [column.combine_chunks() for column in to_table(columns, rows).columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        if len(rows) < rows_at_once:
            return
        statement = pages.where(_after(keys, [rows[-1][place] for place in places]))
        del rows


def _after(keys: Sequence[Column[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition that a row's key comes after another's, as a range of the index and a rest within it.

    MySQL reads no range from a comparison of rows, `(date, asset_id) > (%s, %s)`.
    """
    column, value = comparable(keys[0]), as_stored(values[0])
    after: ColumnElement[bool] = column > value
    return after if len(keys) == 1 else and_(column >= value, or_(after, _after(keys[1:], values[1:])))


def _moment_in_utc(kind: Any) -> Any:
    return pa.timestamp("us", "UTC") if kind == MOMENT else kind


def _has_no_width(column: Column[Any]) -> bool:
    kind = arrow_type(column)
    return bool(pa.types.is_binary(kind) or (kind == TEXT and getattr(column.type, "length", None) is None))
