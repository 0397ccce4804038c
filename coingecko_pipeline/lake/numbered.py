"""Tables of the lake whose rows are only added: those with a number that was not copied yet are read and appended."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from coingecko_pipeline.lake.copied import ByNumber, CopiedTable
from coingecko_pipeline.lake.data_files import MonthFiles, dates_of
from coingecko_pipeline.lake.opening import COMMIT_BYTES, FOLLOWED
from coingecko_pipeline.lake.replacing import Change, Replaced, files_by_month
from coingecko_pipeline.lake.shapes import month_of
from coingecko_pipeline.warehouse import Between, Database
from coingecko_pipeline.warehouse.paging import read_pages

LARGEST_NUMBER = 2**63 - 1
ROWS_UNPACKED = 64
"""Rows of a page whose bodies are unpacked: a chart of thirteen years has half a megabyte."""


def append_new(database: Database, table: Table, copied: CopiedTable, way: ByNumber, *, anew: bool) -> Replaced:
    """Append the rows that were not copied yet.

    Args:
        database: What it is a copy of.
        table: Of the lake; as it is after that.
        copied: Of what it is a copy.
        way: What numbers the rows.
        anew: Whether all of it is copied again; what the database has deleted is gone then.
    """
    told = Replaced(whole=anew or FOLLOWED not in table.properties)
    change, number = Change(table), int(table.properties.get(FOLLOWED, 0))
    known = _numbers_after(table, way, number - way.looked_back)
    if anew:
        number, known = 0, pa.array([], pa.int64())
        change.removed += [file for files in files_by_month(table).values() for file in files]
    with database.connect() as connection:
        after = Between(way.column, number - way.looked_back + 1, LARGEST_NUMBER)
        months: dict[int, MonthFiles] = {}
        pages = read_pages(connection, copied.table, [after], ROWS_UNPACKED if copied.unpacked else None)
        for page in pages:
            rows = page.filter(pc.invert(pc.is_in(page[way.column].cast(pa.int64()), known)))
            for month, of_month in _by_month(copied, copied.copied(rows)):
                files = months.setdefault(month, MonthFiles(table, copied, month))
                files.write(of_month)
            told.rows += rows.num_rows
            number = max(number, page[way.column][-1].as_py())
            if sum(files.size for files in months.values()) >= COMMIT_BYTES:
                _commit(change, months, number, told)
    if months or change.removed:
        _commit(change, months, number, told)
    return told


def _commit(change: Change, months: dict[int, MonthFiles], number: int, told: Replaced) -> None:
    for files in months.values():
        written = files.close()
        change.added += written
        told.add_files(written)
    months.clear()
    change.commit({FOLLOWED: str(number)})


def _numbers_after(table: Table, way: ByNumber, number: int) -> pa.Array:
    """The numbers above one that the table has already."""
    if not way.looked_back or table.current_snapshot() is None:
        return pa.array([], pa.int64())
    scan = table.scan(f"{way.column} > {number}", selected_fields=(way.column,))
    return scan.to_arrow()[way.column].cast(pa.int64()).combine_chunks()


def _by_month(copied: CopiedTable, rows: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    days = dates_of(copied, rows)
    months = pa.array([month_of(day) for day in days.to_pylist()], pa.int32())
    for month in pc.unique(months).to_pylist():
        yield month, rows.filter(pc.equal(months, month))
