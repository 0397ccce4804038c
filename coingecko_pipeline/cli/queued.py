"""A run that a daemon does for a command: put into its queue, followed to its end, ended with the command."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import dagster as dg

from coingecko_pipeline.acquisition.progress import Progress, ReplayedProgress
from coingecko_pipeline.cli.instance import project_file

POLL_SECONDS = 1.0

WORKSPACE = "DAGSTER_WORKSPACE"
"""The environment variable that names the workspace's file, where that is not the project's own."""

EVENTS_AT_ONCE = 1_000

WAITING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED)


HEARD_SECONDS = 75.0
"""A daemon gives a sign of life every 30 seconds; one that was not heard for longer is gone."""


def daemon_at_work(instance: dg.DagsterInstance, now: Callable[[], float] = time.time) -> bool:
    """Whether a daemon takes runs from the instance's queue just now.

    Args:
        instance: The instance.
        now: Seconds since 1970.
    """
    beat = instance.get_daemon_heartbeats().get("QUEUED_RUN_COORDINATOR")
    return beat is not None and now() - beat.timestamp < HEARD_SECONDS


class DaemonGone(Exception):
    """No daemon took the run from the queue; it was taken back."""


def put_into_queue(job: str, ops: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Ask the daemon for a run, by Dagster's own command; the run's id.

    Args:
        job: The job's name.
        ops: Config by op.
        tags: Of the run; those of its partitions among them.

    Raises:
        click.ClickException: The code location did not take it.
    """
    run_id = str(uuid.uuid4())
    workspace = os.environ.get(WORKSPACE) or str(project_file("workspace.yaml"))
    command = [str(Path(sys.executable).with_name("dagster")), "job", "launch", "-w", workspace, "-j", job]
    options = ["--run-id", run_id, "--config-json", json.dumps({"ops": ops}), "--tags", json.dumps(tags)]
    launched = subprocess.run([*command, *options], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if launched.returncode:
        reason = launched.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise click.ClickException(
            f"The daemon at work on this DAGSTER_HOME could not be asked for {job}: {reason[0]}. Its code location may "
            "be away for a moment; where no daemon is at work, end the process that still says so."
        )
    return run_id


def follow(
    instance: dg.DagsterInstance,
    run_id: str,
    progress: Progress,
    take: Callable[[dg.DagsterEvent], None],
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> list[dg.DagsterEvent]:
    """Wait for the end of a run and show how far it is; its events. An interruption ends the run first.

    Args:
        instance: Where the run is.
        run_id: The run.
        progress: Shown how far it is.
        take: Given each event when it is there.
        tell: Told what is waited for, once each.
        sleep: Lets seconds pass.

    Raises:
        DaemonGone: The daemon ended before it took the run.
    """
    events: list[dg.DagsterEvent] = []
    replayed = ReplayedProgress(progress)
    cursor: str | None = None
    told = ended = False
    with _sigterm_as_interrupt():
        while True:
            try:
                run = _run(instance, run_id)
                if run.status in WAITING:
                    if not daemon_at_work(instance):
                        instance.report_run_canceled(run, "The daemon ended before it took the run.")
                        raise DaemonGone
                    if not told:
                        tell(f"The daemon has the run {run_id} in its queue.")
                    told = True
                found = instance.get_records_for_run(run_id, cursor=cursor, limit=EVENTS_AT_ONCE)
                cursor = found.cursor
                for record in found.records:
                    entry = record.event_log_entry
                    if entry.dagster_event:
                        events.append(entry.dagster_event)
                        take(entry.dagster_event)
                    else:
                        replayed.read(entry.user_message)
                if found.has_more:
                    continue
                if run.is_finished:
                    return events
                sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if ended:
                    raise
                ended = True
                _end(instance, run_id, tell)


def _end(instance: dg.DagsterInstance, run_id: str, tell: Callable[[str], None]) -> None:
    """Tell a run to end; its own process sees that within seconds."""
    run = _run(instance, run_id)
    if run.status in WAITING:
        instance.report_run_canceled(run, "The command that had asked for the run was ended.")
    elif not run.is_finished:
        tell(f"Ending the run {run_id} (Ctrl-C again leaves it alone).")
        instance.report_run_canceling(run, "The command that had asked for the run was ended.")


def _run(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise click.ClickException(f"The run {run_id} was deleted before its end.")
    return run


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
