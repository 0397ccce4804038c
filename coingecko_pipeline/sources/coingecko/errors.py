"""What can go wrong with a call to CoinGecko: the errors of every source, and what CoinGecko's inner codes tell apart.

SourceError
├── RetriableCall             the same call may succeed later
│   ├── RateLimited           429; carries the wait that the server asked for
│   ├── ServiceUnavailable    5xx, and a 403 that says the endpoint is down for now
│   ├── ConnectionFailed      no answer: refused, reset, timed out
│   └── BrokenAnswer          200, but not what was asked for: cut, empty, HTML, another shape; holds what came
└── PermanentCall             the same call fails again until someone changes something
    ├── CallerRefused         every other call would fail as well
    │   ├── KeyRejected       401, 10002, 10010, 10011: no key, a wrong one, or one of the other host
    │   ├── NotInPlan         10005: the endpoint is not in the plan
    │   └── AccessDenied      403: the address or the client is blocked
    ├── HistoryLimit          10012: more history than the plan serves
    ├── NotFound              404 that says so: no such coin
    └── BadRequest            any other 4xx: the call itself is wrong
"""

import json
from collections.abc import Mapping
from typing import Any

from coingecko_pipeline.sources import errors
from coingecko_pipeline.sources.errors import (
    AccessDenied,
    BadRequest,
    BrokenAnswer,
    CallerRefused,
    ConnectionFailed,
    FailedAnswer,
    PermanentCall,
    RateLimited,
    RetriableCall,
    ServiceUnavailable,
    SourceError,
)

__all__ = [
    "AccessDenied",
    "BadRequest",
    "BrokenAnswer",
    "ConnectionFailed",
    "HistoryLimit",
    "KeyRejected",
    "NotFound",
    "NotInPlan",
    "PermanentCall",
    "RateLimited",
    "RetriableCall",
    "ServiceUnavailable",
    "SourceError",
    "error_of",
]

# CoinGecko's inner error codes (its "common errors" page, and the recorded bodies).
KEY_MISSING = 10002
ENDPOINT_NOT_IN_PLAN = 10005
PRO_KEY_ON_PUBLIC_HOST = 10010
DEMO_KEY_ON_PRO_HOST = 10011
MORE_THAN_THE_PLAN_ALLOWS = 10012

NO_SUCH_COIN = ("coin not found", "could not find coin")
"""What CoinGecko's 404 of a coin says (the recorded bodies). Any other is of an address and says nothing of a coin."""


class KeyRejected(CallerRefused):
    """The key is missing, wrong, or of the other host."""


class NotInPlan(CallerRefused):
    """The endpoint is not in the plan."""


class HistoryLimit(PermanentCall):
    """The call asks for more history than the plan serves."""


class NotFound(PermanentCall):
    """There is no such coin."""


def error_of(failed: FailedAnswer) -> SourceError:
    """The error that an answer of CoinGecko or its CDN stands for."""
    code, status = inner_code(failed.body), failed.told_status
    if code == 429:
        return failed.error(RateLimited, "too many calls")
    if status == 429 or status >= 500:
        return errors.error_of(failed)
    if status == 403 and "temporarily unavailable" in failed.message:
        return failed.error(ServiceUnavailable, "the service is unavailable")
    if code in (PRO_KEY_ON_PUBLIC_HOST, DEMO_KEY_ON_PRO_HOST):
        return failed.error(KeyRejected, "the key belongs to the other host; set COINGECKO_PLAN to the plan of the key")
    if code == MORE_THAN_THE_PLAN_ALLOWS:
        return failed.error(
            HistoryLimit,
            "that is more than the plan allows; ask for later dates, or set COINGECKO_HISTORY_DAYS to what it serves",
        )
    if code == ENDPOINT_NOT_IN_PLAN:
        return failed.error(NotInPlan, "the endpoint is not in the plan; set COINGECKO_PLAN to the plan of the key")
    if status == 401 or code == KEY_MISSING:
        return failed.error(KeyRejected, "the key is missing or wrong; check COINGECKO_API_KEY and COINGECKO_PLAN")
    if status in (200, 404) and any(words in failed.message.lower() for words in NO_SUCH_COIN):
        return failed.error(NotFound, "there is no such coin")
    if status == 404:
        return failed.error(
            BadRequest, "there is nothing at that address; check COINGECKO_BASE_URL, which ends with /api/v3"
        )
    return errors.error_of(failed)


def inner_code(body: bytes) -> int | None:
    """CoinGecko's code of an error, whichever of its bodies' shapes holds it; None where there is none."""
    try:
        return _code_in(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _code_in(document: Any) -> int | None:
    if not isinstance(document, Mapping):
        return None
    code = document.get("error_code")
    if isinstance(code, int):
        return code
    return next((code for key in ("status", "error") if (code := _code_in(document.get(key))) is not None), None)
