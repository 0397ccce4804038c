"""Running a job in this process on the shared instance, and telling what came of it."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import dagster as dg

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.jobs import Outcome
from coingecko_pipeline.cli.queued import DaemonGone, daemon_at_work, follow, put_into_queue
from coingecko_pipeline.cli.steps import Steps, words_of_table
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS, tell, tell_problem
from coingecko_pipeline.cli.turns import BETWEEN_LOOKS_SECONDS, pools_of, turn
from coingecko_pipeline.cli.watching import View
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.asked_runs import database_tags, waited_for_tags
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

STEPS = "steps"
"""The logger that tells which step is at work."""


def run(view: View, name: str, settings: Settings, dates: DateRange | None, ops: Mapping[str, Any]) -> Outcome:
    """Run a job and tell what it did; see `cli.jobs.run_job`."""
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    steps = Steps(name, view.step)
    with dg.DagsterInstance.get() as instance, _warehouse(settings) as database:
        resources = {"settings": hardcoded(settings), "progress": hardcoded(view)}
        job = build_definitions(resources, {STEPS: steps.logger()}).resolve_job_def(name)
        steps.of = len(job.nodes)
        asked = _Run(job, instance, database, dates, ops, view, steps)
        pools = pools_of(job)
        run_id, events = asked.queued() if pools and daemon_at_work(instance) else asked.here(pools)
    view.doing("What came of it")
    if was_interrupted(events):
        tell("Ended as told. What was stored stays, and the same command goes on from there.", ERRORS)
        raise click.Abort
    success = any(event.event_type == dg.DagsterEventType.RUN_SUCCESS for event in events)
    checks_hold = _tell_checks(events)
    # Steps that fail for one reason, such as a network that is away, are told once.
    for reason in dict.fromkeys(failure.reason for failure in failures_of(events) if not failure.is_of_checks):
        tell_problem("Failed", reason)
    if not success:
        tell(f"The run {run_id} has the whole story: coingecko-pipeline dev opens the UI.")
    return Outcome(success and checks_hold, _metadata(events))


@dataclass(frozen=True)
class _Run:
    """A run that is to be."""

    job: dg.JobDefinition
    instance: dg.DagsterInstance
    database: Database
    dates: DateRange | None
    ops: Mapping[str, Any]
    view: View
    steps: Steps

    @property
    def _tags(self) -> dict[str, str]:
        is_waited_for = CONSOLE.is_terminal
        return {**_partition_tags(self.dates), **waited_for_tags(is_waited_for=is_waited_for)}

    def queued(self) -> tuple[str, Sequence[dg.DagsterEvent]]:
        """Have the daemon do it; its id and its events."""
        one = self.dates is not None and self.dates.first == self.dates.last
        tags = {**database_tags(self.database), **self._tags}
        if self.dates and one:
            tags["dagster/partition"] = key_of(self.dates.first)
        tell("A daemon is at work on this DAGSTER_HOME: it is asked for the run.")
        self.view.doing("Asking the daemon for the run")
        run_id = put_into_queue(self.job.name, self.ops, tags)
        try:
            return run_id, follow(self.instance, run_id, self.view, self.steps.take, tell)
        except DaemonGone:
            tell("The daemon has ended; the run is done here.")
            return self.here(pools_of(self.job))

    def here(self, pools: Collection[str]) -> tuple[str, Sequence[dg.DagsterEvent]]:
        """Do it in this process; its id and its events."""
        end_runs_of_the_dead(self.instance, self.database, time.sleep, BETWEEN_LOOKS_SECONDS)
        with turn(self.instance, self.database, pools, tell):
            result = self.job.execute_in_process(
                instance=self.instance,
                run_config={"loggers": {STEPS: {}}, "ops": self.ops},
                tags=self._tags,
                partition_key=key_of(self.dates.first) if self.dates and self.dates.first == self.dates.last else None,
                raise_on_error=False,
            )
        return result.run_id, result.all_events


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
        table = words_of_table(*check.asset_key.path)
        tell_problem(label, f"{table}: {check.check_name} ({figures_of(check)})", style)
    return hold
