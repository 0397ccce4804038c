"""Running a job in this process on the shared instance, and telling what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
import dagster as dg
from rich.markup import escape

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.instance import living, wait_for_pool
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS, watching
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.failures import COINGECKO_POOL
from coingecko_pipeline.orchestration.run_failures import (
    failed_checks_of,
    failures_of,
    figures_of,
    was_interrupted,
)
from coingecko_pipeline.partitions import key_of, range_tags
from coingecko_pipeline.settings import Settings

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
    *,
    pool: str | None = COINGECKO_POOL,
) -> Outcome:
    """Run a job and tell what it did.

    Args:
        name: The job's name.
        settings: What the resources are made from.
        dates: The partitions; None for a job without any.
        ops: Config by op.
        pool: The pool whose other runs are waited for first; None where the job calls nobody.

    Raises:
        click.Abort: The process was told to end. What was committed stays.
    """
    with watching() as progress, dg.DagsterInstance.get() as instance, living(instance) as tags:
        if pool:
            wait_for_pool(instance, pool, CONSOLE.print)
        hardcoded = dg.ResourceDefinition.hardcoded_resource
        definitions = build_definitions({"settings": hardcoded(settings), "progress": hardcoded(progress)})
        result = definitions.resolve_job_def(name).execute_in_process(
            instance=instance,
            run_config={**QUIET, "ops": dict(ops or {})},
            tags={**tags, **_partition_tags(dates)},
            partition_key=key_of(dates.first) if dates and dates.first == dates.last else None,
            raise_on_error=False,
        )
    events = result.all_events
    if was_interrupted(events):
        told = "Ended as told. What was stored stays, and the same command goes on from there."
        ERRORS.print(told, highlight=False, soft_wrap=True)
        raise click.Abort
    checks_hold = _tell_checks(events)
    for failure in failures_of(events):
        ERRORS.print(f"[bold red]Failed:[/] {escape(failure.reason)}", highlight=False, soft_wrap=True)
    if not result.success:
        CONSOLE.print(
            f"The run {result.run_id} has the whole story: coingecko-pipeline dev opens the UI.", soft_wrap=True
        )
    return Outcome(result.success and checks_hold, _metadata(events))


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
        label = "[bold red]Check failed:[/]" if error else "[yellow]Check warns:[/]"
        line = f"{label} {check.asset_key.path[-1]}: {check.check_name} ({escape(figures_of(check))})"
        ERRORS.print(line, highlight=False, soft_wrap=True)
    return hold
