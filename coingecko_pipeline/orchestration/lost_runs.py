"""Runs whose process is gone: known by a lock in the database that each run holds while it works, on every launcher.

A process that was killed, a machine that lost its power or a code location that was replaced leaves its run as started.
The lock is freed whatever ended the process, so a started run whose lock nobody holds is lost.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager

import dagster as dg

from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.locks import BEAT_SECONDS, holding, is_free

LOCK_TAG = "coingecko_pipeline/lock"
"""On each run that has begun to work: the name of the lock that its process holds."""

LOST = "The run's process is gone: it was killed, or its machine stopped. What it had committed stays."

TOLD_TO_END = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


@contextmanager
def run_lock(
    database: Database, instance: dg.DagsterInstance, run_id: str, *, beat_seconds: float = BEAT_SECONDS
) -> Iterator[None]:
    """Hold a run's lock while it works, and end this process's work where the run is told to end.

    So a run ends by *Terminate* whoever launched it and from wherever, also where no launcher reaches its process.

    Args:
        database: Where the lock is.
        instance: Where the run is.
        run_id: The run.
        beat_seconds: Between two looks whether it is to end.
    """
    name = _lock_of(run_id)
    # An instance in memory belongs to its thread, and ends with its process.
    watched = not instance.is_ephemeral
    told = False

    def end_when_told() -> None:
        nonlocal told
        run = instance.get_run_by_id(run_id) if watched and not told else None
        if run and run.status in TOLD_TO_END:
            told = True
            os.kill(os.getpid(), signal.SIGINT)

    with holding(database, name, on_beat=end_when_told, beat_seconds=beat_seconds):
        if watched:
            instance.add_run_tags(run_id, {LOCK_TAG: name})
        yield


def lost_runs(instance: dg.DagsterInstance, database: Database) -> Sequence[dg.DagsterRun]:
    """The runs that have begun to work, have not ended, and whose lock nobody holds just now.

    Args:
        instance: Where the runs are.
        database: Where their locks are.
    """
    at_work = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    # A run that Dagster tries again begins with the tags of the one before, its lock's among them.
    return [
        run
        for run in instance.get_runs(at_work)
        if run.tags.get(LOCK_TAG) == _lock_of(run.run_id) and is_free(database, _lock_of(run.run_id))
    ]


def _lock_of(run_id: str) -> str:
    return f"run {run_id}"


def end_lost_runs(instance: dg.DagsterInstance, database: Database, suspected: Set[str]) -> Set[str]:
    """End the lost runs that were lost when they were looked at last; one alone may be between two of its steps' ends.

    Args:
        instance: Where the runs are.
        database: Where their locks are.
        suspected: The ids of the runs that were lost then.

    Returns:
        The ids of those that are lost now and were not yet ended.
    """
    lost = {run.run_id: run for run in lost_runs(instance, database)}
    for run_id in lost.keys() & suspected:
        run = lost[run_id]
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, LOST)
        else:
            instance.report_run_failed(run, LOST)
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return lost.keys() - suspected


def end_runs_of_the_dead(
    instance: dg.DagsterInstance, database: Database, sleep: Callable[[float], None], seconds: float
) -> None:
    """End the lost runs before others begin.

    Args:
        instance: Where the runs are.
        database: Where their locks are.
        sleep: Lets seconds pass.
        seconds: Between the two looks.
    """
    if suspected := end_lost_runs(instance, database, frozenset()):
        sleep(seconds)
        end_lost_runs(instance, database, suspected)
