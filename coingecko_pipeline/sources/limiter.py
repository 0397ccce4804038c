"""The rate limit: never more than the plan's calls in any 60 seconds, never idle while fewer were made.

What was called when is kept by a `CallWindow`: `ProcessWindow` for this process alone; the pipeline's own, which every
process on one database shares, is in `acquisition.shared_window`.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS, Clock, SystemClock

log = logging.getLogger(__name__)

WINDOW_SECONDS = 61.0
"""Servers count the calls that arrive in a minute; one second more absorbs the jitter of the way there."""

LEARN_AFTER = 8
"""Refusals in a row that show a lower limit than the plan's: chance failures have answers between them, and a limit
that is used up refuses all that is under way."""
LEARNED_FOR_SECONDS = 600.0
"""After that the plan's own rate is tried again: another program may have used the key for a while."""

TOLD_EVERY_SECONDS = 60.0
"""How often a pause is told again that lasts longer."""
TOLD_FROM_SECONDS = 2.0
"""A wait for the plan's own rate that is shorter is not told: nobody takes it for a standstill."""


class CallWindow(Protocol):
    """Remembers the calls of the latest `WINDOW_SECONDS`, and pauses; safe to use from several threads."""

    def take(self, limit: int, wanted: int) -> tuple[int, float]:
        """Count calls that are about to be made.

        Args:
            limit: Calls that the window may hold.
            wanted: Calls to let through at most.

        Returns:
            How many are let through; where none is, the seconds after which to try again.
        """

    def pause(self, seconds: float) -> None:
        """Let no call pass for so many seconds, `LONGEST_WAIT_SECONDS` at most; a longer pause that is on stays."""

    def paused_for(self) -> float:
        """Seconds that the pause still lasts; 0 where there is none."""


class ProcessWindow:
    """The calls of this process.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._calls: deque[float] = deque()
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def take(self, limit: int, wanted: int) -> tuple[int, float]:
        """Count calls that are about to be made: how many are let through, else the seconds to wait."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._paused_until:
                return 0, self._paused_until - now
            while self._calls and self._calls[0] <= now - WINDOW_SECONDS:
                self._calls.popleft()
            granted = min(wanted, limit - len(self._calls))
            if granted <= 0:
                # At least a millisecond: a rounding error must not be a wait that moves no clock.
                return 0, max(self._calls[-limit] + WINDOW_SECONDS - now, 0.001)
            self._calls.extend([now] * granted)
            return granted, 0.0

    def pause(self, seconds: float) -> None:
        """Let no call pass for so many seconds, `LONGEST_WAIT_SECONDS` at most."""
        with self._lock:
            until = self._clock.monotonic() + min(seconds, LONGEST_WAIT_SECONDS)
            self._paused_until = max(self._paused_until, until)

    def paused_for(self) -> float:
        """Seconds that the pause still lasts."""
        with self._lock:
            return max(0.0, self._paused_until - self._clock.monotonic())


