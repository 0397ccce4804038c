"""The command that copies into the lake, and the one that forgets everything."""

import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coingecko_pipeline import tables
from coingecko_pipeline.cli import cli
from coingecko_pipeline.settings import SettingsError
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.export.rows import MARKET, store
from coingecko_pipeline_tests.measures.deriving import changed, log

pytestmark = on_sqlite


@pytest.fixture
def stocked(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with rows, and the settings of a lake in the working folder."""
    monkeypatch.chdir(tmp_path)
    store(database, tables.daily_market, MARKET)
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("LAKE_URI", "lake")
    monkeypatch.setenv("COLUMNS", "200")
    return database


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(cli, arguments, input=answer)


def test_the_command_copies_shows_keeps_small_and_deletes(stocked: Database, tmp_path: Path) -> None:
    done = run("lake")
    assert done.exit_code == 0, done.output
    assert f"Copied {len(MARKET)} rows to file://{tmp_path}/lake: 1 file of 0." in done.output
    log(stocked, changed(date(2026, 1, 1)))
    done = run("lake", "--maintain")
    assert done.exit_code == 0, done.output
    assert "Joined 0 files, forgot 0 versions and deleted 0 files of 0.0 MB." in done.output
    told = run("lake", "--show").output
    assert f"daily_market: {len(MARKET)} rows in 1 file, 0." in told
    assert f"file://{tmp_path}/lake/coingecko/daily_market/metadata/" in told
    asked = run("lake", "--delete", answer="n\n")
    assert (asked.exit_code, "Nothing was deleted." in asked.output) == (1, True)
    deleted = run("lake", "--delete", "--yes")
    assert f"Deleted file://{tmp_path}/lake/coingecko/daily_market." in deleted.output
    assert list((tmp_path / "lake" / "coingecko").iterdir()) == []
    assert "There is no lake of this database." in run("lake", "--delete").output


@pytest.mark.usefixtures("stocked")
def test_the_lake_is_forgotten_with_everything_else(tmp_path: Path) -> None:
    assert run("lake").exit_code == 0
    listed = run("forget", answer="n\n").output
    assert f"  file://{tmp_path}/lake/coingecko/daily_market\n" in listed
    forgotten = run("forget", "--yes")
    assert forgotten.exit_code == 0, forgotten.output
    assert list((tmp_path / "lake" / "coingecko").iterdir()) == []
    assert "0 are left." in forgotten.output


@pytest.mark.usefixtures("stocked")
def test_nothing_is_forgotten_where_the_lake_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("lake").exit_code == 0
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    ended = run("forget", "--yes")
    assert ended.exit_code == 1
    assert "pip install 'coingecko-pipeline[lake]'" in ended.output
    assert "Nothing was deleted of the database." in ended.output


@pytest.mark.usefixtures("stocked")
def test_a_lake_without_an_address_is_a_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URI", "")
    ended = run("lake")
    assert ended.exit_code == 2
    assert "LAKE_URI is not set: name a folder" in ended.output


@pytest.mark.usefixtures("stocked")
def test_an_address_with_a_password_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URI", "sftp://me:secret@host/lake")
    told = run("lake").exception
    assert isinstance(told, SettingsError)
    assert "secret" not in str(told)


@pytest.mark.usefixtures("stocked")
def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    ended = run("lake")
    assert ended.exit_code == 1
    assert "pip install 'coingecko-pipeline[lake]'" in ended.output
