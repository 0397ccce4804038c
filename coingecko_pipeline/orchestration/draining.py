"""The runs at work waited for before an upgrade, and ended where they take too long."""

import time
from collections.abc import Callable, Sequence

import dagster as dg

AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
"""What has left the queue and has not ended."""

POLL_SECONDS = 2.0
END_SECONDS = 60.0
"""A run that is told to end does so within ten seconds; one whose process is gone is found by its lock in two minutes,
and holds nothing back here."""
WHY = "The deployment is being upgraded."


def drain(
    instance: dg.DagsterInstance,
    seconds: float,
    tell: Callable[[str], None],
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Sequence[str]:
    """Wait until no run is at work; after some time tell those that are to end, and wait for that.

    Nothing may take runs from the queue meanwhile; those that wait in it stay there.

    Args:
        instance: Where the runs are.
        seconds: To wait before the runs are told to end.
        tell: Told what is waited for, whenever that changes.
        monotonic: Seconds that never run backwards.
        sleep: Lets seconds pass.

    Returns:
        The runs that are still at work, by id: none, unless a process is gone or hangs.
    """
    told = ""
    deadline, ending = monotonic() + seconds, False
    while runs := instance.get_runs(dg.RunsFilter(statuses=AT_WORK)):
        if monotonic() >= deadline:
            if ending:
                return [run.run_id for run in runs]
            ending, deadline = True, monotonic() + END_SECONDS
            for run in runs:
                if run.status != dg.DagsterRunStatus.CANCELING:
                    instance.report_run_canceling(run, WHY)
        names = ", ".join(sorted(f"{run.job_name} ({run.run_id[:8]})" for run in runs))
        line = f"{'Ending' if ending else 'Waiting for'} {names}."
        if line != told:
            tell(line)
        told = line
        sleep(POLL_SECONDS)
    return []
