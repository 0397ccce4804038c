"""Errors as Dagster acts on them: what is permanent fails at once, what may pass is left to the retry policy."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pandas as pd
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from coingecko_pipeline.acquisition.planning import AcquisitionError
from coingecko_pipeline.archive.dates import BackwardsDates
from coingecko_pipeline.lake import LakeError
from coingecko_pipeline.report import ReportError
from coingecko_pipeline.settings import SettingsError
from coingecko_pipeline.sources.errors import PermanentCall, RetriableCall
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import DatabaseUnavailable, WarehouseError
from coingecko_pipeline.warehouse.failures import is_outage, is_transient, words_of

COINGECKO_POOL = COINGECKO.pool
"""One step at a time uses the key, so that no two runs share its minute."""


PERMANENT = (*(PermanentCall, AcquisitionError, BackwardsDates, LakeError, ReportError, SettingsError, WarehouseError),)
"""What another try cannot help, and whose message is a sentence for the user."""


def _began_in_a_database(error: BaseException | None) -> bool:
    """Whether a database was away: Dagster's own takes each line that a run logs, and raises errors of its own."""
    while error is not None:
        if isinstance(error, DBAPIError) or type(error).__module__.startswith("mysql.connector"):
            return True
        error = error.__cause__
    return False


@contextmanager
def permanent_failures() -> Iterator[None]:
    """Let what may pass be retried, and turn every other error into a failure that is not; its sentence is kept.

    Raises:
        dagster.Failure: With ``allow_retries=False``.
    """
    try:
        yield
    except (RetriableCall, DatabaseUnavailable, PendingRollbackError, dg.Failure):
        raise
    except DBAPIError as error:
        if is_transient(error) or is_outage(error):
            raise
        told = f"The database did not take a statement ({words_of(error)}). Please report it with the log of this run."
        raise dg.Failure(description=told, allow_retries=False) from error
    except PERMANENT as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except Exception as error:
        if _began_in_a_database(error):
            raise
        told = f"An unexpected {type(error).__name__}: {error}. Please report it with the log of this run."
        raise dg.Failure(description=told, allow_retries=False) from error


def failing_for_good(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The frames, whose calls are made while they are taken: a permanent error ends the step without a retry.

    Raises:
        dagster.Failure: With ``allow_retries=False``.
    """
    with permanent_failures():
        yield from frames


def tell_survived(context: dg.AssetExecutionContext, survived: Counter[str]) -> dict[str, dg.MetadataValue]:
    """What the calls survived: one line in the run's log, and the metadata.

    Args:
        context: Of the run.
        survived: How many failures of each kind passed when the call was made again.
    """
    if survived:
        context.log.info("Survived %s.", ", ".join(f"{count:,} {kind}" for kind, count in survived.most_common()))
    return {"failures_survived": dg.MetadataValue.json(dict(survived))}
