"""A call tried again until it succeeds, fails for good, or has been tried and waited for long enough."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from coingecko_pipeline.sources.errors import BrokenAnswer, NotReached, RetriableCall
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS

log = logging.getLogger(__name__)

TRIES = 8
BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 60.0
"""Where the server does not say how long to wait: doubled with each try, up to a minute, its window."""

T = TypeVar("T")


class Retries:
    """Tries calls again; safe to use from several threads.

    Args:
        sleep: Lets seconds pass.
        patience: Tells for how many seconds a server that is not reached is tried; None for as long as any failure.
        on_wait: Told the seconds and the reason of each wait for a server that is not reached.
    """

    def __init__(
        self,
        sleep: Callable[[float], None],
        patience: Callable[[], float | None] = lambda: None,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        self._patience = patience
        self._on_wait = on_wait
        self.survived: Counter[str] = Counter()
        """How many failures of each kind were tried again."""
        self._sleep = sleep
        self._telling = threading.Lock()

    def call(self, attempt: Callable[[], T], broken_tries: int = TRIES) -> T:
        """What the attempt gives at last.

        Args:
            attempt: Makes the call once.
            broken_tries: How many broken answers end it.

        Raises:
            SourceError: What the last attempt raised.
        """
        broken = 0

        def enough(state: RetryCallState) -> bool:
            nonlocal broken
            broken += isinstance(_error_of(state), BrokenAnswer)
            waited = state.idle_for + state.upcoming_sleep
            if isinstance(_error_of(state), NotReached) and (patience := self._patience()) is not None:
                # By the clock, since an attempt takes its time; by the waits where `sleep` is a test's.
                return max(waited, (state.seconds_since_start or 0.0) + state.upcoming_sleep) > patience
            return state.attempt_number >= TRIES or broken >= broken_tries or waited > LONGEST_WAIT_SECONDS

        retrying = Retrying(
            retry=retry_if_exception_type(RetriableCall),
            wait=_wait_seconds,
            stop=enough,
            sleep=self._sleep,
            before_sleep=self._tell,
            reraise=True,
        )
        return retrying(attempt)

    def _tell(self, state: RetryCallState) -> None:
        error = _error_of(state)
        with self._telling:
            self.survived[type(error).__name__] += 1
        if isinstance(error, NotReached) and self._on_wait:
            self._on_wait(state.upcoming_sleep, f"{error.host} is not reached: {error.why}")
            return
        log.warning(
            "%s Trying again in %.1f s (try %d of %d).",
            error,
            state.upcoming_sleep,
            state.attempt_number,
            TRIES,
        )


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _wait_seconds(state: RetryCallState) -> float:
    """The server's wait in full, else exponential backoff with full jitter."""
    error = _error_of(state)
    if isinstance(error, RetriableCall) and error.wait_seconds:
        return error.wait_seconds
    ceiling = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2.0**state.attempt_number)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret
