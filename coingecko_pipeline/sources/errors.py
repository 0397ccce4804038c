"""What can go wrong with a call to any source, as far as it decides whether to try again.

    SourceError
    ├── RetriableCall     the same call may succeed later
    └── PermanentCall     the same call fails again until someone changes something

Each source's own errors derive from these; the retries and Dagster's side look at nothing else.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class SourceError(Exception):
    """A call to a source failed."""


class RetriableCall(SourceError):
    """The same call may succeed later.

    Attributes:
        wait_seconds: How long the server asked to wait; None where it did not say.
    """

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class PermanentCall(SourceError):
    """The same call fails again until someone changes something."""


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the server asks to wait: Retry-After first, then x-ratelimit-reset; None where neither is there.

    The server's own Date header is the reference where it is present, so a wrong local clock costs nothing.

    Args:
        headers: The answer's headers, looked up without regard to case.
        now: The local time, aware.
    """
    server_now = _http_date(headers.get("Date")) or now
    retry_after = headers.get("Retry-After")
    if retry_after:
        if retry_after.strip().isdigit():
            return float(retry_after)
        moment = _http_date(retry_after)
        if moment:
            return max(0.0, (moment - server_now).total_seconds())
    reset = headers.get("x-ratelimit-reset")
    if reset:
        try:
            moment = datetime.strptime(reset.strip(), "%Y-%m-%d %H:%M:%S %z")
        except ValueError:
            return None
        return max(0.0, (moment - server_now).total_seconds())
    return None


def _http_date(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
