"""What can go wrong with a call, as a tree that tells what may be tried again.

    CoinGeckoError
    ├── RetriableError            the same call may succeed later
    │   ├── RateLimited           429; carries the wait that the server asked for
    │   ├── ServiceUnavailable    5xx, and a 403 that says the endpoint is down for now
    │   ├── ConnectionFailed      no answer: refused, reset, timed out
    │   └── BrokenAnswer          200, but not what was asked for: cut, empty, HTML, another shape
    └── PermanentError            the same call fails again until someone changes something
        ├── KeyRejected           401, 10002, 10010, 10011: no key, a wrong one, or one of the other host
        ├── NotInPlan             10005: the endpoint is not in the plan
        ├── HistoryLimit          10012: more history than the plan serves
        ├── AccessDenied          403: the address or the client is blocked
        ├── NotFound              404: no such coin
        └── BadRequest            any other 4xx: the call itself is wrong

Only what was attempted, the status and the server's own message go into a message: never a URL, a header or a key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coingecko_pipeline.sources.errors import PermanentCall, RetriableCall, SourceError, wait_asked_for

# CoinGecko's inner error codes (its "common errors" page, and the recorded bodies).
KEY_MISSING = 10002
ENDPOINT_NOT_IN_PLAN = 10005
PRO_KEY_ON_PUBLIC_HOST = 10010
DEMO_KEY_ON_PRO_HOST = 10011
MORE_THAN_THE_PLAN_ALLOWS = 10012

MESSAGE_LENGTH = 300
"""Characters of a server's message that an error repeats; HTML pages and proxies answer with whole documents."""


class CoinGeckoError(SourceError):
    """A call to CoinGecko failed."""


class RetriableError(RetriableCall, CoinGeckoError):
    """The same call may succeed later."""


class RateLimited(RetriableError):
    """Status 429."""


class ServiceUnavailable(RetriableError):
    """The server failed (5xx), or says that the endpoint is down for now."""


class ConnectionFailed(RetriableError):
    """There was no answer: refused, reset, or later than the time-out."""


class BrokenAnswer(RetriableError):
    """The answer has status 200 and is not what was asked for."""


class PermanentError(PermanentCall, CoinGeckoError):
    """The same call fails again until someone changes something."""


class KeyRejected(PermanentError):
    """The key is missing, wrong, or of the other host."""


class NotInPlan(PermanentError):
    """The endpoint is not in the plan."""


class HistoryLimit(PermanentError):
    """The call asks for more history than the plan serves."""


class AccessDenied(PermanentError):
    """The server refuses this address or client."""


class NotFound(PermanentError):
    """There is no such coin."""


class BadRequest(PermanentError):
    """The call itself is wrong."""


@dataclass(frozen=True)
class ErrorBody:
    """What the body of a failed answer says, whichever of its shapes it has.

    Attributes:
        code: CoinGecko's inner error code, or None.
        message: The server's words, shortened; empty where it said nothing.
    """

    code: int | None
    message: str


def read_error_body(body: bytes) -> ErrorBody:
    """Read the inner code and the message from any body that CoinGecko or its CDN answers with."""
    text = body.decode("utf-8", errors="replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        return ErrorBody(None, "an HTML page" if text.startswith("<") else text[:MESSAGE_LENGTH])
    code: int | None = None
    messages: list[str] = []

    def visit(node: Any) -> None:
        nonlocal code
        if isinstance(node, str):
            messages.append(node)
        elif isinstance(node, Mapping):
            inner = node.get("error_code")
            if code is None and isinstance(inner, int):
                code = inner
            for key in ("error_message", "status", "error"):
                visit(node.get(key))

    visit(document)
    return ErrorBody(code, " ".join(messages)[:MESSAGE_LENGTH])


def error_of(what: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> CoinGeckoError:
    """The error that an answer stands for.

    Args:
        what: What was attempted, for the message; for example "the market chart of 'bitcoin'".
        status: The HTTP status.
        headers: The answer's headers, looked up without regard to case.
        body: The answer's body, as received.
        now: The local time, aware.
    """
    said = read_error_body(body)
    detail = f" ({said.message})" if said.message else ""
    prefix = f"CoinGecko answered {status} to {what}{detail}"
    if status == 429 or said.code == 429:
        return RateLimited(f"{prefix}: too many calls.", wait_asked_for(headers, now))
    if status >= 500 or (status == 403 and "temporarily unavailable" in said.message):
        return ServiceUnavailable(f"{prefix}: the service is unavailable.", wait_asked_for(headers, now))
    for found, kind, advice in _PERMANENT:
        if found(status, said):
            return kind(f"{prefix}: {advice}")
    if status == 200:
        return BrokenAnswer(f"{prefix}: not what was asked for.")
    return BadRequest(f"{prefix}: the call was refused; report it with this message.")


_PERMANENT: tuple[tuple[Any, type[PermanentError], str], ...] = (
    (
        lambda _status, said: said.code in (PRO_KEY_ON_PUBLIC_HOST, DEMO_KEY_ON_PRO_HOST),
        KeyRejected,
        "the key belongs to the other host; set COINGECKO_PLAN to the plan of the key.",
    ),
    (
        lambda _status, said: said.code == MORE_THAN_THE_PLAN_ALLOWS,
        HistoryLimit,
        "that is more than the plan allows; ask for later dates, or set COINGECKO_HISTORY_DAYS to what it serves.",
    ),
    (
        lambda _status, said: said.code == ENDPOINT_NOT_IN_PLAN,
        NotInPlan,
        "the endpoint is not in the plan; set COINGECKO_PLAN to the plan of the key.",
    ),
    (
        lambda status, said: status == 401 or said.code == KEY_MISSING,
        KeyRejected,
        "the key is missing or wrong; check COINGECKO_API_KEY and COINGECKO_PLAN.",
    ),
    (
        lambda status, _said: status == 403,
        AccessDenied,
        "this address or key is blocked; try from another address, or ask CoinGecko.",
    ),
    (lambda status, _said: status == 404, NotFound, "there is no such coin."),
)
