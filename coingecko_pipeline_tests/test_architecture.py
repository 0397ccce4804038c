"""The direction of the imports, and that loading the definitions touches nothing."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import coingecko_pipeline
from coingecko_pipeline.assets.sources import SNAPSHOT_SOURCES

PACKAGE = Path(coingecko_pipeline.__file__).parent

DAGSTER_SIDE = {"alerts", "assets", "checks", "jobs", "schedules", "sensors", "resources", "partitions", "run_failures"}

OTHER_SOURCES = {source.name for source in SNAPSHOT_SOURCES}
BELOW_DAGSTER = {
    *("acquisition", "agreement", "coingecko", "measures", "report", "settings", "sources", "warehouse"),
    *OTHER_SOURCES,
}

MAY_IMPORT: dict[str, set[str]] = {
    "sources": set(),
    "coingecko": {"sources"},
    **{source.name: {"sources"} for source in SNAPSHOT_SOURCES},
    "warehouse": set(),
    "sandbox": set(),
    "export": {"warehouse"},
    "measures": {"warehouse"},
    "report": {"acquisition", "coingecko", "warehouse"},
    "agreement": {"measures", "warehouse"},
    "acquisition": {"coingecko", "sources", "warehouse"},
    "settings": {"coingecko"},
    "deployment": {"warehouse", "settings"},
    "partitions": {"coingecko"},
    **dict.fromkeys(DAGSTER_SIDE - {"partitions", "run_failures", "alerts"}, BELOW_DAGSTER | DAGSTER_SIDE),
    "run_failures": set(),
    "alerts": {"coingecko", "sources", "settings", "run_failures"},
    "definitions": BELOW_DAGSTER | DAGSTER_SIDE,
    "cli": {"deployment", "export", "sandbox", "definitions"} | BELOW_DAGSTER | DAGSTER_SIDE,
}

WITHOUT_DAGSTER = {"deployment", "export", "sandbox"} | BELOW_DAGSTER - {"warehouse"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_the_rooms_below_it(path: Path) -> None:
    room = room_of(path)
    rooms = {room_of(other) for other in MODULES}
    own = {name.split(".")[1] for name in imported_modules(path) if name.startswith("coingecko_pipeline.")}
    assert own & rooms - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_dagster_side_and_the_io_manager_know_dagster(path: Path) -> None:
    if room_of(path) in WITHOUT_DAGSTER:
        assert not {name for name in imported_modules(path) if name.split(".")[0] == "dagster"}


NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("the network was used while loading")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from coingecko_pipeline.definitions import defs
defs.validate_loadable(defs)
print(len(defs.resolve_all_asset_specs()))
"""


def test_the_definitions_load_in_a_fresh_interpreter_without_network_and_environment(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NO_NETWORK],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == "17"
    assert list(tmp_path.iterdir()) == []
