"""A coin's name that a spreadsheet would compute."""

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.export import FORMATS, Export, Selection
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.export.rows import MARKET, exactly, read_csv, read_file, rows_in, store

FORMULAS = (
    '=HYPERLINK("https://evil.example","free")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
    "'=1+1",
    "''-1",
)
HARMLESS = ("bitcoin", "'quoted'", "a=1", "1-2", "", " =1", "0xBEEF")

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [(f"{number:02}", "s", name, None, MOMENT) for number, name in enumerate((*FORMULAS, *HARMLESS))]


def names_in(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["name"] for row in csv.DictReader(file)]


@pytest.fixture
def listed(database: Database) -> Database:
    """A list whose names begin like formulas, or nearly."""
    store(database, tables.raw_asset_list, ROWS)
    return database


@on_sqlite
def test_a_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(listed: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    Export(listed, Selection(tables.raw_asset_list), FORMATS["csv"]).to_file(path)
    assert names_in(path) == [*(f"'{name}" for name in FORMULAS), *HARMLESS]


@on_sqlite
def test_what_the_page_says_gives_back_every_text(listed: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    Export(listed, Selection(tables.raw_asset_list), FORMATS["csv"]).to_file(path)
    undo = re.compile(r"^'(?='*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
    assert undo.pattern in Path("docs/export.md").read_text(encoding="utf-8")
    assert [undo.sub("", name) for name in names_in(path)] == [*FORMULAS, *HARMLESS]


@on_sqlite
def test_a_program_can_have_the_texts_as_they_are(listed: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    Export(listed, Selection(tables.raw_asset_list), FORMATS["csv"], escape_formulas=False).to_file(path)
    assert names_in(path) == [*FORMULAS, *HARMLESS]


@on_sqlite
@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_parquet_and_arrow_are_untouched(listed: Database, tmp_path: Path, name: str) -> None:
    path = tmp_path / "list"
    Export(listed, Selection(tables.raw_asset_list), FORMATS[name]).to_file(path)
    assert rows_in(read_file(path, name, tables.raw_asset_list)) == ROWS


@on_sqlite
def test_a_negative_number_is_untouched(database: Database, tmp_path: Path) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / "market.csv"
    Export(database, Selection(tables.daily_market), FORMATS["csv"]).to_file(path)
    assert exactly(rows_in(read_csv(path, tables.daily_market))) == exactly(MARKET)
    assert ",-0.5," in path.read_text(encoding="utf-8")
