"""The wheel of `dagster-mysql-io-manager`: built offline, and used where nothing is but what it asks for."""

import ast
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coingecko_pipeline import warehouse
from coingecko_pipeline_tests.warehouse.documented_example import documented_example

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "distributions" / "dagster-mysql-io-manager"

RUN_OF_TWO_DAYS = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError("the network was used")

socket.socket.connect = socket.getaddrinfo = refuse
job = definitions.resolve_implicit_global_asset_job_def()
days = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-02"}
with dg.DagsterInstance.ephemeral() as instance:
    assert job.execute_in_process(instance=instance, tags=days).success
print(rain_between(date(2026, 1, 1), date(2026, 1, 3)).to_csv(index=False))
print(read_frame(io_manager.database, WARM_DAYS).to_csv(index=False))
io_manager.database.dispose()
"""


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pip(*arguments: str | Path) -> None:
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def installed_for(requirements: Iterable[Requirement]) -> list[Distribution]:
    """What is installed here and asked for, directly or by another that is."""
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    waiting = list(requirements)
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key not in found:
            found[key] = distribution(wanted.name)
            waiting += needed_by(found[key], wanted.extras)
    return list(found.values())


def needed_by(installed: Distribution, extras: Iterable[str] = ()) -> list[Requirement]:
    needed = [Requirement(text) for text in installed.requires or ()]
    contexts = [{"extra": extra} for extra in extras or ("",)]
    return [
        each for each in needed if each.marker is None or any(each.marker.evaluate(context) for context in contexts)
    ]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", folder, SOURCE)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def site_packages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of a fresh environment: the wheel, and links to what it asks for; this project is not among them."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home, symlinks=True)
    pip("--python", home / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    (folder,) = home.glob("lib/*/site-packages")
    for needed in installed_for(needed_by(own_metadata(folder))):
        for name in {file.parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
            if not (folder / name).exists():
                (folder / name).symlink_to(str(needed.locate_file(name)))
    return folder


def own_metadata(folder: Path) -> Distribution:
    (own,) = Distribution.discover(name=SOURCE.name, path=[str(folder)])
    return own


def test_the_documented_example_runs_from_the_wheel_without_this_project(site_packages: Path, tmp_path: Path) -> None:
    python = site_packages.parents[2] / "bin" / "python"
    absent = "coingecko_pipeline", "pycoingecko", "bokeh", "docker", "dagster_webserver"
    find = f"from importlib.util import find_spec\nprint([name for name in {absent} if find_spec(name)])"
    assert run(python, "-I", "-c", find).strip() == "[]"

    script = tmp_path / "example.py"
    script.write_text(documented_example() + RUN_OF_TWO_DAYS, encoding="utf-8")
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/weather.db",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "HOME": str(tmp_path),
    }
    rain, warm_days = run(python, "-I", script, cwd=tmp_path, env=environment).split("\n\n", maxsplit=1)
    assert rain.split() == ["day,rain_mm", "2026-01-01,1.5", "2026-01-02,1.5"]
    assert warm_days.split() == ["day,stations", "2026-01-01,1", "2026-01-02,1"]


def test_no_word_of_this_project_is_in_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        assert "dagster_mysql_io_manager/py.typed" in archive.namelist()
        assert [name for name in archive.namelist() if b"coingecko" in archive.read(name).lower()] == []


def test_the_wheel_asks_for_what_the_folder_imports_and_for_nothing_else(site_packages: Path) -> None:
    modules = [ast.parse(path.read_bytes()) for path in Path(warehouse.__file__).parent.rglob("*.py")]
    nodes = [node for module in modules for node in ast.walk(module)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    packages = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"coingecko_pipeline"}
    of_package = packages_distributions()
    imported = {canonicalize_name(of_package[package][0]) for package in packages}
    asked_for = {canonicalize_name(Requirement(text).name) for text in own_metadata(site_packages).requires or ()}
    assert imported - {"numpy"} == asked_for, "numpy comes with pandas, which decides its version"


def test_the_wheel_takes_what_the_project_takes_and_more_of_dagster(site_packages: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ranges = {each.name: each.specifier for each in map(Requirement, project["dependencies"])}
    own = own_metadata(site_packages)
    for needed in needed_by(own):
        if needed.name == "dagster":
            (pinned,) = ranges["dagster"]
            assert needed.specifier.contains(pinned.version)
        else:
            assert needed.specifier == ranges[needed.name], needed.name
    assert own.version == project["version"]


@pytest.mark.parametrize("hook", ["build_sdist", "build_editable"])
def test_what_would_be_without_the_sources_or_the_own_name_is_refused(hook: str, tmp_path: Path) -> None:
    build = f"from hatchling.build import {hook}\n{hook}({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=SOURCE, capture_output=True, text=True, check=False)
    assert "is built as a wheel only, from a checkout of the whole repository: `make wheel`" in done.stderr
    assert list(tmp_path.iterdir()) == []
