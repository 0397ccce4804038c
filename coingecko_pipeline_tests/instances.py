"""Dagster's instances: in memory, on SQLite files as `dagster dev` has one, and in a folder as the commands make it."""

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline.cli.instance import project_file

_emptied: list[dg.DagsterInstance] = []


@contextmanager
def empty_instance() -> Iterator[dg.DagsterInstance]:
    """An ephemeral instance, which is emptied and used again: to make one takes a third of a run."""
    ephemeral = _emptied.pop() if _emptied else dg.DagsterInstance.ephemeral()
    yield ephemeral
    ephemeral.wipe()
    _emptied.append(ephemeral)


@contextmanager
def stored_instance(**settings: Any) -> Iterator[dg.DagsterInstance]:
    """An instance on SQLite files of its own, with sensors and schedules.

    Args:
        settings: As in dagster.yaml.
    """
    with TemporaryDirectory() as folder:
        copy_storage(Path(folder))
        with dg.instance_for_test(settings, temp_dir=folder) as stored:
            yield stored


def copy_storage(home: Path) -> None:
    """Put an instance's empty databases into a folder: to make them takes three times what a small run does."""
    shutil.copytree(_made(), home, dirs_exist_ok=True)


@cache
def _made() -> Path:
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    with dg.instance_for_test(temp_dir=folder.name) as made:
        # Each is made at its first use.
        made.get_runs_count()
        made.all_asset_keys()
        made.all_instigator_state()
    return Path(folder.name)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance as the commands make it."""
    copy_storage(tmp_path)
    shutil.copyfile(project_file("dagster.yaml"), tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as found:
        yield found
