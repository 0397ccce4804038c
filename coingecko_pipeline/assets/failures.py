"""Errors as Dagster acts on them: what is permanent fails at once, what may pass is left to the retry policy."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from coingecko_pipeline.acquisition.planning import AcquisitionError
from coingecko_pipeline.coingecko.errors import PermanentError
from coingecko_pipeline.settings import SettingsError
from coingecko_pipeline.warehouse import DatabaseUnavailable, WarehouseError

RETRIES = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""After the HTTP layer gave up: three more tries, a minute, two and four minutes later."""

COINGECKO_POOL = "coingecko_api"
"""One step at a time uses the key, so that no two runs share its minute."""


@contextmanager
def permanent_failures() -> Iterator[None]:
    """Turn an error that will be the same next time into a failure that is not retried; its sentence is kept.

    Raises:
        dagster.Failure: With ``allow_retries=False``.
    """
    try:
        yield
    except DatabaseUnavailable:
        raise
    except (PermanentError, AcquisitionError, SettingsError, WarehouseError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
