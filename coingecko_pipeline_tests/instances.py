"""Dagster's instance as the commands and the UI make it, in a folder of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from coingecko_pipeline.cli.instance import project_file


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance as the commands make it."""
    shutil.copyfile(project_file("dagster.yaml"), tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as found:
        yield found
