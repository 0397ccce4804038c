"""The program as it was at an earlier commit, taken from the git history, and databases that it filled.

What people have stored was written by such a version, so what reads it is tested on what that version really writes.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAST_BEFORE_THE_ANSWERS = "7b64aaa0ed715a01784e30aa9c3d799d4fc6dce0"
"""The last commit whose archive keeps one chart a coin (`raw_market_charts`)."""

ROOT = Path(__file__).parents[2]
EXPORTED = ("coingecko_pipeline", "dagster.yaml", "workspace.yaml")
SETTINGS = ("COINGECKO_", "COINPAPRIKA_", "HOURLY_", "DATABASE_URL", "DAGSTER_", "REPORT_PATH")


class NoRevision(Exception):
    """The commit is not in this checkout's history; the message tells how to get it."""


@dataclass(frozen=True)
class Filled:
    """What a filling asked for.

    Attributes:
        first: The first date of its backfill, in ISO form.
        last: The last one.
    """

    first: str
    last: str


def export_revision(revision: str, folder: Path) -> Path:
    """Put the package of a commit into a folder and return it; a process with this PYTHONPATH runs that version.

    Args:
        revision: The commit.
        folder: An empty one.

    Raises:
        NoRevision: The commit is not there, as in a shallow clone, or there is no git.
    """
    try:
        archived = subprocess.run(
            ["git", "archive", "--format=zip", revision, *EXPORTED], cwd=ROOT, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise NoRevision(f"there is no git to take the commit {revision} from; install it") from None
    if archived.returncode:
        said = archived.stderr.decode(errors="replace").strip()
        raise NoRevision(f"this checkout has no commit {revision} ({said}); fetch its history: git fetch --unshallow")
    with zipfile.ZipFile(io.BytesIO(archived.stdout)) as files:
        files.extractall(folder)
    return folder


def environment_of(package: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that runs the package in a folder, with no settings but those given.

    Tests and benchmarks can be imported there too; they are this checkout's.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {**inherited, "PYTHONPATH": f"{package}{os.pathsep}{ROOT}", "COLUMNS": "200", **settings}


def run_commands(package: Path, folder: Path, commands: Sequence[Sequence[str]], **settings: str) -> None:
    """Run commands of a version of the program, one after the other.

    Args:
        package: What `export_revision` returned, or `ROOT` for this version.
        folder: Where the version keeps its Dagster instance.
        commands: Each with its options.
        settings: Environment variables.

    Raises:
        RuntimeError: One of them failed; the text has what was written.
    """
    _run_module(package, folder, settings, "commands", json.dumps([list(command) for command in commands]))


def fill(package: Path, folder: Path, **settings: str) -> Filled:
    """Let an exported version fill an empty database, as `filling` says; see `run_commands`."""
    return Filled(**json.loads(_run_module(package, folder, settings, "filling").splitlines()[-1]))


def _run_module(package: Path, folder: Path, settings: Mapping[str, str], name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-m", f"{__name__}.{name}", *arguments],
        cwd=folder,
        env=environment_of(package, settings),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(f"{name} of {package} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout
