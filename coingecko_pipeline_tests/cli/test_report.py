from pathlib import Path

from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import run_program
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


def test_without_rows_the_command_ends_with_1_and_says_what_to_do_first(tmp_path: Path) -> None:
    ended = run_program(tmp_path, "report", DATABASE_URL="sqlite:///market.db")
    assert ended.returncode == 1
    assert "Failed: The table daily_market has no rows to report" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data" / "report").exists()
