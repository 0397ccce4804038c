"""What can go wrong with a call to any source, as a tree that tells what may be tried again.

    SourceError
    ├── RetriableCall             the same call may succeed later
    │   ├── RateLimited           429; carries the wait that the server asked for
    │   ├── ServiceUnavailable    5xx
    │   ├── ConnectionFailed      no answer: reset, timed out, or
    │   │   └── NotReached        there was no connection: the name does not resolve, or it is refused
    │   └── BrokenAnswer          200, but not what was asked for: cut, empty, HTML, another shape; holds what came
    └── PermanentCall             the same call fails again until someone changes something
        ├── CallerRefused         every other call would fail as well: the key, the plan, or
        │   ├── AccessDenied      403: the address or the client is blocked
        │   ├── NetworkAway       not reached, where somebody waits in front of a terminal
        │   └── RedirectRefused   3xx to another host or protocol
        └── BadRequest            any other status: the call itself is wrong

A source adds kinds of its own where its answers tell more apart; the retries and Dagster's side look at nothing but
these. Only what was attempted, the status and the server's own message go into a message: never a URL, a header or a
key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS

MESSAGE_LENGTH = 300
"""Characters of a server's message that an error repeats; HTML pages and proxies answer with whole documents."""


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


class RateLimited(RetriableCall):
    """Status 429."""


class ServiceUnavailable(RetriableCall):
    """The server failed (5xx), or says that the endpoint is down for now."""


class ConnectionFailed(RetriableCall):
    """There was no answer: refused, reset, or later than the time-out."""


class NotReached(ConnectionFailed):
    """There was no connection: the name does not resolve, it is refused, or nobody takes it.

    Attributes:
        host: The one that was called.
        why: What went wrong, as in "its name does not resolve".
    """

    def __init__(self, message: str, host: str, why: str) -> None:
        super().__init__(message)
        self.host = host
        self.why = why


class BrokenAnswer(RetriableCall):
    """The answer has status 200 and is not what was asked for.

    Attributes:
        answer: What came, and when; None where no single answer is meant.
    """

    answer: Answer | None = None

    @property
    def body(self) -> bytes | None:
        """What came, as received."""
        return self.answer.body if self.answer else None


class PermanentCall(SourceError):
    """The same call fails again until someone changes something."""


class CallerRefused(PermanentCall):
    """The key, the plan or this address is refused, so that every other call would fail as well."""


class AccessDenied(CallerRefused):
    """The server refuses this address or client."""


class NetworkAway(CallerRefused):
    """The server was never reached, and who waits for it sits in front of a terminal."""


class RedirectRefused(CallerRefused):
    """The server wants the calls to be made at another host or by another protocol, and a key goes nowhere else."""


class BadRequest(PermanentCall):
    """The call itself is wrong."""


@dataclass(frozen=True)
class FailedAnswer:
    """An answer that is not what was asked for: its status, or its body where that is 200, tells an error.

    Attributes:
        title: The source's name in sentences.
        what: What was attempted; for example "the market chart of 'bitcoin'".
        status: The HTTP status.
        body: As received.
        wait_seconds: How long the server asked to wait; None where it did not say.
        elsewhere: Protocol and host that it redirects to; empty where it does not, or only to another path.
    """

    title: str
    what: str
    status: int
    body: bytes
    wait_seconds: float | None = None
    elsewhere: str = ""

    @property
    def told_status(self) -> int:
        """The HTTP status; of an answer with 200 the one that its body tells in the usual fields, where it does."""
        return self.status if self.status != 200 else _status_in(self.document) or 200

    @property
    def document(self) -> Any:
        """The parsed body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def message(self) -> str:
        """The server's words, shortened to one line; empty where it said nothing."""
        text = self.body.decode("utf-8", errors="replace").strip()
        try:
            said = " ".join(_words_in(json.loads(text)))
        except RecursionError:
            return ""
        except ValueError:
            said = "an HTML page" if text.startswith("<") else text
        return " ".join(said.encode("utf-8", errors="replace").decode().split())[:MESSAGE_LENGTH]

    def error(self, kind: type[SourceError], advice: str) -> SourceError:
        """An error that says what was attempted, what the server said, and what to do.

        Args:
            kind: The error's class.
            advice: What that means and what can be done about it, without a full stop.
        """
        said = f" ({self.message})" if self.message else ""
        sentence = f"{self.title} answered {self.status} to {self.what}{said}: {advice}."
        if not issubclass(kind, RetriableCall):
            return kind(sentence)
        if self.wait_seconds is not None and self.wait_seconds > LONGEST_WAIT_SECONDS:
            sentence += (
                f" It asks to wait {self.wait_seconds:,.0f} seconds, and at most {LONGEST_WAIT_SECONDS:,.0f} are "
                f"waited: try again later, or ask {self.title} what it means."
            )
        return kind(sentence, self.wait_seconds)


def error_of(failed: FailedAnswer) -> SourceError:
    """The error that an answer of any source stands for, as far as HTTP itself says.

    An answer with status 200 whose body tells no status is a BrokenAnswer with the server's words.
    """
    status = failed.told_status
    if status == 429:
        return failed.error(RateLimited, "too many calls")
    if status >= 500:
        return failed.error(ServiceUnavailable, "the service is unavailable")
    if status == 200:
        return failed.error(BrokenAnswer, "that is an error and not what was asked for")
    if failed.elsewhere:
        return failed.error(
            RedirectRefused,
            f"it redirects to {failed.elsewhere}, and no call and no key goes anywhere else than where it was sent; "
            f"check {failed.title.upper()}_BASE_URL where it is set, and what stands between here and {failed.title}",
        )
    if status == 403:
        return failed.error(
            AccessDenied, f"this address or key is blocked; try from another address, or ask {failed.title}"
        )
    return failed.error(
        BadRequest,
        f"the call was refused; check {failed.title.upper()}_BASE_URL where it is set, or report it with this message",
    )


def _status_in(document: Any) -> int | None:
    """The HTTP status of an error that a body tells, whichever of the usual fields hold it."""
    if not isinstance(document, Mapping):
        return None
    told = [document.get(key) for key in ("status", "error_code", "code", "error")]
    statuses = (status if type(status) is int and 400 <= status < 600 else _status_in(status) for status in told)
    return next((status for status in statuses if status), None)


def _words_in(document: Any) -> list[str]:
    """The texts of an error's body, whichever of the usual fields hold them."""
    if isinstance(document, str):
        return [document]
    if not isinstance(document, Mapping):
        return []
    return [word for key in ("error_message", "message", "status", "error") for word in _words_in(document.get(key))]
