"""The command that deletes Dagster's old records, and what is told of sizes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from coingecko_pipeline import tables
from coingecko_pipeline.cli import cli
from coingecko_pipeline.cli.dagster_storage import read_dagster_bytes, told_bytes
from coingecko_pipeline.settings import SettingsError, load_settings
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.size import read_bytes, read_bytes_each
from coingecko_pipeline_tests.databases import MakeDatabase, on_servers, on_sqlite
from coingecko_pipeline_tests.export.rows import ASSETS, store


def test_the_command_tells_what_it_deleted_and_how_much_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "")
    done = CliRunner().invoke(cli, ["maintain"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Deleted 0 runs, 0 events and 0 results of checks, of before " in done.output
    assert "Dagster's database has 0." in done.output.replace("\n", " ")
    assert (tmp_path / "data" / "dagster" / "dagster.yaml").exists()


@pytest.mark.parametrize("days", [-1, 0, 6])
def test_fewer_days_than_sensors_need_are_refused(days: int) -> None:
    with pytest.raises(SettingsError, match="KEEP_EVENTS_DAYS must be 7 or more"):
        load_settings(keep_events_days=days)


@on_sqlite
def test_the_size_on_sqlite_is_that_of_the_files(database: Database, tmp_path: Path) -> None:
    file = Path(str(database.url.database))
    assert read_bytes(database) >= file.stat().st_size > 0
    assert read_bytes_each(database, "nobodys") == [read_bytes(database), 0]
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    assert read_dagster_bytes(tmp_path) == 0
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "runs.db").write_bytes(b"1234")
    (tmp_path / "history" / "runs.db-wal").write_bytes(b"12")
    assert read_dagster_bytes(tmp_path) == 6


@on_servers
def test_the_size_on_a_server_is_what_it_tells_of_the_tables(
    database: Database, second: Database, make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 < read_bytes(second) < read_bytes(database)
    assert read_bytes_each(database, "coinpaprika") == [read_bytes(database), read_bytes(second)]
    with make_database().transaction() as connection:
        url = make_url(str(connection.engine.url.render_as_string(hide_password=False)))
        connection.exec_driver_sql("CREATE TABLE runs (number INT)")
    monkeypatch.setenv("A_HOST", str(url.host))
    (tmp_path / "dagster.yaml").write_text(
        f"storage: {{mysql: {{mysql_db: {{hostname: {{env: A_HOST}}, port: {url.port or 3306}, "
        f"db_name: '{url.database}?plugin=kept_connections', username: {url.username}, "
        f"password: '{url.password or ''}'}}}}}}\n",
        encoding="utf-8",
    )
    assert (read_dagster_bytes(tmp_path) or 0) > 0
    whole = url.set(drivername="mysql+mysqlconnector").render_as_string(hide_password=False)
    (tmp_path / "dagster.yaml").write_text(f"storage: {{mysql: {{mysql_url: '{whole}'}}}}\n", encoding="utf-8")
    assert (read_dagster_bytes(tmp_path) or 0) > 0


@pytest.mark.parametrize(
    "settings",
    [
        "storage: {postgres: {}}",
        "storage: {mysql: {mysql_url: {env: NOT_SET}}}",
        "storage: {mysql: {mysql_url: mysql+mysqlconnector://nobody:secret@127.0.0.1:1/dagster}}",
        "storage: [",
    ],
)
def test_a_size_that_cannot_be_told_is_unknown(tmp_path: Path, settings: str) -> None:
    assert read_dagster_bytes(tmp_path / "nowhere") is None
    (tmp_path / "dagster.yaml").write_text(settings, encoding="utf-8")
    assert read_dagster_bytes(tmp_path) is None
    assert told_bytes(None) == "unknown"
    assert told_bytes(1_234_567_890) == "1,234.6 MB"


@on_sqlite
def test_status_tells_both_sizes(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(database, tables.assets, ASSETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("{}\n", encoding="utf-8")
    told = json.loads(CliRunner().invoke(cli, ["status", "--json"], catch_exceptions=False).output)
    assert (told["bytes"] > 0, told["dagster_bytes"]) == (True, 0)
    table = CliRunner().invoke(cli, ["status"], catch_exceptions=False).output
    assert "On disk\n  market " in table
    assert "  Dagster's own           0.0 MB" in table
