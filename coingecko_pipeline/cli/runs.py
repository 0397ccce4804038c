"""Running a job in this process on the shared instance, and telling what came of it."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import dagster as dg

from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.instance import daemon_at_work
from coingecko_pipeline.cli.queued import DaemonGone, follow, put_into_queue
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS, tell_problem, watching
from coingecko_pipeline.cli.turns import BETWEEN_LOOKS_SECONDS, pools_of, turn
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.asked_runs import database_tags
from coingecko_pipeline.orchestration.lost_runs import end_runs_of_the_dead
from coingecko_pipeline.orchestration.run_failures import (
    failed_checks_of,
    failures_of,
    figures_of,
    was_interrupted,
)
from coingecko_pipeline.partitions import key_of, range_tags
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.warehouse import Database

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        ok: The run succeeded, and no check failed with the severity of an error.
        metadata: Of each materialized table, by its name; of a range what holds for the whole run.
    """

    ok: bool
    metadata: Mapping[str, Mapping[str, Any]]

    def and_then(self, run: Callable[[], "Outcome"]) -> "Outcome":
        """The outcome of this run and of one that follows it, whatever came of this one."""
        other = run()
        return Outcome(self.ok and other.ok, {**self.metadata, **other.metadata})


def run_job(
    name: str,
    settings: Settings,
    dates: DateRange | None = None,
    ops: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run a job and tell what it did.

    A job that uses a key or remakes tables waits for its turn: in the queue of a daemon that is at work on the
    instance, which then does the run, else here.

    Args:
        name: The job's name.
        settings: What the resources are made from.
        dates: The partitions; None for a job without any.
        ops: Config by op.

    Raises:
        click.Abort: The process was told to end. What was committed stays.
    """
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    with watching() as progress, dg.DagsterInstance.get() as instance, _warehouse(settings) as database:
        definitions = build_definitions({"settings": hardcoded(settings), "progress": hardcoded(progress)})
        job = definitions.resolve_job_def(name)
        run = _Run(job, instance, database, dates, dict(ops or {}))
        pools = pools_of(job)
        run_id, events = run.queued(progress) if pools and daemon_at_work(instance) else run.here(pools)
    if was_interrupted(events):
        told = "Ended as told. What was stored stays, and the same command goes on from there."
        ERRORS.print(told, highlight=False, soft_wrap=True)
        raise click.Abort
    success = any(event.event_type == dg.DagsterEventType.RUN_SUCCESS for event in events)
    checks_hold = _tell_checks(events)
    for failure in failures_of(events):
        if not failure.is_of_checks:
            tell_problem("Failed", failure.reason)
    if not success:
        CONSOLE.print(f"The run {run_id} has the whole story: coingecko-pipeline dev opens the UI.", soft_wrap=True)
    return Outcome(success and checks_hold, _metadata(events))


@dataclass(frozen=True)
class _Run:
    """A run that is to be."""

    job: dg.JobDefinition
    instance: dg.DagsterInstance
    database: Database
    dates: DateRange | None
    ops: Mapping[str, Any]

    def queued(self, progress: Progress) -> tuple[str, Sequence[dg.DagsterEvent]]:
        """Have the daemon do it; its id and its events."""
        one = self.dates is not None and self.dates.first == self.dates.last
        tags = {**database_tags(self.database), **_partition_tags(self.dates)}
        if self.dates and one:
            tags["dagster/partition"] = key_of(self.dates.first)
        _tell_quietly("A daemon is at work on this DAGSTER_HOME: it is asked for the run.")
        run_id = put_into_queue(self.job.name, self.ops, tags)
        try:
            return run_id, follow(self.instance, run_id, progress, _tell_quietly)
        except DaemonGone:
            _tell_quietly("The daemon has ended; the run is done here.")
            return self.here(pools_of(self.job))

    def here(self, pools: Collection[str]) -> tuple[str, Sequence[dg.DagsterEvent]]:
        """Do it in this process; its id and its events."""
        end_runs_of_the_dead(self.instance, self.database, time.sleep, BETWEEN_LOOKS_SECONDS)
        with turn(self.instance, self.database, pools, _tell_quietly):
            result = self.job.execute_in_process(
                instance=self.instance,
                run_config={**QUIET, "ops": self.ops},
                tags=_partition_tags(self.dates),
                partition_key=key_of(self.dates.first) if self.dates and self.dates.first == self.dates.last else None,
                raise_on_error=False,
            )
        return result.run_id, result.all_events


def _tell_quietly(line: str) -> None:
    CONSOLE.print(line, highlight=False, soft_wrap=True)


@contextmanager
def _warehouse(settings: Settings) -> Iterator[Database]:
    database = open_warehouse(settings)
    try:
        yield database
    finally:
        database.dispose()


def _partition_tags(dates: DateRange | None) -> dict[str, str]:
    return {} if dates is None or dates.first == dates.last else range_tags(dates.first, dates.last)


def _metadata(events: Sequence[dg.DagsterEvent]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    of_ranges: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.is_step_materialization and event.asset_key:
            values = event.step_materialization_data.materialization.metadata
            found[event.asset_key.path[-1]] = {name: value.value for name, value in values.items()}
        elif event.event_type_value == dg.DagsterEventType.ASSET_OBSERVATION.value and event.asset_key:
            values = event.asset_observation_data.asset_observation.metadata
            of_ranges[event.asset_key.path[-1]] = {name: value.value for name, value in values.items()}
    return {**found, **of_ranges}


def _tell_checks(events: Sequence[dg.DagsterEvent]) -> bool:
    """Print each check that does not hold; whether none of them is an error."""
    hold = True
    for check in failed_checks_of(events):
        error = check.severity == dg.AssetCheckSeverity.ERROR
        hold = hold and not error
        label, style = ("Check failed", "bold red") if error else ("Check warns", "yellow")
        tell_problem(label, f"{check.asset_key.path[-1]}: {check.check_name} ({figures_of(check)})", style)
    return hold
