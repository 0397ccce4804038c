"""The direction of the imports, and that loading the definitions touches nothing."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import coingecko_pipeline

PACKAGE = Path(coingecko_pipeline.__file__).parent

MAY_IMPORT: dict[str, set[str]] = {
    "warehouse": set(),
    "sources": set(),
    "sandbox": set(),
    "tables": {"warehouse"},
    "export": {"warehouse"},
    "measures": {"market", "tables", "warehouse"},
    "agreement": {"market", "measures", "tables", "warehouse"},
    "archive": {"sources", "tables", "warehouse"},
    "market": {"archive", "sources", "tables", "warehouse"},
    "acquisition": {"archive", "market", "sources", "tables", "warehouse"},
    "asset_list": {"acquisition", "sources", "tables", "warehouse"},
    "lake": {"market", "measures", "tables", "warehouse"},
    "report": {"acquisition", "archive", "market", "sources", "tables", "warehouse"},
    "analysis": {"settings", "tables", "warehouse"},
    "secret_files": set(),
    "settings": {"secret_files", "sources"},
    "databases": {"settings", "sources", "tables", "warehouse"},
    "partitions": {"sources"},
    "deployment": {"settings", "warehouse"},
    "alerts": {"orchestration", "settings", "sources"},
    "orchestration": {
        *("acquisition", "agreement", "alerts", "archive", "asset_list", "databases", "lake", "market", "measures"),
        *("partitions", "report", "settings", "sources", "tables", "warehouse"),
    },
    "definitions": {"orchestration", "settings"},
}
MAY_IMPORT["cli"] = {*MAY_IMPORT, "definitions"}

FRONT_DOORS = {Path("market/__init__.py"): {"analysis"}}
"""What a room's `__init__` offers of a room above it, at its first use; no module of the room does."""

WITH_DAGSTER = {"alerts", "cli", "definitions", "orchestration", "partitions", "warehouse"}


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
    assert own & rooms - {room} <= MAY_IMPORT[room] | FRONT_DOORS.get(path.relative_to(PACKAGE), set())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_dagster_side_and_the_io_manager_know_dagster(path: Path) -> None:
    if room_of(path) not in WITH_DAGSTER:
        assert not {name for name in imported_modules(path) if name.split(".")[0] == "dagster"}


def subject_of(room: str) -> str:
    """The first sentence of a room's docstring."""
    path = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition(".\n")[0].splitlines()[0].removesuffix(".").replace("``", "`")


def test_the_table_of_rooms_is_what_is_held_here() -> None:
    contributing = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in contributing.splitlines() if line.startswith("| `coingecko_pipeline/")]
    expected = []
    for room, below in MAY_IMPORT.items():
        name = room if (PACKAGE / room).is_dir() else f"{room}.py"
        imports = "all" if room == "cli" else ", ".join(f"`{other}`" for other in sorted(below)) or "none"
        expected.append(f"| `coingecko_pipeline/{name}` | {subject_of(room)} | {imports} |")
    assert rows == expected


NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("the network was used while loading")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from coingecko_pipeline.definitions import defs
defs.validate_loadable(defs)
import sys
assert "pyiceberg" not in sys.modules, "only a run of the lake needs it"
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
    assert loaded.stdout.strip() == "44"
    assert list(tmp_path.iterdir()) == []
