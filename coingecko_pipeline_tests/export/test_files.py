"""A file appears whole or not at all, and what cannot be exported is told."""

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from coingecko_pipeline import tables
from coingecko_pipeline.export import FORMATS, Export, FileRefused, NothingToExport, Selection, SelectionError
from coingecko_pipeline.export.formats import Format
from coingecko_pipeline.warehouse import Database, DatabaseUnavailable
from coingecko_pipeline_tests.databases import on_servers, on_sqlite
from coingecko_pipeline_tests.export.rows import CHARTS, MARKET, USAGE, rows_in, store
from coingecko_pipeline_tests.warehouse.flaky_server import FlakyServer
from coingecko_pipeline_tests.warehouse.shop import VISITS

PARQUET = FORMATS["parquet"]
ALL = Selection(tables.daily_market)


@pytest.fixture
def market(database: Database) -> Database:
    store(database, tables.daily_market, MARKET)
    return database


def exported(database: Database, selection: Selection, path: Path) -> list[tuple[object, ...]]:
    Export(database, selection, PARQUET).to_file(path)
    return rows_in(parquet.read_table(path))


@pytest.mark.parametrize(
    ("first", "last", "asset_ids", "expected"),
    [
        (date(2026, 1, 2), date(2026, 1, 3), (), MARKET[4:7]),
        (date(2026, 1, 3), None, (), MARKET[6:]),
        (None, date(2026, 1, 1), (), MARKET[:4]),
        (None, None, ("dps-doubloon ", "NULL"), [MARKET[2], MARKET[7]]),
        (date(2026, 1, 2), date(2026, 1, 2), ("bitcoin",), [MARKET[5]]),
    ],
)
def test_dates_and_assets_choose_the_rows(
    market: Database,
    tmp_path: Path,
    first: date | None,
    last: date | None,
    asset_ids: tuple[str, ...],
    expected: list[tuple[object, ...]],
) -> None:
    selection = Selection(tables.daily_market, first, last, asset_ids)
    assert exported(market, selection, tmp_path / "file") == expected


def test_the_dates_of_another_table_are_those_of_its_key(database: Database, tmp_path: Path) -> None:
    store(database, tables.api_usage, USAGE)
    wanted = Selection(tables.api_usage, date(2026, 1, 1), date(2026, 1, 1))
    assert exported(database, wanted, tmp_path / "file") == USAGE


def test_the_dates_of_a_table_by_moments_are_its_whole_days(empty_database: Database, tmp_path: Path) -> None:
    VISITS.create(empty_database.engine)
    hours = [datetime(2026, 1, 1, 23, 59, 59, 999999, tzinfo=UTC) + timedelta(hours=12 * half) for half in range(4)]
    rows = [(hour, number) for number, hour in enumerate([*hours, datetime(2026, 1, 2, tzinfo=UTC)])]
    store(empty_database, VISITS, rows)
    wanted = Selection(VISITS, date(2026, 1, 2), date(2026, 1, 2))
    assert exported(empty_database, wanted, tmp_path / "file") == [rows[4], rows[1], rows[2]]


