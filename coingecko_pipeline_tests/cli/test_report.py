from pathlib import Path

import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import run_program
from coingecko_pipeline_tests.export.rows import ASSETS, store
from coingecko_pipeline_tests.report.stocked import odd_coins, put_on


def test_the_command_writes_the_file_and_says_where_it_is(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/market.db")
    migrate(database)
    put_on(database, odd_coins()[:3])
    database.dispose()
    ended = run_program(tmp_path, "report", "--output", "page.html", DATABASE_URL="sqlite:///market.db")
    assert ended.returncode == 0, ended.stderr
    assert f"Wrote {tmp_path / 'page.html'}: 3 coins, 1,095 rows, " in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("It took ")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    again = run_program(tmp_path, "report", "--output", "page.html", DATABASE_URL="sqlite:///market.db")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("notes.html", "exists already and is no report: choose another file, or --overwrite"),
        ("folder", "is a folder: name a file in it, such as folder/index.html"),
        ("nowhere/page.html", "cannot be written, since there is no folder"),
        ("notes.html/page.html", "notes.html is no folder"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_before_any_work(tmp_path: Path, output: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.html").write_text("<p>Mine.</p>", encoding="utf-8")
    ended = run_program(tmp_path, "report", "--output", output, DATABASE_URL="sqlite:///market.db")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: {output} ")
    assert words in ended.stderr
    assert not (tmp_path / "market.db").exists()
    assert (tmp_path / "notes.html").read_text(encoding="utf-8") == "<p>Mine.</p>"


def test_without_rows_the_command_ends_with_1_and_says_what_to_do_first(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/market.db")
    migrate(database)
    store(database, tables.assets, ASSETS)
    database.dispose()
    ended = run_program(tmp_path, "report", DATABASE_URL="sqlite:///market.db")
    assert ended.returncode == 1
    assert "Failed: The table daily_market has no rows to report" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data" / "report").exists()
