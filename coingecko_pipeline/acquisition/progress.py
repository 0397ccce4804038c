"""How far long work is, told to whoever watches: a log in a run, a bar in a terminal."""

import logging
import re
import time
from collections.abc import Callable
from typing import Protocol

INTERVAL_SECONDS = 15.0
"""Between two lines of a log: often enough to see life, seldom enough to read it afterwards."""


class Progress(Protocol):
    """Who watches long work."""

    def begin(self, what: str, total: int, unit: str) -> None:
        """Work begins: so many units of it, for example 17,400 charts."""

    def advance(self, units: int = 1) -> None:
        """So many more units are done and safe."""

    def pause(self, seconds: float, reason: str) -> None:
        """Nothing will happen for so many seconds, and why."""

    def end(self) -> None:
        """The work has ended, done or not."""


class LogProgress:
    """Progress as log lines, at most one in 15 seconds.

    Args:
        log: Where the lines go.
        monotonic: Seconds that never run backwards.
    """

    def __init__(self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._monotonic = monotonic
        self._what, self._unit = "", ""
        self._total = self._done = 0
        self._began = self._told = 0.0

    def begin(self, what: str, total: int, unit: str) -> None:
        """Tell what begins."""
        self._what, self._total, self._unit, self._done = what, total, unit, 0
        self._began = self._told = self._monotonic()
        self._log.info("%s: %d %s to go.", what, total, unit)

    def advance(self, units: int = 1) -> None:
        """Tell how far it is, if it was not told just now."""
        self._done += units
        now = self._monotonic()
        # Before the first unit is done there is no rate, and nothing to tell.
        if not self._done or now - self._told < INTERVAL_SECONDS:
            return
        self._told = now
        rate = self._done / (now - self._began)
        left = max(self._total - self._done, 0) / rate
        self._log.info(
            "%s: %d of %d %s, %.0f a minute, about %.0f s left.",
            self._what, self._done, self._total, self._unit, rate * 60, left,
        )  # fmt: skip

    def pause(self, seconds: float, reason: str) -> None:
        """Tell that nothing will happen for a while, and why."""
        self._log.warning("Pausing for %.0f s: %s.", seconds, reason)

    def end(self) -> None:
        """Tell what was done."""
        self._log.info("%s: %d of %d %s done.", self._what, self._done, self._total, self._unit)


_BEGUN = re.compile(r"(?P<what>.+): (?P<total>[0-9]+) (?P<unit>\S+) to go\.")
_DONE = re.compile(r"(?P<what>.+): (?P<done>[0-9]+) of [0-9]+ \S+(, .*| done)\.")
_PAUSING = re.compile(r"Pausing for (?P<seconds>[0-9]+) s: (?P<reason>.+)\.")


class ReplayedProgress:
    """Progress told again by the lines that a `LogProgress` wrote, wherever the work is done.

    Args:
        watcher: Told what the lines say.
    """

    def __init__(self, watcher: Progress) -> None:
        self._watcher = watcher
        self._done = 0

    def read(self, line: str) -> None:
        """Tell what a line says; a line of anything else says nothing."""
        if begun := _BEGUN.fullmatch(line):
            self._done = 0
            self._watcher.begin(begun["what"], int(begun["total"]), begun["unit"])
        elif done := _DONE.fullmatch(line):
            self._watcher.advance(int(done["done"]) - self._done)
            self._done = int(done["done"])
            if line.endswith(" done."):
                self._watcher.end()
        elif pausing := _PAUSING.fullmatch(line):
            self._watcher.pause(float(pausing["seconds"]), pausing["reason"])
