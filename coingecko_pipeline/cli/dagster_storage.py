"""What Dagster's own database tells, read without Dagster: loading it takes longer than all else of `status`."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.settings import DEFAULT_DAGSTER_HOME
from coingecko_pipeline.warehouse import Database, WarehouseError
from coingecko_pipeline.warehouse.size import bytes_of_file, read_bytes

RUNS_FILE = Path("history") / "runs.db"
LATEST_RUNS = (
    "SELECT pipeline_name, status, start_time, end_time FROM runs WHERE start_time IS NOT NULL ORDER BY id DESC LIMIT 3"
)


@dataclass(frozen=True)
class LastRun:
    """A run that has begun.

    Attributes:
        job: The job's name; of assets that were launched in the UI Dagster's own.
        status: Dagster's word, in lower case.
        began_at: When it began (UTC).
        seconds: How long it took; None where it is at work.
    """

    job: str
    status: str
    began_at: datetime
    seconds: float | None


def dagster_home(demo_home: Path | None = None) -> Path:
    """The folder with Dagster's settings: that of the demo, where it is meant, else DAGSTER_HOME, else data/dagster."""
    return demo_home or Path(os.environ.get("DAGSTER_HOME") or DEFAULT_DAGSTER_HOME)


def read_dagster_bytes(home: Path) -> int | None:
    """The bytes that Dagster's runs, events and ticks take; None where they cannot be told.

    Args:
        home: The folder with its dagster.yaml, which names a MySQL server, or whose files hold everything.
    """
    storage = _storage(home)
    if storage is None:
        return None
    if not storage:
        return sum(map(bytes_of_file, home.rglob("*.db")))
    try:
        database = Database(_mysql_url(storage["mysql"]).render_as_string(hide_password=False))
        try:
            return read_bytes(database)
        finally:
            database.dispose()
    except (KeyError, ValueError, WarehouseError):
        return None


def read_last_runs(home: Path) -> Sequence[LastRun]:
    """The latest runs that have begun, the latest first; none where they cannot be told.

    Args:
        home: The folder with Dagster's settings.
    """
    storage = _storage(home)
    if storage is None:
        return []
    try:
        rows = _rows_of_mysql(storage["mysql"]) if storage else _rows_of_file(home / RUNS_FILE)
    except (KeyError, ValueError, WarehouseError, DBAPIError, sqlite3.Error):
        return []
    return [
        LastRun(job, status.lower(), datetime.fromtimestamp(began, UTC), None if ended is None else ended - began)
        for job, status, began, ended in rows
    ]


def _storage(home: Path) -> Mapping[str, Any] | None:
    """Where Dagster keeps its runs: nothing for files in its home; None where that cannot be told."""
    try:
        settings = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError):
        return None
    storage: Mapping[str, Any] = settings.get("storage", {})
    return storage if not storage or "mysql" in storage else None


def _rows_of_file(path: Path) -> Sequence[Any]:
    # Read only: a file that is not there is not made, and one that is at work is left alone.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(LATEST_RUNS).fetchall()


def _rows_of_mysql(mysql: Mapping[str, Any]) -> Sequence[Any]:
    database = Database(_mysql_url(mysql).render_as_string(hide_password=False))
    try:
        with database.connect() as connection:
            return connection.exec_driver_sql(LATEST_RUNS).all()
    finally:
        database.dispose()


def _mysql_url(mysql: Mapping[str, Any]) -> URL:
    """The address that Dagster's settings name, for our driver and without options for Dagster's."""
    if "mysql_url" in mysql:
        return make_url(_value(mysql["mysql_url"])).set(drivername="mysql+pymysql", query={})
    parts = {name: _value(value) for name, value in mysql["mysql_db"].items()}
    return URL.create(
        "mysql+pymysql",
        parts["username"],
        parts["password"],
        parts["hostname"],
        int(parts.get("port", 3306)),
        parts["db_name"].partition("?")[0],
    )


def _value(setting: Any) -> str:
    """A setting as it stands there, or that of the environment variable that it names."""
    return os.environ[setting["env"]] if isinstance(setting, Mapping) else str(setting)


def told_bytes(number: int | None) -> str:
    """A size for people."""
    return "unknown" if number is None else f"{number / 1e6:,.1f} MB"