class RateLimiter:
    """Lets calls through at a plan's rate, and learns from what the server refuses; safe to share between threads.

    A pause holds every thread back once, whoever was told to wait. Where a row of refusals shows that the server's
    limit is lower than the plan's, the number of calls that it did answer in the minute before is kept to for ten
    minutes: what the server says may only lower the rate.

    Args:
        title: The source's name in sentences. In capitals it begins the names of its settings.
        calls_per_minute: Calls that may be made in any 60 seconds.
        clock: Time.
        on_wait: Told the seconds and the reason of each pause and each longer wait for the plan's rate when it begins,
            and once a minute what is left of it.
        window: Remembers the calls; by default those of this process.
    """

    def __init__(
        self,
        title: str,
        calls_per_minute: int,
        clock: Clock | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        window: CallWindow | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._window = window or ProcessWindow(self._clock)
        self._title = title
        self._calls_per_minute = calls_per_minute
        self._on_wait = on_wait
        # One thread at a time asks the window, for itself and for those that wait for their turn.
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting = self._granted = 0
        self._told_until = self._told_at = 0.0
        self._told_reason = ""
        self._answers: deque[float] = deque()
        self._refusals = 0
        self._learned: tuple[int, float] | None = None

    @property
    def limit(self) -> int:
        """Calls a minute: the plan's, or fewer where the server showed that it answers fewer."""
        with self._lock:
            if self._learned and self._clock.monotonic() >= self._learned[1]:
                self._learned = None
            return min(self._calls_per_minute, self._learned[0]) if self._learned else self._calls_per_minute

    def acquire(self) -> None:
        """Wait until a call may be made, and count it."""
        with self._lock:
            self._waiting += 1
        try:
            with self._turn:
                if self._granted == 0:
                    self._ask_window()
                self._granted -= 1
        finally:
            with self._lock:
                self._waiting -= 1

    def answered(self) -> None:
        """A call was answered with anything but a refusal."""
        with self._lock:
            self._refusals = 0
            self._answers.append(self._clock.monotonic())
            self._forget_old_answers()

    def refused(self, wait_seconds: float | None) -> None:
        """A call was answered 429.

        A wait that is longer than `LONGEST_WAIT_SECONDS` pauses nothing: who asked gets an error at once, and so does
        every later call, instead of a wait whose end is not the server's.

        Args:
            wait_seconds: How long the server asked to wait; None where it did not say.
        """
        if wait_seconds and wait_seconds <= LONGEST_WAIT_SECONDS:
            self._window.pause(wait_seconds)
            self.tell(wait_seconds, f"{self._title} answered 429")
        with self._lock:
            self._refusals += 1
            self._forget_old_answers()
            answered = len(self._answers)
            if self._refusals != LEARN_AFTER or not 0 < answered < self._calls_per_minute:
                return
            self._learned = (answered, self._clock.monotonic() + LEARNED_FOR_SECONDS)
        log.warning(
            "%s answers %d calls a minute, not %d; keeping to that for %.0f minutes. "
            "If it stays so, set %s_CALLS_PER_MINUTE=%d.",
            self._title, answered, self._calls_per_minute, LEARNED_FOR_SECONDS / 60, self._title.upper(), answered,
        )  # fmt: skip

    def _ask_window(self) -> None:
        """Wait until the window lets calls through, as many as threads wait for one at most."""
        while True:
            with self._lock:
                waiting = self._waiting
            self._granted, wait = self._window.take(self.limit, waiting)
            if self._granted:
                return
            if (paused := self._window.paused_for()) > 0:
                self.tell(paused, "another call on this plan was answered 429")
            elif wait > TOLD_FROM_SECONDS:
                self.tell(wait, f"the {self.limit} calls a minute of this plan are made")
            self.sleep(wait)

    def _forget_old_answers(self) -> None:
        oldest = self._clock.monotonic() - WINDOW_SECONDS
        while self._answers and self._answers[0] <= oldest:
            self._answers.popleft()

    def tell(self, seconds: float, reason: str) -> None:
        """Tell of a pause that lasts longer than the one told of last.

        Args:
            seconds: How long it lasts.
            reason: Why there is one.
        """
        with self._lock:
            now = self._clock.monotonic()
            longer = now + seconds > self._told_until + 1
            if longer:
                self._told_until, self._told_at, self._told_reason = now + seconds, now, reason
        if longer and self._on_wait:
            self._on_wait(seconds, reason)

    def sleep(self, seconds: float) -> None:
        """Let seconds pass, and tell once a minute how long a pause still lasts that was told.

        Raises:
            WaitEnded: Another thread ended the waits.
        """
        while seconds > 0:
            part = min(seconds, TOLD_EVERY_SECONDS)
            self._clock.sleep(part)
            seconds -= part
            self._tell_again()

    def _tell_again(self) -> None:
        """Tell what is left of a pause, if that was not told within the last minute, by whichever thread."""
        with self._lock:
            now = self._clock.monotonic()
            left, reason = self._told_until - now, self._told_reason
            due = left > 1 and now - self._told_at >= TOLD_EVERY_SECONDS - 1
            if due:
                self._told_at = now
        if due and self._on_wait:
            self._on_wait(left, reason)
