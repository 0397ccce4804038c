"""The HTTP session that pycoingecko's methods run on: the key in a header, the rate limit, typed errors, counts.

pycoingecko's own transport puts the key into the URL, has no rate limit and turns every error into a ValueError;
its ``session`` attribute is public, and this is what is put there. Retries are the client's, since only it can tell
whether a 200 holds what was asked for.
"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
from pydantic import SecretStr

from coingecko_pipeline.sources.coingecko.errors import ConnectionFailed, RateLimited, error_of
from coingecko_pipeline.sources.coingecko.limiter import RateLimiter
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.usage import Usage, origin_of

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 60.0
"""CoinGecko's slowest answers, the list with platforms and a full history, take a few seconds."""


class CoinGeckoSession(requests.Session):
    """A requests session that keeps to the plan.

    Args:
        plan: Where the calls go, and which header carries the key.
        api_key: The key; None where the plan sends none.
        limiter: Asked before each call.
        now: The current UTC time, aware.
        on_origin: Told "live" or "sandbox" with each answer before it is used; it raises where that is the wrong one.
        timeouts: Seconds to connect and to wait for data.
    """

    def __init__(
        self,
        plan: Plan,
        api_key: SecretStr | None,
        limiter: RateLimiter,
        now: Callable[[], datetime],
        on_origin: Callable[[str], None] | None,
        timeouts: tuple[float, float],
    ) -> None:
        super().__init__()
        self.headers["accept"] = "application/json"
        self._plan = plan
        self._key = api_key
        self._limiter = limiter
        self._now = now
        self._on_origin = on_origin
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._credits: Counter[str] = Counter()
        self._of_thread = threading.local()

    @property
    def usage(self) -> Usage:
        """The calls made so far, over all threads."""
        with self._lock:
            return Usage(self._calls.copy(), self._credits.copy())

    @property
    def last_body(self) -> bytes:
        """The body of this thread's latest successful answer, as received."""
        body: bytes = self._of_thread.body
        return body

    def attempt(self, endpoint: str, what: str) -> None:
        """Say what this thread's next call is: the endpoint it is counted under, and the words of its errors."""
        self._of_thread.endpoint = endpoint
        self._of_thread.what = what

    def get(self, url: str | bytes, **options: Any) -> requests.Response:
        """Make one call within the rate limit.

        Raises:
            CoinGeckoError: Whatever is not an answer with status 200.
        """
        endpoint, what = self._of_thread.endpoint, self._of_thread.what
        options |= {"timeout": self._timeouts, "allow_redirects": False}
        if self._plan.key_header and self._key:
            options["headers"] = {self._plan.key_header: self._key.get_secret_value()}
        self._limiter.acquire()
        try:
            response = super().get(url, **options)
        except requests.RequestException as error:
            # The library's message holds the whole URL; its kind says enough.
            raise ConnectionFailed(
                f"There was no answer to {what} from {self._plan.base_url}: {type(error).__name__}; "
                "check the network and COINGECKO_BASE_URL."
            ) from None
        self._count(endpoint, response.status_code)
        if response.status_code != 200:
            failure = error_of(what, response.status_code, response.headers, response.content, self._now())
            if isinstance(failure, RateLimited):
                self._limiter.refused(failure.wait_seconds)
            else:
                self._limiter.answered()
            raise failure
        self._limiter.answered()
        if self._on_origin:
            self._on_origin(origin_of(response.headers))
        self._of_thread.body = response.content
        return response

    def _count(self, endpoint: str, status: int) -> None:
        with self._lock:
            self._calls[endpoint] += 1
            self._credits[endpoint] += status == 200
