"""Passwords in the configuration of a Dagster instance."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from coingecko_pipeline.secret_files import has_password


def password_in(path: Path) -> str | None:
    """The key of a password in a YAML file, such as ``storage.mysql.mysql_db.password``; None where it has none.

    One that the environment gives (``password: {env: NAME}``) is none of the file's.
    """
    return next(_passwords(yaml.safe_load(path.read_text(encoding="utf-8"))), None)


def _passwords(node: Any, place: str = "") -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _passwords(value, f"{place}.{key}" if place else str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _passwords(value, place)
    elif isinstance(node, str) and node:
        name = place.rpartition(".")[2].lower()
        if "password" in name or "secret" in name or ("://" in node and has_password(node)):
            yield place
