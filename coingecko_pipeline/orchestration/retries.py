"""Steps tried again, and ended when they are told to.

Dagster 1.13 takes an interruption of a step that has a retry policy for one more reason to try it again, and is deaf to
it while it waits for the next try. It asks a policy for the delay inside its `except` block, so the policy is the one
place that can let the interruption through, and where a pause can be ended.
"""

import logging
import sys
import time
from contextlib import suppress

import dagster as dg

log = logging.getLogger(__name__)

INTERRUPTIONS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
"""What Ctrl-C, SIGTERM and *Terminate* raise inside a step."""


class InterruptibleRetries(dg.RetryPolicy):
    """A retry policy whose pauses are spent inside the step that failed, and end with an interruption."""

    def calculate_delay(self, attempt_num: int) -> float:
        """Let the pause before a try pass; Dagster has no more of it to wait for.

        Args:
            attempt_num: The try that would follow, from 1; one more than there are is none.

        Raises:
            KeyboardInterrupt: The step was interrupted, in itself or in the pause.
            dagster.DagsterExecutionInterruptedError: The same.
        """
        error = sys.exception()
        if isinstance(error, INTERRUPTIONS):
            raise error
        if attempt_num <= self.max_retries:
            seconds = super().calculate_delay(attempt_num)
            # The log goes to Dagster's storage, which may be what is away.
            with suppress(Exception):
                log.warning(
                    "%s Trying the step again in %.0f s (%d of %d).", error, seconds, attempt_num, self.max_retries
                )
            self.pause(seconds)
        return 0.0

    def pause(self, seconds: float) -> None:
        """Let seconds pass; a signal ends it."""
        time.sleep(seconds)


RETRIES = InterruptibleRetries(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""After the HTTP layer gave up: three more tries, a minute, two and four minutes later."""
