"""The sandbox's time: the machine's own, or one that starts elsewhere and runs on."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from .errors import SandboxError

Clock: TypeAlias = Callable[[], datetime]

# CoinGecko's own first day; nothing has a price before it.
FIRST_DAY = datetime(2013, 4, 28, tzinfo=UTC)


def utc_now() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


def running_from(start: datetime) -> Clock:
    """A clock that shows `start` now and runs on from there at the machine's pace."""
    began = time.monotonic()

    def now() -> datetime:
        return start + timedelta(seconds=time.monotonic() - began)

    return now


def parse_instant(text: str) -> datetime:
    """Read an ISO date or instant; without an offset it is UTC.

    Raises:
        SandboxError: It cannot be read, or lies before CoinGecko's first day.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise SandboxError(f"{text!r} is no ISO date or instant such as 2026-03-01 or 2026-03-01T00:15Z.") from None
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    if instant < FIRST_DAY:
        raise SandboxError(f"{text} lies before {FIRST_DAY:%Y-%m-%d}, the first day of any price.")
    return instant


def milliseconds(moment: datetime) -> int:
    """A moment in milliseconds since 1970-01-01 UTC, rounded down."""
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000
