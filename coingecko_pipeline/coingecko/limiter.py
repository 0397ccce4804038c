"""The rate limit: never more than the plan's calls in any 60 seconds, never idle while fewer were made."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from pyrate_limiter import InMemoryBucket, Rate, RateItem

WINDOW_SECONDS = 61.0
"""CoinGecko counts the calls that arrive in a minute; one second more absorbs the jitter of the way there."""


class Clock(Protocol):
    """Time as the limiter and the retries see it; a test gives its own."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""


class SystemClock:
    """The machine's time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        time.sleep(seconds)


class RateLimiter:
    """A sliding window over the calls of this process, safe to share between threads.

    A pause holds every thread back once, whoever was told to wait.

    Args:
        calls_per_minute: Calls that may be made in any 60 seconds.
        clock: Time.
        on_wait: Told the seconds and the reason of each wait for a pause.
    """

    def __init__(
        self,
        calls_per_minute: int,
        clock: Clock | None = None,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._bucket = InMemoryBucket([Rate(calls_per_minute, int(WINDOW_SECONDS * 1000))])
        self._lock = threading.Lock()
        self._paused_until = 0.0
        self._on_wait = on_wait

    def acquire(self) -> None:
        """Wait until a call may be made, and count it."""
        while (wait := self._try()) > 0:
            self._clock.sleep(wait)

    def pause(self, seconds: float, reason: str) -> None:
        """Let no call pass for so many seconds; a longer pause that is already on stays."""
        with self._lock:
            until = self._clock.monotonic() + seconds
            longer = until > self._paused_until
            self._paused_until = max(self._paused_until, until)
        if longer and self._on_wait:
            self._on_wait(seconds, reason)

    def _try(self) -> float:
        """Count a call and return 0, or return the seconds after which to try again."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._paused_until:
                return self._paused_until - now
            now_ms = int(now * 1000)
            self._bucket.leak(now_ms)
            item = RateItem("call", now_ms)
            if self._bucket.put(item):
                return 0.0
            wait_ms = self._bucket.waiting(item)
            if not isinstance(wait_ms, int):
                raise TypeError("an in-memory bucket answers at once")
            return max(wait_ms, 1) / 1000
