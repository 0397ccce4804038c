"""Dagster's instances: as the commands and the UI make one, in a folder of its own, and ones that live in memory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance as the commands make it."""
    shutil.copyfile(project_file("dagster.yaml"), tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as found:
        yield found
