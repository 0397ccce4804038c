"""Faults that the sandbox injects: which kinds there are, and which request gets which.

The kinds:

- `429-HEADER-BODY`: a 429 out of turn. HEADER is `retry-after` (seconds), `reset` (`x-ratelimit-reset`, the
  next whole minute) or `bare` (no header that tells when); BODY is `json`, `text`, `empty` or `html`.
  `429-HEADER` takes each body in turn, `429` each pair.
- `500` with a JSON body, `503` with a plain one.
- `timeout`: no answer; the request hangs until the client goes away, at most five minutes.
- `cut-json`: status 200, and a body that ends in the middle.
- `html-200`: status 200, and a page instead of JSON.
- `empty-200`: status 200, and no body.

Whether a request is hit depends on the seed and on the number of the request alone, so a run with one client
repeats itself exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from .errors import RATE_LIMIT_BODY, SERVER_ERROR_BODY, SandboxError, reset_header
from .noise import seed_key, uniform
from .responses import HTML, JSON, TEXT, encoded

HEADERS = ("retry-after", "reset", "bare")
BODIES = ("json", "text", "empty", "html")
PLAIN_KINDS = ("500", "503", "timeout", "cut-json", "html-200", "empty-200")
KINDS = (
    "429",
    *(f"429-{header}" for header in HEADERS),
    *(f"429-{header}-{body}" for header in HEADERS for body in BODIES),
    *PLAIN_KINDS,
)
# Short, so that a client which obeys it costs a test little; CoinGecko's own values reach 60.
RETRY_AFTER_SECONDS = 1

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>\n"
)
_THROTTLED: Mapping[str, tuple[bytes, str]] = {
    "json": (encoded(RATE_LIMIT_BODY), JSON),
    "text": (b"Throttled", TEXT),
    "empty": (b"", TEXT),
    "html": (_PAGE, HTML),
}


@dataclass(frozen=True)
class Fault:
    """One faulty answer.

    Attributes:
        act: `answer` gives the fields below; `hang` gives nothing; `cut` gives half of the right body.
        status: The HTTP status.
        body: The body.
        media_type: The body's media type.
        headers: Headers beyond the usual ones.
    """

    act: Literal["answer", "hang", "cut"]
    status: int = 200
    body: bytes = b""
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def check_faults(shares: Mapping[str, float]) -> None:
    """Refuse kinds that do not exist and shares that are none.

    Raises:
        SandboxError: What is wrong, in one sentence.
    """
    for kind, share in shares.items():
        if kind not in KINDS:
            raise SandboxError(f"Unknown kind of fault {kind!r}; known are {', '.join(KINDS)}.")
        if not 0.0 <= share <= 1.0:
            raise SandboxError(f"The share of {kind} is {share:g}, but a share lies between 0 and 1.")
    if sum(shares.values()) > 1.0 + 1e-9:
        raise SandboxError(f"The shares of all faults add up to {sum(shares.values()):g}, which is more than 1.")


def parse_fault(text: str) -> tuple[str, float]:
    """Read `KIND=SHARE`, for example `429-reset=0.05`.

    Raises:
        SandboxError: It is not of that form.
    """
    kind, separator, share = text.partition("=")
    try:
        if separator:
            return kind, float(share)
    except ValueError:
        pass
    raise SandboxError(f"{text!r} is not of the form KIND=SHARE, for example 500=0.05.")


class FaultPlan:
    """Decides for each request, by its number, whether and how it fails."""

    def __init__(self, seed: int, shares: Mapping[str, float]) -> None:
        self._key = np.array([seed_key(seed, "faults")], dtype=np.uint64)
        self._shares = dict(shares)

    def for_request(self, number: int, now: datetime) -> Fault | None:
        """The fault of the request with this number, or None where it is answered as it should be.

        Args:
            number: How many requests came before it.
            now: The sandbox's time, from which a reset header counts.
        """
        if not self._shares:
            return None
        drawn = float(uniform(self._key, 0, number)[0])
        for kind, share in self._shares.items():
            if drawn < share:
                return _fault(kind, number, now)
            drawn -= share
        return None


def _fault(kind: str, number: int, now: datetime) -> Fault:
    match kind:
        case "500":
            return Fault("answer", 500, encoded(SERVER_ERROR_BODY))
        case "503":
            return Fault("answer", 503, b"Service Unavailable", TEXT)
        case "timeout":
            return Fault("hang")
        case "cut-json":
            return Fault("cut")
        case "html-200":
            return Fault("answer", 200, _PAGE, HTML)
        case "empty-200":
            return Fault("answer", 200)
    fitting = [pair for pair in KINDS if pair.startswith(kind) and pair.endswith(BODIES)]
    return _throttled(fitting[number % len(fitting)], now)


def _throttled(kind: str, now: datetime) -> Fault:
    _, header, body_kind = kind.replace("retry-after", "retry_after").split("-")
    body, media_type = _THROTTLED[body_kind]
    next_minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    headers = {
        "retry_after": (("retry-after", str(RETRY_AFTER_SECONDS)),),
        "reset": (("x-ratelimit-reset", reset_header(next_minute)),),
        "bare": (),
    }[header]
    return Fault("answer", 429, body, media_type, headers)
