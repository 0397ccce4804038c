"""The command line as a user runs it: a process of its own, in a folder of its own."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("coingecko-pipeline")
KEY = "CG-not-to-be-shown"
WIDTH = "200"

OURS = ("COINGECKO_", "COINPAPRIKA_", "HOURLY_", "CURRENCIES", "DATABASE_URL", "DAGSTER_")


def run_program(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program with no other settings than those given, in a fork of a process that has loaded it.

    Args:
        folder: The working folder.
        arguments: The command and its options.
        environment: Settings.
    """
    loaded = _loaded()
    assert loaded.stdin
    assert loaded.stdout
    with tempfile.TemporaryDirectory() as outputs:
        stdout, stderr = Path(outputs, "stdout"), Path(outputs, "stderr")
        command = {
            "arguments": [str(PROGRAM), *arguments],
            "folder": str(folder),
            "environment": {**_inherited(), "COLUMNS": WIDTH, **environment},
            "stdout": str(stdout),
            "stderr": str(stderr),
        }
        loaded.stdin.write(f"{json.dumps(command)}\n")
        loaded.stdin.flush()
        code = int(loaded.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, stdout.read_text(), stderr.read_text())


@cache
def _loaded() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "coingecko_pipeline_tests.cli.loaded"],
        cwd=Path(__file__).parents[2],
        # Its width is that of the console when it is loaded. Threads are not there after a fork.
        env={**_inherited(), "COLUMNS": WIDTH, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def begin(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Begin the program, whose output and errors come together; see `run_program`."""
    return subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=folder,
        env={**_inherited(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def live_settings(url: str, database_url: str, plan: str = "analyst") -> Mapping[str, str]:
    """Settings that point at a sandbox."""
    return {
        "COINGECKO_BASE_URL": url,
        "COINGECKO_PLAN": plan,
        "COINGECKO_API_KEY": KEY,
        "DATABASE_URL": database_url,
    }
