"""What can go wrong with a call to CoinPaprika, as a tree that tells what may be tried again.

    CoinPaprikaError
    ├── RateLimited           429; carries the wait that the server asked for
    ├── ServiceUnavailable    5xx
    ├── ConnectionFailed      no answer: refused, reset, timed out
    ├── BrokenAnswer          200, but not what was asked for: cut, empty, HTML, another shape
    ├── PlanExceeded          402: the month's calls are used up, or the plan does not have the endpoint (permanent)
    └── CallRefused           any other status: the call itself is wrong, or this address is blocked (permanent)

The statuses and the shape of an error's body, `{"error": "…"}`, are those of CoinPaprika's API reference 1.7.10. Only
what was attempted, the status and the server's own message go into a message: never a URL or a header.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from coingecko_pipeline.sources.errors import PermanentCall, RetriableCall, SourceError, wait_asked_for

MESSAGE_LENGTH = 300
"""Characters of a server's message that an error repeats."""


class CoinPaprikaError(SourceError):
    """A call to CoinPaprika failed."""


class RateLimited(RetriableCall, CoinPaprikaError):
    """Status 429."""


class ServiceUnavailable(RetriableCall, CoinPaprikaError):
    """The server failed (5xx)."""


class ConnectionFailed(RetriableCall, CoinPaprikaError):
    """There was no answer: refused, reset, or later than the time-out."""


class BrokenAnswer(RetriableCall, CoinPaprikaError):
    """The answer has status 200 and is not what was asked for."""


class PlanExceeded(PermanentCall, CoinPaprikaError):
    """The plan does not have the call, or its month is used up."""


class CallRefused(PermanentCall, CoinPaprikaError):
    """The call itself is wrong, or the server refuses this address."""


def error_of(what: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> CoinPaprikaError:
    """The error that an answer stands for.

    Args:
        what: What was attempted, for the message; for example "the list of coins".
        status: The HTTP status.
        headers: The answer's headers, looked up without regard to case.
        body: The answer's body, as received.
        now: The local time, aware.
    """
    said = _message(body)
    prefix = f"CoinPaprika answered {status} to {what}{f' ({said})' if said else ''}"
    if status == 429:
        return RateLimited(f"{prefix}: too many calls.", wait_asked_for(headers, now))
    if status >= 500:
        return ServiceUnavailable(f"{prefix}: the service is unavailable.", wait_asked_for(headers, now))
    if status == 402:
        return PlanExceeded(
            f"{prefix}: the free plan's calls of this month are used up, or it does not have this call; "
            "wait for the next month."
        )
    if status == 403:
        return CallRefused(f"{prefix}: this address is blocked; try from another address, or ask CoinPaprika.")
    return CallRefused(f"{prefix}: the call was refused; check COINPAPRIKA_BASE_URL, or report it with this message.")


def _message(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        return "an HTML page" if text.startswith("<") else text[:MESSAGE_LENGTH]
    said = document.get("error") if isinstance(document, dict) else None
    return said[:MESSAGE_LENGTH] if isinstance(said, str) else ""
