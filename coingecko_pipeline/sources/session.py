"""The HTTP session of every source: calls with limits and counts, tried again until they bring what was asked for.

It is a `requests.Session`, so that a client library whose session can be replaced, as pycoingecko's, runs on it.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from pydantic import SecretStr
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import NameResolutionError, NewConnectionError

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.errors import (
    MESSAGE_LENGTH,
    BrokenAnswer,
    ConnectionFailed,
    FailedAnswer,
    NetworkAway,
    NotReached,
    RateLimited,
    RetriableCall,
    SourceError,
    error_of,
)
from coingecko_pipeline.sources.limiter import RateLimiter
from coingecko_pipeline.sources.retrying import TRIES, Retries
from coingecko_pipeline.sources.usage import Usage, origin_of
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS, wait_asked_for

TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and to wait for data: the slowest answers, a list of 50,000 coins and a full history, take seconds."""

PATIENCE_SECONDS = 20.0
"""For how long a server is tried that is not reached, where somebody waits for it in front of a terminal."""
QUICK_TIMEOUT_SECONDS = (3.0, TIMEOUT_SECONDS[1])
"""Then to connect: a host has several addresses, and each is tried."""

CONNECTIONS = 32
"""Connections that are kept open; more threads than that would open one for each call."""

T = TypeVar("T")