def test_a_file_that_exists_is_kept_unless_it_is_to_be_replaced(market: Database, tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    path.write_text("mine")
    with pytest.raises(FileRefused, match="exists already: choose another file, or --overwrite replaces it"):
        Export(market, ALL, PARQUET).to_file(path)
    assert path.read_text() == "mine"
    Export(market, ALL, PARQUET).to_file(path, overwrite=True)
    assert parquet.read_table(path).num_rows == len(MARKET)
    assert list(tmp_path.iterdir()) == [path]


@on_sqlite
def test_what_is_no_file_is_never_replaced(market: Database, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(FileRefused, match="is no file: choose another name, or write into it by --output -"):
        Export(market, ALL, PARQUET).to_file(path, overwrite=True)
    assert path.is_fifo()


def test_a_file_that_appears_meanwhile_is_kept(market: Database, tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"

    def make_it(_rows: int) -> None:
        path.write_text("mine")

    with pytest.raises(FileRefused, match="exists already"):
        Export(market, ALL, PARQUET, advance=make_it).to_file(path)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_export_that_is_broken_off_leaves_nothing_and_the_old_file(
    market: Database, tmp_path: Path, error: type[BaseException] | BaseException
) -> None:
    path = tmp_path / "file.parquet"
    path.write_text("old")
    growing: list[Path] = []

    def break_off(_rows: int) -> None:
        growing.extend(part for part in tmp_path.iterdir() if part != path)
        raise error

    with pytest.raises((KeyboardInterrupt, FileRefused)) as caught:
        Export(market, ALL, PARQUET, advance=break_off).to_file(path, overwrite=True)
    if not isinstance(caught.value, KeyboardInterrupt):
        told = "No space left on device: make room there, then run the same again."
        assert str(caught.value) == f"{path} could not be written: {told}"
    assert len(growing) == 1
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@on_sqlite
def test_a_folder_that_does_not_exist_is_told(market: Database, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"nowhere/file\.parquet could not be written: No such file or directory"):
        Export(market, ALL, PARQUET).to_file(tmp_path / "nowhere" / "file.parquet")


def test_no_row_makes_no_file_and_tells_which_dates_there_are(market: Database, tmp_path: Path) -> None:
    with pytest.raises(NothingToExport) as caught:
        Export(market, Selection(tables.daily_market, date(2026, 1, 5)), PARQUET).to_file(tmp_path / "file")
    assert str(caught.value) == (
        "There is no row of daily_market from 2026-01-05; the table has rows from 2026-01-01 to 2026-01-04."
    )
    stream = pa.BufferOutputStream()
    with pytest.raises(NothingToExport, match=r"There is no row of api_usage: the table is empty\."):
        Export(market, Selection(tables.api_usage), PARQUET).to_stream(stream)
    with pytest.raises(NothingToExport, match=r"There is no row of assets\."):
        Export(market, Selection(tables.assets), PARQUET).to_stream(stream)
    assert stream.tell() == 0
    assert list(tmp_path.iterdir()) == []


@on_sqlite
@pytest.mark.parametrize(
    ("selection", "file_format", "sentence"),
    [
        (Selection(tables.assets, date(2026, 1, 1)), PARQUET, "Rows of assets are not chosen by date"),
        (Selection(tables.api_usage, asset_ids=("a",)), PARQUET, "api_usage are not chosen by asset: it has no asset_"),
        (
            Selection(tables.daily_market, date(2026, 1, 2), date(2026, 1, 1)),
            PARQUET,
            "The last date, 2026-01-01, comes before the first, 2026-01-02",
        ),
        (
            Selection(tables.market_charts),
            FORMATS["csv"],
            r"market_charts\.body holds bytes, which csv cannot: choose parquet or arrow",
        ),
    ],
)
def test_what_cannot_be_chosen_is_told_before_anything_is_attempted(
    market: Database, tmp_path: Path, selection: Selection, file_format: Format, sentence: str
) -> None:
    store(market, tables.market_charts, CHARTS)
    with pytest.raises(SelectionError, match=sentence):
        Export(market, selection, file_format).to_file(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_every_declared_table_can_be_exported(database: Database, tmp_path: Path) -> None:
    for name in tables.MAIN_TABLES:
        table = tables.metadata.tables[name]
        # The counter of the changes always has its one row.
        told = nullcontext() if table is tables.market_change_counter else pytest.raises(NothingToExport)
        with told:
            Export(database, Selection(table), PARQUET).to_file(tmp_path / table.name)


class Cut:
    """Cuts the way to the server when rows were written, the first `times` times, and mends it while one waits."""

    def __init__(self, way: FlakyServer, times: int) -> None:
        self._way, self._left = way, times
        self.began: list[int] = []

    def begin(self, rows: int) -> None:
        self.began.append(rows)
        if self._left:
            self._left -= 1
            self._way.cut()

    def sleep(self, _seconds: float) -> None:
        self._way.mend()


@pytest.fixture
def cut(market: Database) -> Iterator[Callable[[int], tuple[Cut, Database]]]:
    way = FlakyServer(market.url)
    way.mend()
    opened: list[Database] = []

    def make(times: int) -> tuple[Cut, Database]:
        cutter = Cut(way, times)
        opened.append(Database(way.url.render_as_string(hide_password=False), sleep=cutter.sleep))
        return cutter, opened[-1]

    yield make
    for database in opened:
        database.dispose()
    way.close()


@on_servers
def test_an_export_whose_connection_is_lost_begins_again(
    cut: Callable[[int], tuple[Cut, Database]], tmp_path: Path
) -> None:
    cutter, database = cut(2)
    path = tmp_path / "file.parquet"
    Export(database, ALL, PARQUET, begin=cutter.begin).to_file(path)
    assert cutter.began == [len(MARKET)] * 3
    assert rows_in(parquet.read_table(path)) == MARKET
    assert list(tmp_path.iterdir()) == [path]


@on_servers
def test_a_pipe_whose_connection_is_lost_gets_no_row_twice(cut: Callable[[int], tuple[Cut, Database]]) -> None:
    cutter, database = cut(1)
    stream = pa.BufferOutputStream()
    with pytest.raises(DatabaseUnavailable, match=r"was lost while daily_market was read, .* run the command again"):
        Export(database, ALL, FORMATS["csv"], begin=cutter.begin).to_stream(stream)
    assert stream.getvalue().to_pybytes().count(b"\n") <= 1


@on_servers
def test_a_connection_that_is_lost_again_and_again_leaves_nothing(
    cut: Callable[[int], tuple[Cut, Database]], tmp_path: Path
) -> None:
    cutter, database = cut(99)
    with pytest.raises(DatabaseUnavailable, match="was lost while daily_market was read"):
        Export(database, ALL, PARQUET, begin=cutter.begin).to_file(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
