"""A pseudo-terminal whose screen is read while a command is at work."""

import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline_tests.cli.programs import OURS, PROGRAM, live_settings

COLUMNS, LINES = 100, 30


class Screen:
    """A program in a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What stands on it, without the lines that are empty."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def read(self) -> bool:
        """Take what the program wrote; whether it goes on."""
        try:
            written = os.read(self._descriptor, 65_536)
        except OSError:  # what Linux gives where the other side was closed
            return False
        self._stream.feed(written)
        return bool(written)

    def wait_for(self, is_shown: Callable[[list[str]], bool]) -> list[str]:
        """The first screen of which something holds."""
        while not is_shown(self.lines):
            assert self.read(), self.lines
        return self.lines

    def to_the_end(self) -> list[str]:
        """Every screen until the program ends, one line of text each."""
        seen = []
        while self.read():
            seen.append("\n".join(self.lines))
        return seen


@contextmanager
def terminal(folder: Path, *arguments: str, **environment: str) -> Iterator[Screen]:
    """The program in a terminal, see `programs.run_program`; ended with the block."""
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    size = {"COLUMNS": str(COLUMNS), "LINES": str(LINES), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=folder,
        env={**inherited, **size, **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Screen(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.fixture
def market() -> Iterator[RunningSandbox]:
    with RunningSandbox(SandboxOptions(plan="analyst", coins=300)) as sandbox:
        yield sandbox


def test_the_calls_of_a_run_and_what_is_waited_for_are_on_the_screen_while_it_is_at_work(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="keyless", coins=2_000)) as sandbox:
        settings = {"COINGECKO_BASE_URL": sandbox.url, "DATABASE_URL": "sqlite:///market.db"}
        with terminal(tmp_path, "daily", **settings) as screen:
            screen.wait_for(lambda lines: any("Loading Dagster" in line for line in lines))
            shown = screen.wait_for(lambda lines: any(" rows, " in line for line in lines))
            bar = next(line for line in shown if "The market of " in line)
            assert "━" in bar
            assert "/8 calls" in bar
            (facts,) = [line for line in shown if line.endswith(" left")]
            assert "at most" not in facts
            assert " a minute, " in facts
            waiting = screen.wait_for(lambda lines: any("waiting 0:" in line for line in lines))
            assert "since the 5 calls a minute of this plan are made; Ctrl-C leaves" in waiting[-1]
            # Nothing is done meanwhile, and it is seen that the program lives.
            screen.wait_for(lambda lines: lines[-1] != waiting[-1] and "waiting 0:" in lines[-1])
            os.killpg(screen.process.pid, signal.SIGINT)
            screen.to_the_end()
            assert "Ended as told." in "\n".join(screen.lines)
            assert "calls" not in screen.lines[-1], "the bar is gone with the work"
            assert screen.process.wait() == 1


def test_the_checks_and_the_derived_tables_are_on_the_screen_while_they_are_made(
    market: RunningSandbox, tmp_path: Path
) -> None:
    settings = live_settings(market.url, "sqlite:///market.db")
    with terminal(tmp_path, "daily", **settings) as screen:
        seen = "\n".join(screen.to_the_end())
        assert screen.process.wait() == 0
    assert "Today's market: daily_market (" in seen
    assert "Checks: checks of market_changes (2 of 3)" in seen
    with terminal(tmp_path, "measures", **settings) as screen:
        seen = "\n".join(screen.to_the_end())
        assert screen.process.wait() == 0
    assert "Derived tables: weekly_market (" in seen
    assert "Derived tables: checks of " in seen
    assert [line for line in screen.lines if line.startswith("weekly_market: ")]
