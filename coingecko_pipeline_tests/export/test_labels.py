"""Rows under the day whose close they are."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyarrow import parquet

from coingecko_pipeline import tables
from coingecko_pipeline.export import FORMATS, Export, Selection, SelectionError
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.export.rows import MARKET, exactly, read_file, rows_in, store


@pytest.mark.parametrize("name", FORMATS)
def test_the_row_of_a_day_is_its_close_and_nothing_else_changes(database: Database, tmp_path: Path, name: str) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / "file"
    Export(database, Selection(tables.daily_market, label="close"), FORMATS[name]).to_file(path)
    expected = [(row[0] - timedelta(days=1), *row[1:]) for row in MARKET]
    assert exactly(rows_in(read_file(path, name, tables.daily_market))) == exactly(expected)


def test_the_dates_that_are_chosen_are_those_of_the_closes(database: Database, tmp_path: Path) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / "file"
    selection = Selection(tables.daily_market, date(2026, 1, 1), date(2026, 1, 2), label="close")
    Export(database, selection, FORMATS["parquet"]).to_file(path)
    found = parquet.read_table(path)
    assert [str(day) for day in found["date"].to_pylist()] == ["2026-01-01", "2026-01-01", "2026-01-02"]
    assert str(selection) == "the closes of daily_market from 2026-01-01 to 2026-01-02"
    assert found.schema.metadata[b"label"] == b"close"
    told = found.schema.field("date").metadata[b"comment"]
    assert told == b"the values are those of 24:00:00 UTC of this date, its close"


def test_an_open_end_is_open(database: Database, tmp_path: Path) -> None:
    store(database, tables.daily_market, MARKET)
    since = Selection(tables.daily_market, first=date(2026, 1, 3), label="close")
    until = Selection(tables.daily_market, last=date(2025, 12, 31), label="close")
    for number, (selection, rows) in enumerate(((since, 1), (until, 4))):
        assert Export(database, selection, FORMATS["parquet"]).to_file(tmp_path / str(number)).rows == rows


def test_rows_that_are_no_values_at_a_midnight_have_no_close() -> None:
    with pytest.raises(SelectionError, match="Rows of daily_candles have no close to be labelled by"):
        Selection(tables.daily_candles, label="close").conditions()