def utc_now() -> datetime:
    """The current UTC time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Opening:
    """What a client is opened with.

    Attributes:
        base_url: Another address than the source's own; None for its own.
        now: The current UTC time, aware.
        on_origin: Told "live" or "sandbox" with each answer before it is used; raises where that is the wrong one.
        sleep: Lets seconds pass between two tries.
        adapter: How requests are sent; None for over the network.
        timeouts: Seconds to connect and to wait for data.
        patience: Seconds for which a server is tried that was never reached; None for as long as after any failure.
        on_wait: Told the seconds and the reason of each wait for a server that is not reached.
    """

    base_url: str | None = None
    now: Callable[[], datetime] = utc_now
    on_origin: Callable[[str], None] | None = None
    sleep: Callable[[float], None] = time.sleep
    adapter: BaseAdapter | None = None
    timeouts: tuple[float, float] = TIMEOUT_SECONDS
    patience: float | None = None
    on_wait: Callable[[float, str], None] | None = None


class SourceSession(requests.Session):
    """Calls to one source; may be used from several threads.

    Redirects are not followed, so that a key goes nowhere else.

    Args:
        title: The source's name in sentences. In capitals it begins the names of its settings.
        base_url: The source's own address.
        opening: What the client was opened with.
        error_of: What an answer stands for whose status is not 200.
        secrets: Headers that hold a key.
        limiter: Asked before each call; None where nothing has to hold the calls back.
    """

    def __init__(
        self,
        title: str,
        base_url: str,
        opening: Opening,
        *,
        error_of: Callable[[FailedAnswer], SourceError] = error_of,
        secrets: Mapping[str, SecretStr] | None = None,
        limiter: RateLimiter | None = None,
    ) -> None:
        super().__init__()
        self.base_url = (opening.base_url or base_url).rstrip("/")
        self.headers["accept"] = "application/json"
        self._timeouts = opening.timeouts if opening.patience is None else QUICK_TIMEOUT_SECONDS
        self.mount(self.base_url, opening.adapter or HTTPAdapter(pool_maxsize=CONNECTIONS))
        self._title = title
        self._opening = opening
        self._error_of = error_of
        self._secrets = secrets or {}
        self._limiter = limiter
        self._was_reached = False
        self._away: NetworkAway | None = None
        self._retries = Retries(opening.sleep, lambda: None if self._was_reached else opening.patience, opening.on_wait)
        self.survived = self._retries.survived
        """How many failures of each kind were tried again."""
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._credits: Counter[str] = Counter()
        self._current = _CallOfThread()

    @property
    def usage(self) -> Usage:
        """The calls made and credits spent so far, over all threads."""
        with self._lock:
            return Usage(self._calls.copy(), self._credits.copy())

    def ask(
        self,
        endpoint: str,
        what: str,
        read: Callable[[Any], T],
        call: Callable[[], Any] | None = None,
        *,
        broken_tries: int = TRIES,
    ) -> tuple[T, Answer]:
        """Make a call until it succeeds, fails for good, or has been tried and waited for long enough.

        Args:
            endpoint: What the call is counted under; its path, unless `call` says otherwise.
            what: What is attempted, for the messages; for example "the list of coins".
            read: Makes of the parsed body what it stands for; raises BrokenAnswer where it is something else.
            call: Makes one call through `get` and gives the parsed body; by default of the endpoint, as JSON.
            broken_tries: How many broken answers end it: each one costs a credit.

        Returns:
            What was read, and the answer that it was read from.

        Raises:
            SourceError: The call failed for good; a BrokenAnswer holds what came last.
        """

        def attempt() -> tuple[T, Answer]:
            current = self._current
            current.endpoint, current.what, current.answer = endpoint, what, None
            try:
                return read(self._document(call)), current.received()
            except BrokenAnswer as broken:
                broken.answer = current.answer
                if (told := self._told_by(current)) is not None:
                    raise told from broken
                raise

        try:
            if self._away:
                raise self._away
            return self._retries.call(attempt, broken_tries)
        except NotReached as error:
            if self._opening.patience is None or self._was_reached:
                raise
            self._away = NetworkAway(
                f"{error.host} is not reached: {error.why}. Check the network, and {self._title.upper()}_BASE_URL "
                "where it is set, then run the same again."
            )
            raise self._away from None

    def get(self, url: str | bytes, **options: Any) -> requests.Response:
        """Make the current call of this thread once, within the rate limit.

        Raises:
            SourceError: Whatever is not an answer with status 200.
        """
        current, now = self._current, self._opening.now
        options |= {"timeout": self._timeouts, "allow_redirects": False}
        options["headers"] = {name: secret.get_secret_value() for name, secret in self._secrets.items()}
        if self._limiter:
            self._limiter.acquire()
        asked_at = now()
        try:
            response = super().get(url, **options)
        except requests.RequestException as error:
            # The library's message holds the whole URL, whose user and path can be secrets; its kind says enough.
            host = urlsplit(self.base_url).netloc.rpartition("@")[2]
            why = why_not_reached(error)
            told = (
                f"There was no answer to {current.what} from {host}: {why or type(error).__name__}; "
                f"check the network, and {self._title.upper()}_BASE_URL where it is set."
            )
            raise (NotReached(told, host, why) if why else ConnectionFailed(told)) from None
        self._was_reached = True
        answer = Answer(response.content, asked_at, now())
        self._count(current.endpoint, response.status_code)
        failure = None if response.status_code == 200 else self._failure(current.what, response, answer)
        if self._limiter:
            if isinstance(failure, RateLimited):
                self._limiter.refused(failure.wait_seconds)
            else:
                self._limiter.answered()
                wait = failure.wait_seconds if isinstance(failure, RetriableCall) else None
                if wait and wait <= LONGEST_WAIT_SECONDS:
                    self._limiter.tell(wait, f"{self._title} answered {response.status_code}")
        if failure:
            raise failure
        if self._opening.on_origin:
            self._opening.on_origin(origin_of(response.headers))
        current.answer = answer
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere. Without following it, requests still reads where a redirect leads to, and fails where it is none."""

    def _document(self, call: Callable[[], Any] | None) -> Any:
        """The parsed body of one call.

        Raises:
            SourceError: The call failed, or its body is no JSON.
        """
        current = self._current
        try:
            return call() if call else json.loads(self.get(f"{self.base_url}/{current.endpoint}").content)
        except (ValueError, RecursionError) as error:  # numbers of 5,000 digits and lists a thousand deep as well
            if current.answer is None:
                raise
            raise BrokenAnswer(
                f"{self._title} answered {current.what} with status 200 and a body that is no JSON."
            ) from error

    def _failure(self, what: str, response: requests.Response, answer: Answer) -> SourceError:
        wait_seconds = wait_asked_for(response.headers, answer.answered_at)
        elsewhere = self._elsewhere(response.headers.get("Location", "")) if response.is_redirect else ""
        return self._error_of(
            FailedAnswer(self._title, what, response.status_code, answer.body, wait_seconds, elsewhere)
        )

    def _told_by(self, current: "_CallOfThread") -> SourceError | None:
        """The error that the body of a broken answer with status 200 tells in words; None where it tells none."""
        if current.answer is None:
            return None
        failed = FailedAnswer(self._title, current.what, 200, current.answer.body)
        if not isinstance(failed.document, dict) or not failed.message:
            return None
        told = self._error_of(failed)
        if isinstance(told, BrokenAnswer):
            told.answer = current.answer
        return told

    def _elsewhere(self, location: str) -> str:
        """The protocol and host of an address to which a call is redirected; empty where they are the same."""
        try:
            here, there = urlsplit(self.base_url), urlsplit(urljoin(f"{self.base_url}/", location))
        except ValueError:
            return "an address that is none"
        hosts = [parts.netloc.rpartition("@")[2].lower() for parts in (here, there)]
        if hosts[0] == hosts[1] and here.scheme == there.scheme:
            return ""
        # A header holds bytes of any kind.
        return f"{there.scheme}://{hosts[1]}".encode("ascii", "replace").decode()[:MESSAGE_LENGTH]

    def _count(self, endpoint: str, status: int) -> None:
        with self._lock:
            self._calls[endpoint] += 1
            self._credits[endpoint] += status == 200


def why_not_reached(error: requests.RequestException) -> str | None:
    """Why there was no connection, in words; None where there was one.

    Args:
        error: Of the HTTP library, which wraps that of its own.
    """
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.exceptions.ProxyError):
        return "its proxy is not reached"
    if isinstance(error, requests.ConnectTimeout):
        return "nobody answers there"
    if isinstance(cause, NameResolutionError):
        return "its name does not resolve"
    if isinstance(cause, NewConnectionError):
        refused = isinstance(cause.__cause__, ConnectionRefusedError)
        return "the connection is refused" if refused else "there is no way to it"
    return None


class _CallOfThread(threading.local):
    """What a thread is asking for; the library between `ask` and `get` passes none of it on."""

    endpoint: str
    what: str
    answer: Answer | None

    def received(self) -> Answer:
        """The answer that the latest call brought."""
        if self.answer is None:
            raise RuntimeError(f"{self.what} was asked for without the session.")
        return self.answer
