"""Time as calls see it: the clock, how long a server asks to wait, and how long it may ask."""

import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

LONGEST_WAIT_SECONDS = 900.0
"""All waits of one call together, and the longest pause of all calls: 15 minutes. A limit of calls a minute is over
within one or two; a server that asks for more has no minute in mind, and the step's or the schedule's next try is the
place for it."""

MOST_SECONDS_READ = 1e9
"""A larger number in a header is read as this one, some thirty years: no date and no clock can add more."""

SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


class Clock(Protocol):
    """Time as the limiter and the retries see it; a test gives its own."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass.

        Raises:
            WaitEnded: Another thread ended the waits.
        """

    def end_waits(self) -> None:
        """End every wait that is under way, in whichever thread; later ones are waited for as ever."""


class WaitEnded(Exception):
    """The work that a wait belongs to is being ended, so what was waited for is not done."""


class SystemClock:
    """The machine's time; safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ended = 0

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass.

        Raises:
            WaitEnded: Another thread ended the waits.
        """
        with self._changed:
            ended = self._ended
            if self._changed.wait_for(lambda: self._ended != ended, seconds):
                raise WaitEnded("The work was ended while it waited.")

    def end_waits(self) -> None:
        """End every wait that is under way, in whichever thread; later ones are waited for as ever."""
        with self._changed:
            self._ended += 1
            self._changed.notify_all()


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the server asks to wait: Retry-After first, then x-ratelimit-reset; None where neither says.

    A header that is neither a number nor a date is as good as none. The server's own Date header is the reference where
    it is present, so a wrong local clock costs nothing. The answer is as long as the server asks, at most
    `MOST_SECONDS_READ`: whether that is waited is `LONGEST_WAIT_SECONDS`'s to say.

    Args:
        headers: The answer's headers, looked up without regard to case.
        now: The local time, aware.
    """
    retry_after = headers.get("Retry-After", "").strip()
    if SECONDS.fullmatch(retry_after):
        return min(float(retry_after), MOST_SECONDS_READ)
    until = _http_date(retry_after) or _reset_time(headers.get("x-ratelimit-reset", ""))
    if until is None:
        return None
    server_now = _http_date(headers.get("Date", "")) or now
    return min(max(0.0, (until - server_now).total_seconds()), MOST_SECONDS_READ)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reset_time(value: str) -> datetime | None:
    try:
        return datetime.strptime(value.strip(), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
