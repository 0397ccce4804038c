"""How much room Dagster's own database takes, told without Dagster: loading it costs more than all else of `status`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import URL, make_url

from coingecko_pipeline.settings import DEFAULT_DAGSTER_HOME
from coingecko_pipeline.warehouse import Database, WarehouseError
from coingecko_pipeline.warehouse.size import bytes_of_file, read_bytes


def dagster_home() -> Path:
    """The folder with Dagster's settings: DAGSTER_HOME, else data/dagster."""
    return Path(os.environ.get("DAGSTER_HOME") or DEFAULT_DAGSTER_HOME)


def read_dagster_bytes(home: Path) -> int | None:
    """The bytes that Dagster's runs, events and ticks take; None where they cannot be told.

    Args:
        home: The folder with its dagster.yaml, which names a MySQL server, or whose files hold everything.
    """
    try:
        settings = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError):
        return None
    storage = settings.get("storage", {})
    if not storage:
        return sum(map(bytes_of_file, home.rglob("*.db")))
    if "mysql" not in storage:
        return None
    try:
        database = Database(_mysql_url(storage["mysql"]).render_as_string(hide_password=False))
        try:
            return read_bytes(database)
        finally:
            database.dispose()
    except (KeyError, ValueError, WarehouseError):
        return None


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
