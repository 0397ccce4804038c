"""The command line as a user runs it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("coingecko-pipeline")
KEY = "CG-not-to-be-shown"

OURS = ("COINGECKO_", "COINPAPRIKA_", "HOURLY_", "CURRENCIES", "DATABASE_URL", "DAGSTER_")


def run_program(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program with no other settings than those given.

    Args:
        folder: The working folder.
        arguments: The command and its options.
        environment: Settings.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=folder,
        env={**inherited, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def begin(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Begin the program, whose output and errors come together; see `run_program`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=folder,
        env={**inherited, **environment},
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
