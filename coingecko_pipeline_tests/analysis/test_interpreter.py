"""What a fresh interpreter loads to answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coingecko_pipeline import market, tables
from coingecko_pipeline.analysis import NoDatabase, price
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database, SchemaVersionError
from coingecko_pipeline_tests.export.rows import ASSETS, MARKET, store

PRICES = """
import sys
from coingecko_pipeline import market
print(market.prices(["bitcoin"], "2026-01-01", "2026-01-01").iloc[0, 0])
print([name for name in sys.modules if name.split(".")[0] in ("dagster", "alembic", "bokeh", "docker", "starlette")])
"""
PRICE = """
import sys
from coingecko_pipeline import market
print(market.price("bitcoin", "2026-01-01").value)
print([name for name in sys.modules if name.split(".")[0] in ("dagster", "alembic")])
"""


def run(program: str, folder: Path, **environment: str) -> list[str]:
    """The lines that a program prints in an interpreter of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of a small market in a file."""
    database = Database(f"sqlite:///{tmp_path}/market.db")
    migrate(database)
    store(database, tables.daily_market, MARKET)
    store(database, tables.assets, ASSETS)
    database.dispose()
    return f"sqlite:///{tmp_path}/market.db"


@pytest.mark.parametrize("program", [PRICES, PRICE], ids=["prices", "price"])
def test_no_dagster_is_imported_for_an_answer(url: str, tmp_path: Path, program: str) -> None:
    assert run(program, tmp_path, DATABASE_URL=url) == [str(0.1 + 0.2), "[]"]


def test_the_database_is_the_one_of_a_line_of_the_settings_file(url: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={url}\n", encoding="utf-8")
    assert run(PRICE, tmp_path)[0] == str(0.1 + 0.2)


def test_a_database_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match=r"there is no file .*none\.db: DATABASE_URL names the database"):
        price("bitcoin", database=f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()


def test_tables_of_another_version_are_told(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    tables.MIGRATIONS.migrate(database, to="0001")
    with pytest.raises(SchemaVersionError, match="are at version 0001, this program needs"):
        price("ethereum:0x1", database=database)
    database.dispose()


def test_no_module_of_the_room_has_the_name_of_what_an_analyst_calls() -> None:
    modules = {path.stem for path in Path(market.__file__).parent.glob("*.py")}
    assert not modules & set(market.__all__)
    assert all(callable(getattr(market, name)) for name in market.__all__)
