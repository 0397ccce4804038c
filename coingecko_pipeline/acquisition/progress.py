"""How far long work is, told to whoever watches: a log in a run, a bar in a terminal."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

INTERVAL_SECONDS = 15.0
"""Between two lines of a log: often enough to see life, seldom enough to read it afterwards."""


class Progress(Protocol):
    """Who watches long work."""

    def begin(self, what: str, total: int, unit: str, per_minute: int | None = None) -> None:
        """Work begins: so many units of it, for example 17,400 calls, of which a minute can have so many at most."""

    def advance(self, units: int = 1, rows: int = 0) -> None:
        """So many more units are done and safe, and so many more rows stored."""

    def pause(self, seconds: float, reason: str) -> None:
        """Nothing will happen for so many seconds, and why."""

    def end(self) -> None:
        """The work has ended, done or not."""


@dataclass
class Work:
    """Work of so many units, and how far it is.

    Attributes:
        what: What is done.
        total: Units of it, as they were counted before; more may turn out to be needed.
        unit: What they are called.
        per_minute: How many of them a minute can have at most; None where nothing bounds them.
        began: When it began, in seconds of some clock.
        done: Units that are done.
        rows: Rows that were stored.
    """

    what: str
    total: int
    unit: str
    per_minute: int | None
    began: float
    done: int = 0
    rows: int = 0

    def advance(self, units: int, rows: int) -> None:
        """So many more units are done, and so many more rows stored."""
        self.done += units
        self.rows += rows
        self.total = max(self.total, self.done)

    def rate(self, now: float) -> float | None:
        """Units a minute so far; None before the first one.

        The calls of a minute are made in its first seconds, so what was seen is bounded by what there can be.
        """
        if not self.done or now <= self.began:
            return None
        seen = self.done / (now - self.began) * 60
        return seen if self.per_minute is None else min(seen, self.per_minute)

    def seconds_left(self, now: float) -> float | None:
        """Seconds until all is done, at the rate so far; None before there is one."""
        rate = self.rate(now)
        return None if rate is None else (self.total - self.done) / rate * 60

    @property
    def counts(self) -> str:
        """How much is done, in words."""
        return f"{self.done} of {self.total} {self.unit}" + (f", {self.rows} rows" if self.rows else "")


class LogProgress:
    """Progress as log lines, at most one in 15 seconds.

    Args:
        log: Where the lines go.
        monotonic: Seconds that never run backwards.
    """

    def __init__(self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._monotonic = monotonic
        self._work = Work("", 0, "", None, 0.0)
        self._told = 0.0

    def begin(self, what: str, total: int, unit: str, per_minute: int | None = None) -> None:
        """Tell what begins."""
        self._told = self._monotonic()
        self._work = Work(what, total, unit, per_minute, self._told)
        bound = "" if per_minute is None else f", at most {per_minute} a minute"
        self._log.info("%s: %d %s to go%s.", what, total, unit, bound)

    def advance(self, units: int = 1, rows: int = 0) -> None:
        """Tell how far it is, if it was not told just now."""
        work, now = self._work, self._monotonic()
        work.advance(units, rows)
        rate, left = work.rate(now), work.seconds_left(now)
        # Before the first unit is done there is no rate, and nothing to tell.
        if rate is None or left is None or now - self._told < INTERVAL_SECONDS:
            return
        self._told = now
        self._log.info("%s: %s, %.0f a minute, about %.0f s left.", work.what, work.counts, rate, left)

    def pause(self, seconds: float, reason: str) -> None:
        """Tell that nothing will happen for a while, and why."""
        self._log.info("Pausing for %.0f s: %s.", seconds, reason)

    def end(self) -> None:
        """Tell what was done."""
        self._log.info("%s: %s done.", self._work.what, self._work.counts)


_BEGUN = re.compile(r"(?P<what>.+): (?P<total>[0-9]+) (?P<unit>\S+) to go(, at most (?P<bound>[0-9]+) a minute)?\.")
_DONE = re.compile(r"(?P<what>.+): (?P<done>[0-9]+) of [0-9]+ [^\s,]+(, (?P<rows>[0-9]+) rows)?(, .*| done)\.")
_PAUSING = re.compile(r"Pausing for (?P<seconds>[0-9]+) s: (?P<reason>.+)\.")


class ReplayedProgress:
    """Progress told again by the lines that a `LogProgress` wrote, wherever the work is done.

    Args:
        watcher: Told what the lines say.
    """

    def __init__(self, watcher: Progress) -> None:
        self._watcher = watcher
        self._done = self._rows = 0

    def read(self, line: str) -> None:
        """Tell what a line says; a line of anything else says nothing."""
        if begun := _BEGUN.fullmatch(line):
            self._done = self._rows = 0
            bound = begun["bound"] and int(begun["bound"])
            self._watcher.begin(begun["what"], int(begun["total"]), begun["unit"], bound or None)
        elif done := _DONE.fullmatch(line):
            units, rows = int(done["done"]), int(done["rows"] or 0)
            self._watcher.advance(units - self._done, rows - self._rows)
            self._done, self._rows = units, rows
            if line.endswith(" done."):
                self._watcher.end()
        elif pausing := _PAUSING.fullmatch(line):
            self._watcher.pause(float(pausing["seconds"]), pausing["reason"])
