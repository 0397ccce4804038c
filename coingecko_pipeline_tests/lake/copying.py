"""A lake in a folder of a test's own, what it holds, and what the database holds."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import PyArrowFile

from coingecko_pipeline.lake import checked_address
from coingecko_pipeline.lake.copied import COPIES, CopiedTable
from coingecko_pipeline.lake.files import AnyFileIO
from coingecko_pipeline.lake.mirroring import Mirrored, mirror
from coingecko_pipeline.lake.opening import Lake, open_lake
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.paging import read_pages

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY_NAME = {copied.name: copied for copied in COPIES}
DAILY_MARKET = BY_NAME["daily_market"]


class WatchedFiles(AnyFileIO):
    """Files whose writing a test watches, and breaks off."""

    before_write: Callable[[str], None] = staticmethod(lambda _location: None)

    def new_output(self, location: str) -> PyArrowFile:
        type(self).before_write(location)
        return super().new_output(location)


@pytest.fixture
def lake(database: Database, tmp_path: Path) -> Lake:
    return open_lake(database, checked_address(str(tmp_path / "lake")))


@pytest.fixture
def watched(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake whose files are `WatchedFiles`, as pyiceberg's own variables ask for it."""
    place = f"{WatchedFiles.__module__}.{WatchedFiles.__qualname__}"
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__PY_IO_IMPL", place)
    yield open_lake(database, checked_address(str(tmp_path / "lake")))
    WatchedFiles.before_write = staticmethod(lambda _location: None)


def copy(lake: Lake, *copies: CopiedTable, anew: bool = False) -> Sequence[Mirrored]:
    """Bring some tables of the lake up to date, or all."""
    return mirror(lake, NOW, copies=copies or COPIES, anew=anew)


def in_lake(lake: Lake, copied: CopiedTable) -> pa.Table:
    """The rows of a table of the lake, in the order of their key."""
    table = lake.table(copied)
    assert table is not None
    return ordered(copied, table.scan().to_arrow())


def in_database(database: Database, copied: CopiedTable) -> pa.Table:
    """The rows of the table that it is a copy of."""
    with database.connect() as connection:
        batches = [copied.copied(rows) for rows in read_pages(connection, copied.table)]
    return ordered(copied, pa.Table.from_batches(batches, copied.schema))


def ordered(copied: CopiedTable, rows: pa.Table) -> pa.Table:
    return rows.cast(copied.schema).sort_by([(name, "ascending") for name in copied.key])


def assert_same(lake: Lake, *copies: CopiedTable) -> None:
    """The lake has each row of the database, to the last bit, and no other."""
    for copied in copies or COPIES:
        assert in_lake(lake, copied).equals(in_database(lake.database, copied)), copied.name


def files_of(lake: Lake, copied: CopiedTable) -> dict[str, int]:
    """The files that a table is made of now, with their rows."""
    table = lake.table(copied)
    assert table is not None
    return {task.file.file_path: task.file.record_count for task in table.scan().plan_files()}
