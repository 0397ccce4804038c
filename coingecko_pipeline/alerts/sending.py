"""A request to an address that is a secret, since who has it can send there: tried again, never redirected, in no log.

The address is in no message here, and neither is what an answer says beyond a bare code, because servers repeat the
path that they were asked for.
"""

import logging
import random
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import requests
from pydantic import SecretStr
from requests.adapters import BaseAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from coingecko_pipeline.sources.waiting import Clock, SystemClock, wait_asked_for

TIMEOUT_SECONDS = 5.0
"""To connect, and then to wait for the answer; webhooks answer within one."""

TRIES = 3
BACKOFF_SECONDS = 1.0
"""Where the server does not say how long to wait: one, then two seconds, with jitter."""

PATIENCE_SECONDS = 30.0
"""All requests of one sender together. Dagster ends a sensor's evaluation after 60 seconds, and one that it ended is
done again from its start, with all alerts that it had sent; up to five runs are told in one evaluation."""

MAY_PASS = (408, 425, 429)
"""Besides 5xx: time-out, too early, too many."""

CODE = re.compile(r"[a-z_]{3,40}")
"""Slack says what is wrong in a word, as ``no_service`` or ``channel_is_archived``."""


class AlertNotSent(Exception):
    """It was not taken; the message says why, without the address."""


class _MayPass(AlertNotSent):
    """The same request may be taken later.

    Attributes:
        wait_seconds: How long the server asked to wait; None where it did not say.
    """

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class SecretSender:
    """Sends to one secret address.

    Args:
        what: What is sent, as the beginning of a sentence.
        whom: Who takes it, in a word.
        setting: The name of the setting that holds the address.
        url: The address, or none.
        clock: Time of the retries.
        now: The current UTC time, aware.
        adapter: How requests are sent; by default over the network.
    """

    def __init__(
        self,
        what: str,
        whom: str,
        setting: str,
        url: SecretStr | None,
        *,
        clock: Clock | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        adapter: BaseAdapter | None = None,
    ) -> None:
        self._what = what
        self._whom = whom
        self._setting = setting
        self._url = url
        self._clock = clock or SystemClock()
        self._now = now
        self._adapter = adapter
        self._deadline = self._clock.monotonic() + PATIENCE_SECONDS

    @property
    def is_set(self) -> bool:
        """Whether there is an address to send to."""
        return self._url is not None

    def send(self, method: str, json: Mapping[str, str] | None = None) -> None:
        """Send a request, with a bounded number of tries.

        Args:
            method: GET or POST.
            json: The body; None for a request without one.

        Raises:
            AlertNotSent: There is no address, or it did not take the request.
        """
        if self._url is None:
            raise AlertNotSent(f"{self._setting} is not set, so {self._what[0].lower()}{self._what[1:]} was not sent.")
        retrying = Retrying(
            retry=retry_if_exception_type(_MayPass),
            wait=_wait_seconds,
            stop=self._enough,
            sleep=self._clock.sleep,
            reraise=True,
        )
        retrying(self._try, method, self._url.get_secret_value(), json)

    def _try(self, method: str, url: str, json: Mapping[str, str] | None) -> None:
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise AlertNotSent(
                f"{self._what} was not sent: the {self._whom} took {PATIENCE_SECONDS:.0f} seconds for those before it."
            )
        timeout = min(TIMEOUT_SECONDS, left)
        broken = ""
        try:
            with requests.Session() as session, _unlogged():
                if self._adapter:
                    session.mount("http://", self._adapter)
                    session.mount("https://", self._adapter)
                response = session.request(method, url, json=json, timeout=timeout, allow_redirects=False)
        except (requests.RequestException, ValueError) as error:
            broken = type(error).__name__
        if broken:
            # Raised out here, so that the library's error, which holds the address, is not even its context.
            raise _MayPass(
                f"{self._what} was not sent: the {self._whom} gave no answer ({broken}); check the network and "
                f"{self._setting}."
            )
        if not 200 <= response.status_code < 300:
            raise self._refusal(url, response)

    def _refusal(self, url: str, response: requests.Response) -> AlertNotSent:
        word = response.text.strip()
        detail = f" ({word})" if CODE.fullmatch(word) and word not in url else ""
        said = f"{self._what} was not sent: the {self._whom} answered {response.status_code}{detail}"
        if response.status_code in MAY_PASS or response.status_code >= 500:
            return _MayPass(f"{said}.", wait_asked_for(response.headers, self._now()))
        return AlertNotSent(f"{said}; make a new {self._whom} if this one is gone, and set {self._setting}.")

    def _enough(self, state: RetryCallState) -> bool:
        return state.attempt_number >= TRIES or self._clock.monotonic() + state.upcoming_sleep >= self._deadline


def _wait_seconds(state: RetryCallState) -> float:
    """The server's wait in full, else exponential backoff with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _MayPass) and error.wait_seconds:
        return error.wait_seconds
    ceiling = BACKOFF_SECONDS * 2.0 ** (state.attempt_number - 1)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret


@contextmanager
def _unlogged() -> Iterator[None]:
    """Drop what urllib3 logs of this thread: the path at the level of debugging, the address with a bad header."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("urllib3.")]
    thread = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    # A logger's filter is not asked for what its children log.
    for name in names:
        logging.getLogger(name).addFilter(of_others)
    try:
        yield
    finally:
        for name in names:
            logging.getLogger(name).removeFilter(of_others)
