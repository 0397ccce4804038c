"""Commands that read create nothing, and tell what to run first."""

from pathlib import Path

import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import PROGRAM, run_program
from coingecko_pipeline_tests.cookbook_market import fill

READING = (("status",), ("status", "--json"), ("export",), ("verify",), ("report",), ("price", "bitcoin"), ("forget",))
each_reading_command = pytest.mark.parametrize("arguments", READING, ids=" ".join)


@each_reading_command
def test_where_there_is_no_database_none_is_made_and_what_to_run_first_is_told(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = run_program(tmp_path, *arguments)
    assert list(tmp_path.iterdir()) == []
    if arguments == ("forget",):
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("There is nothing of CoinGecko in sqlite:///data/coingecko.db")
    else:
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "coingecko-pipeline daily" in ended.stderr


@pytest.mark.parametrize("arguments", READING[:5], ids=" ".join)
def test_a_database_without_a_coin_tells_what_to_run_first(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    database = Database(f"sqlite:///{tmp_path}/market.db")
    migrate(database)
    database.dispose()
    ended = run_program(tmp_path, *arguments, DATABASE_URL="sqlite:///market.db")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"Error: There is no coin in sqlite:///market.db yet: {PROGRAM} daily takes the list and today's market.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["market.db"]


def test_the_demos_market_is_read_wherever_the_settings_point(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/data/demo/coingecko.db")
    migrate(database)
    fill(database)
    tables.claim_origin(database, "sandbox")
    database.dispose()
    elsewhere = {"DATABASE_URL": "sqlite:///nowhere/market.db"}
    told = {
        command: run_program(tmp_path, command, *more, "--demo", **elsewhere)
        for command, more in (
            ("status", ()),
            ("price", ("bitcoin", "--at", "2026-10-01")),
            ("export", ("--output", "market.csv")),
            ("report", ()),
        )
    }
    assert {command: (ended.returncode, ended.stderr) for command, ended in told.items()} == dict.fromkeys(
        told, (0, "")
    )
    assert "sqlite:///data/demo/coingecko.db (sandbox)" in told["status"].stdout
    assert told["price"].stdout.startswith("100000.0 usd")
    assert (tmp_path / "market.csv").read_text().startswith('"date","asset_id"')
    assert (tmp_path / "data" / "demo" / "report" / "index.html").exists()
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"demo"}
    assert not (tmp_path / "nowhere").exists()


def test_where_there_is_no_demo_it_is_told_how_to_make_one(tmp_path: Path) -> None:
    ended = run_program(tmp_path, "status", "--demo")
    assert ended.returncode == 1
    assert ended.stderr == f"Error: There is no demo here yet: {PROGRAM} demo makes one.\n"
    assert list(tmp_path.iterdir()) == []
