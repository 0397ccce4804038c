"""Who asks for the derived tables: one sensor, by numbers."""

from collections.abc import Callable, Sequence, Set
from datetime import UTC, datetime, timedelta

import dagster as dg

from coingecko_pipeline.market.check_results import read_checks, snapshot_stored_at
from coingecko_pipeline.orchestration.assets import DERIVED_ASSETS
from coingecko_pipeline.orchestration.assets.market_changes import changes_key
from coingecko_pipeline.orchestration.checks import ALL_CHECKS, checks_of_the_day
from coingecko_pipeline.orchestration.derived_tables import read_lag
from coingecko_pipeline.orchestration.jobs import (
    SNAPSHOT_JOBS,
    daily_market_job,
    derived_tables_job,
    hourly_market_job,
    market_charts_job,
    market_report_job,
    measures_job,
    source_agreement_job,
)
from coingecko_pipeline.orchestration.schedules import UNFINISHED
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.orchestration.to_mend import ToMend, skip_to_mend
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES
from coingecko_pipeline.warehouse import Database

WAITED_FOR_JOBS = {
    *(job.name for job in (daily_market_job, market_charts_job, hourly_market_job, *SNAPSHOT_JOBS.values())),
    *(job.name for job in (derived_tables_job, measures_job, source_agreement_job, market_report_job)),
}
"""What changes a market, so that a backfill is followed once, and what follows already."""
WAITED_FOR_ASSETS: Set[dg.AssetKey] = {
    *(key_in(source, "daily_market") for source in SOURCES),
    *(key_in(COINGECKO, name) for name in ("market_charts", "hourly_market")),
    *(asset.key for asset in DERIVED_ASSETS),
}
"""The same of a run of chosen assets, such as a backfill from the UI."""
WAITED_FOR = timedelta(days=1)
"""A run that began longer ago is not waited for: its process may be gone, and to follow amid a backfill is no harm."""
RUNS_READ = 100
"""Runs at work that are looked at: there are places for five, and the queue holds more only in a long backfill."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""After one failed run in a row, doubled with each further one, and the most."""
MOST_FAILURES = 10
"""So many runs in a row fail before nobody asks any more until something new changes: some five hours."""

FOLLOWS_TAG = "coingecko_pipeline/follows"
"""The tag of a run that tells what it is to follow."""
TAG_LENGTH = 255
"""Characters that Dagster keeps of a tag's value."""


@dg.sensor(
    job=derived_tables_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for one run of the derived tables that have not followed the latest changes of the markets, and "
    "of the report. It waits while a run changes a market or follows one already. A run that failed is asked for again "
    "after 1, 2, 4 … minutes up to an hour; after ten in a row it stops until something new changes.",
)
def derived_tables_sensor(
    context: dg.SensorEvaluationContext,
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
) -> dg.RunRequest | dg.SkipReason:
    """Ask for what lags, unless another run is at work or the last ones have failed too often."""
    moment = now()
    lag = read_lag(warehouse, moment)
    if not lag.behind:
        return dg.SkipReason("Every derived table has followed the latest changes.")
    if at_work := run_at_work(context.instance, moment):
        return dg.SkipReason(f"The run {at_work.run_id} of {at_work.job_name} has not ended.")
    if reason := reason_to_wait(failures_since(context.instance, lag.latest), moment):
        return reason
    told = "; ".join(f"{name}: {changes}" for name, changes in lag.behind.items())
    chosen = [asset.key for asset in DERIVED_ASSETS if asset.key.path[-1] in lag.behind]
    return dg.RunRequest(
        asset_selection=chosen,
        asset_check_keys=[*_checks_of([*chosen, changes_key(COINGECKO)]), *_due_checks(warehouse, moment)],
        tags={FOLLOWS_TAG: told[:TAG_LENGTH]},
    )


def _checks_of(assets: Sequence[dg.AssetKey]) -> list[dg.AssetCheckKey]:
    """The checks of some assets: those of the markets are not among the assets that a run makes."""
    return [spec.key for checks in ALL_CHECKS for spec in checks.check_specs if spec.asset_key in assets]


def _due_checks(warehouse: Database, now: datetime) -> list[dg.AssetCheckKey]:
    """The checks of the list and the coins, where none was evaluated since today's snapshot: once a day."""
    of_the_list = [key for key in checks_of_the_day() if key.asset_key != changes_key(COINGECKO)]
    stored_at = snapshot_stored_at(warehouse, now.date())
    evaluated = {(check.asset, check.check_name): check.evaluated_at for check in read_checks(warehouse)}
    if stored_at is None or all(
        (at := evaluated.get((key.asset_key.to_user_string(), key.name))) and at >= stored_at for key in of_the_list
    ):
        return []
    return of_the_list


def run_at_work(instance: dg.DagsterInstance, now: datetime) -> dg.DagsterRun | None:
    """A run that changes a market or follows one, and that is queued or at work; None where there is none."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=UNFINISHED, created_after=now - WAITED_FOR), limit=RUNS_READ
    )
    for record in records:
        run = record.dagster_run
        if run.job_name in WAITED_FOR_JOBS or WAITED_FOR_ASSETS & (run.asset_selection or set()):
            return run
    return None


def failures_since(instance: dg.DagsterInstance, changed_at: datetime | None) -> Sequence[datetime]:
    """When the latest runs in a row ended without success that began after a change, the latest first.

    Runs that a person asked for count too.

    Args:
        instance: The instance.
        changed_at: The moment of the change; None for any run.
    """
    records = instance.get_run_records(
        dg.RunsFilter(job_name=derived_tables_job.name, created_after=changed_at), limit=MOST_FAILURES
    )
    ended: list[datetime] = []
    for record in records:
        if record.dagster_run.status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            break
        at = record.end_time or record.update_timestamp.timestamp()
        ended.append(datetime.fromtimestamp(at, UTC))
    return ended


def reason_to_wait(failures: Sequence[datetime], now: datetime) -> dg.SkipReason | None:
    """Why no further run is asked for yet, or at all; None where one may be.

    Args:
        failures: When the latest runs in a row failed, the latest first.
        now: The current UTC time, aware.
    """
    if not failures:
        return None
    if len(failures) >= MOST_FAILURES:
        return skip_to_mend(
            ToMend.RUNS_KEEP_FAILING,
            f"{len(failures)} runs of {derived_tables_job.name} in a row have failed since the latest change; none is "
            "asked for until something new changes.",
        )
    again = failures[0] + min(FIRST_PAUSE * 2 ** (len(failures) - 1), LONGEST_PAUSE)
    if now < again:
        return dg.SkipReason(
            f"{len(failures)} run(s) in a row have failed; the next is asked for at {again:%Y-%m-%d %H:%M:%S} UTC."
        )
    return None
