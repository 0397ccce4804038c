"""LOAD DATA LOCAL INFILE: the fastest way into MySQL and MariaDB, made safe.

LOCAL turns errors into warnings and skips rows whose key exists: here every warning and every row that is not
accounted for is an error.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Connection, MetaData, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from coingecko_pipeline.warehouse.arrow_types import TEXT, arrow_type
from coingecko_pipeline.warehouse.errors import RowsRefusedError
from coingecko_pipeline.warehouse.failures import error_code
from coingecko_pipeline.warehouse.room import temporary_room
from coingecko_pipeline.warehouse.upsert import upsert_from

STAGING = "incoming_rows"

FORBIDDEN_CODES = frozenset({1044, 1142, 1148, 1227, 3750, 3948, 4166})
"""LOCAL is disabled on the server or the client (1148 and 4166 on MariaDB, 3948 on MySQL), the user may not create
temporary tables (1044, 1142, 1227), or the server wants a primary key on them too (3750)."""

# Backslash first: the others bring backslashes of their own.
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\0", "\\0"))
_SHOWN_WARNINGS = 3
# Bounds the memory of the conversion to some 10 MB, whatever the size of a frame.
_ROWS_AT_ONCE = 50_000


def can_load(table: Table) -> bool:
    """Whether a table's rows can go this way: those with binary columns cannot, the file being UTF-8 text."""
    return not any(pa.types.is_binary(arrow_type(column)) for column in table.columns)


def is_forbidden(error: DBAPIError) -> bool:
    """Whether the server or the client forbids this way of writing, so that another one is to be taken."""
    return error_code(error) in FORBIDDEN_CODES


@contextmanager
def ready_file(rows: pa.Table) -> Iterator[str]:
    """The path of a temporary file that holds the rows as LOAD DATA reads them; removed at the end.

    Raises:
        StorageFull: the folder for temporary files has no space left.
    """
    # All of it, since closing writes what is left in memory.
    with temporary_room(), tempfile.NamedTemporaryFile(prefix="warehouse-", suffix=".tsv") as file:
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            file.write(to_text(rows.slice(start, _ROWS_AT_ONCE)))
        file.flush()
        yield file.name


def to_text(rows: pa.Table) -> memoryview:
    r"""The rows as UTF-8 text: a line for each row, tabs between fields, NULL as `\N`, doubles in shortest form."""
    fields = [_field(rows[name].combine_chunks()) for name in rows.column_names]
    lines = pc.binary_join_element_wise(
        pc.binary_join_element_wise(*fields, "\t") if len(fields) > 1 else fields[0], "\n", ""
    )
    # The lines lie end to end in the array's data buffer: that is the file.
    if isinstance(lines, pa.ChunkedArray):
        lines = lines.combine_chunks()
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int32)
    start, end = offsets[lines.offset], offsets[lines.offset + len(lines)]
    return memoryview(lines.buffers()[2])[start:end]


def load_into(connection: Connection, table: Table, path: str, count: int, target: str | None = None) -> None:
    """Load a ready file of `count` rows into the table, or into `target`, which has the same columns.

    Raises:
        RowsRefusedError: the server warned of anything, or took another number of rows. Roll back.
        sqlalchemy.exc.DBAPIError: the statement failed; `is_forbidden` tells whether another way is open.
    """
    preparer = connection.dialect.identifier_preparer
    quoted = preparer.quote_identifier
    into = quoted(target) if target else preparer.format_table(table)
    result = connection.exec_driver_sql(
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {into} CHARACTER SET utf8mb4 "
        r"FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' "
        f"({', '.join(quoted(column.name) for column in table.columns)})",
        (path,),
    )
    loaded = result.rowcount
    # The count is asked for by itself: where max_error_count is 0 the list below stays empty.
    warned = connection.exec_driver_sql("SHOW COUNT(*) WARNINGS").scalar_one()
    if warned or loaded != count:
        shown = connection.exec_driver_sql(f"SHOW WARNINGS LIMIT {_SHOWN_WARNINGS}").all() if warned else []
        said = "; ".join(f"{code}: {message}" for _, code, message in shown)
        raise RowsRefusedError(
            f"the server took {loaded} of {count} rows for table {table.name!r} and gave {warned} warnings"
            f"{f' ({said})' if said else ''}: nothing was stored; compare the rows with the declared columns"
        )


def upsert_file(connection: Connection, table: Table, path: str, count: int) -> None:
    """Load a ready file into a temporary table, and from there into the table, where its guard allows it.

    Raises:
        RowsRefusedError: as `load_into`.
        sqlalchemy.exc.DBAPIError: as `load_into`.
    """
    staging = Table(
        STAGING,
        MetaData(),
        *(Column(column.name, column.type, nullable=column.nullable) for column in table.columns),
        prefixes=["TEMPORARY"],
        mysql_charset="utf8mb4",
    )
    # A temporary table survives a rollback, so one may be left from a try that failed. Only DROP TEMPORARY TABLE leaves
    # the transaction open, which SQLAlchemy has no construct for.
    drop = f"DROP TEMPORARY TABLE IF EXISTS {STAGING}"
    connection.exec_driver_sql(drop)
    connection.execute(CreateTable(staging))
    load_into(connection, table, path, count, target=STAGING)
    connection.execute(upsert_from(staging, table, connection.dialect))
    connection.exec_driver_sql(drop)


def _field(array: pa.Array) -> pa.Array:
    if array.type == TEXT:
        text = array
        for plain, escaped in _ESCAPES:
            if pc.any(pc.match_substring(text, plain)).as_py():
                text = pc.replace_substring(text, plain, escaped)
    elif pa.types.is_boolean(array.type):
        text = array.cast(pa.int8()).cast(TEXT)
    else:
        text = array.cast(TEXT)
    return pc.fill_null(text, "\\N") if text.null_count else text
