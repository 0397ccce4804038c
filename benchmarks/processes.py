"""Programs that are measured: each in a process of its own, with its peak memory and a time-out."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coingecko_pipeline_tests.previous_version import environment_of

ROOT = Path(__file__).parents[1]
"""This checkout."""

PROGRAM = (sys.executable, "-c", "from coingecko_pipeline.cli import main; main()")
"""The command line of the package that PYTHONPATH names first."""

# Linux counts the memory of the process that forks toward its child's peak until the exec, so that a large parent is
# measured instead of a small child: a bare interpreter starts the program and tells the peak.
LAUNCHER = (
    "import resource, subprocess, sys\n"
    "code = subprocess.call(sys.argv[2:])\n"
    "with open(sys.argv[1], 'w') as file:\n"
    "    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
    "sys.exit(code if code >= 0 else 128 - code)\n"
)


@dataclass(frozen=True)
class Finished:
    """How a program ended.

    Attributes:
        code: Its exit code; None where its time was up.
        seconds: From its start to its exit, the interpreter and all imports included.
        peak_megabytes: The most memory that its process held; None where its time was up.
        output: What it wrote to the standard output.
        errors: What it wrote to the standard error.
    """

    code: int | None
    seconds: float
    peak_megabytes: float | None
    output: str
    errors: str


def run(
    command: Sequence[str],
    folder: Path,
    settings: Mapping[str, str],
    package: Path = ROOT,
    timeout: float | None = None,
) -> Finished:
    """Run a program with no settings of the pipeline but those that are given.

    Args:
        command: The program and what it is told.
        folder: Its working folder.
        settings: Environment variables.
        package: The folder whose version of the package it uses.
        timeout: Seconds after which it is ended, and all that it started; None for no limit.
    """
    with tempfile.NamedTemporaryFile("r") as peak:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, peak.name, *command],
            cwd=folder,
            env=environment_of(package, settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        code: int | None = None
        try:
            output, errors = process.communicate(timeout=timeout)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
        finally:
            if process.poll() is None:  # Ctrl-C reaches this process alone
                os.killpg(process.pid, signal.SIGTERM)
        told = peak.read()
        return Finished(code, time.monotonic() - began, int(told) / 1024 if told else None, output, errors)


def succeed(command: Sequence[str], folder: Path, settings: Mapping[str, str], package: Path = ROOT) -> Finished:
    """Run a program that has to succeed.

    Raises:
        SystemExit: It failed; the text has what it wrote.
    """
    finished = run(command, folder, settings, package)
    if finished.code:
        raise SystemExit(f"{' '.join(command)} ended with {finished.code}:\n{finished.output}{finished.errors}")
    return finished
