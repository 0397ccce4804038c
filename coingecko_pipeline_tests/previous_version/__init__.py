"""The program as it was at an earlier commit, taken from the git history, and databases that it filled.

What people have stored was written by such a version, so what reads it is tested on what that version really writes.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
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
            ["git", "archive", "--format=tar", revision, *EXPORTED], cwd=ROOT, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise NoRevision(f"there is no git to take the commit {revision} from; install it") from None
    if archived.returncode:
        said = archived.stderr.decode(errors="replace").strip()
        raise NoRevision(f"this checkout has no commit {revision} ({said}); fetch its history: git fetch --unshallow")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def environment_of(package: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that runs the package in a folder, with no settings but those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {**inherited, "PYTHONPATH": str(package), "COLUMNS": "200", **settings}


def fill(package: Path, database_url: str, folder: Path) -> Filled:
    """Let an exported version fill a database, as `filling` says.

    Args:
        package: What `export_revision` returned.
        database_url: An empty database.
        folder: Where the version keeps its Dagster instance.

    Raises:
        RuntimeError: One of its commands failed; the text has what it wrote.
    """
    script = Path(__file__).with_name("filling.py")
    settings = {"DATABASE_URL": database_url, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-P", str(script)],
        cwd=folder,
        env=environment_of(package, settings),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(f"the earlier version could not fill {folder}:\n{done.stdout}\n{done.stderr}")
    return Filled(**json.loads(done.stdout.splitlines()[-1]))
