"""What runs when something happens."""

import hashlib
import json
from collections.abc import Callable, Sequence, Set
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from sqlalchemy import exists, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.planning import USUAL_CHART_DAYS
from coingecko_pipeline.alerts import AlertChannel, AlertNotSent, tell_failed_checks, tell_failure
from coingecko_pipeline.orchestration.assets import MarketChartsConfig
from coingecko_pipeline.orchestration.data_alert_sensor import data_alert_sensor
from coingecko_pipeline.orchestration.derived_sensor import derived_tables_sensor
from coingecko_pipeline.orchestration.heartbeat_sensor import heartbeat_sensor
from coingecko_pipeline.orchestration.jobs import market_charts_job
from coingecko_pipeline.orchestration.lost_runs import end_lost_runs
from coingecko_pipeline.orchestration.run_failures import NEWLY_FAILED, failed_checks_of, failures_of
from coingecko_pipeline.orchestration.schedules import UNFINISHED
from coingecko_pipeline.orchestration.tick_alert_sensor import tick_alert_sensor
from coingecko_pipeline.orchestration.to_mend import ToMend, skip_to_mend
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database

RECENT = timedelta(days=30)
"""A coin that was listed longer ago and was not fetched yet is the completion schedule's."""

PLANNED_READ = 10_000
"""Of a run's plan so many events: Dagster plans each date of a range by itself, and since 2013 there are 5,000."""


@dg.sensor(
    job=market_charts_job,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for the history of newly listed coins (from asset_changes) as soon as a list shows them, as far "
    "as the month's credits go: one call a coin.",
)
def new_coins_sensor(
    context: dg.SensorEvaluationContext,
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
) -> dg.RunRequest | dg.SkipReason:
    """Ask for the coins once a day and not while charts are fetched; whom the budget has no room for is completed."""
    moment = now()
    unfinished = dg.RunsFilter(job_name=market_charts_job.name, statuses=UNFINISHED)
    if runs := context.instance.get_runs(unfinished, limit=1):
        return dg.SkipReason(f"The run {runs[0].run_id}, which fetches charts, has not ended.")
    coins = unfetched_new_coins(warehouse, moment)
    if not coins:
        return dg.SkipReason("No newly listed coin lacks its history.")
    budget = read_budget(warehouse, plan, moment.date())
    if budget.left == 0:
        reason = (
            f"{len(coins)} newly listed coin(s) lack their history, and the month's credits are used up until "
            f"{budget.month.last + timedelta(days=1)}, less what the snapshots need."
        )
        return skip_to_mend(ToMend.CREDITS_USED_UP, reason) if budget.is_used_up else dg.SkipReason(reason)
    # A run that failed is asked for again on the next day; until then the completion comes first.
    key = hashlib.sha256("\n".join([moment.date().isoformat(), *coins]).encode()).hexdigest()
    config = MarketChartsConfig(from_date=_first_date(plan, moment).isoformat(), asset_ids=list(coins), fit_budget=True)
    return dg.RunRequest(run_key=key, run_config=dg.RunConfig({"coingecko__market_charts": config}))


def _first_date(plan: Plan, moment: datetime) -> date:
    """The first date of the year that a call brings at the least."""
    usual = latest_complete_date(moment) - timedelta(days=USUAL_CHART_DAYS - 1)
    return max(plan.earliest_date(moment.date()), usual)


def unfetched_new_coins(warehouse: Database, now: datetime) -> Sequence[str]:
    """The active coins that were listed lately and whose chart was never asked for, by id."""
    changes, assets = tables.asset_changes, tables.assets
    coverage = tables.chart_coverage
    query = (
        select(changes.c.asset_id)
        .distinct()
        .join(assets, assets.c.asset_id == changes.c.asset_id)
        .where(
            changes.c.change == "listed",
            changes.c.seen_on >= (now - RECENT).date(),
            assets.c.is_active,
            ~exists().where(coverage.c.asset_id == changes.c.asset_id),
        )
        .order_by(changes.c.asset_id)
    )
    return warehouse.run_reading(lambda connection: connection.scalars(query).all())


@dg.run_failure_sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts to ALERT_WEBHOOK_URL what failed, why and where to read on, once for each run that failed; "
    "without that setting it sends nothing. An alert that the webhook does not take fails the tick, and the run's log "
    "tells why.",
)
def run_failure_alert_sensor(
    context: dg.RunFailureSensorContext, alerts: dg.ResourceParam[AlertChannel]
) -> dg.SkipReason | None:
    """Tell of one failed run. Dagster moves its cursor past the run whatever comes of it, so it is never told twice."""
    run = context.dagster_run
    if not alerts.is_set:
        return _nothing_is_set(run)
    events = [*context.get_step_failure_events(), context.failure_event]
    failures = [failure for failure in failures_of(events) if not failure.is_of_checks]
    if failures:
        tables = planned_tables(context.instance, run.run_id, {failure.step for failure in failures if failure.step})
        ended_at = _ended_at(context.instance, run.run_id)
        _send(context, alerts, tell_failure(run, failures, tables, ended_at, alerts.ui_url))
    _send_new_errors(context, alerts)
    return None


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts to ALERT_WEBHOOK_URL which checks began to fail as errors in a run that succeeded all the same; "
    "warnings are not posted, nor what goes on failing. Without that setting it sends nothing.",
)
def failed_check_alert_sensor(
    context: dg.RunStatusSensorContext, alerts: dg.ResourceParam[AlertChannel]
) -> dg.SkipReason | None:
    """Tell of one run's checks that are errors; the other sensor tells of those of a run that failed."""
    if not alerts.is_set:
        return _nothing_is_set(context.dagster_run)
    _send_new_errors(context, alerts)
    return None


def _send_new_errors(context: dg.RunStatusSensorContext, alerts: AlertChannel) -> None:
    """Tell of the checks that began to fail as errors with a run: one that goes on failing was told before."""
    run = context.dagster_run
    records = context.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    events = [record.event_log_entry.get_dagster_event() for record in records.records]
    errors = [check for check in failed_checks_of(events) if _is_new_error(check)]
    if errors:
        ended_at = _ended_at(context.instance, run.run_id)
        _send(context, alerts, tell_failed_checks(run, errors, ended_at, alerts.ui_url))


def _is_new_error(check: dg.AssetCheckEvaluation) -> bool:
    told = check.metadata.get(NEWLY_FAILED)
    return check.severity == dg.AssetCheckSeverity.ERROR and (told is None or bool(told.value))


def planned_tables(instance: dg.DagsterInstance, run_id: str, steps: Set[str]) -> Sequence[dg.AssetKey]:
    """The Dagster assets that a run was to make, by key; with steps given, those of these steps."""
    planned = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, limit=PLANNED_READ
    )
    events = [record.event_log_entry.get_dagster_event() for record in planned.records]
    return sorted({event.asset_key for event in events if event.asset_key and (not steps or event.step_key in steps)})


def _nothing_is_set(run: dg.DagsterRun) -> dg.SkipReason:
    # Always this or always None in one evaluation: Dagster takes either a reason to skip or reactions to runs.
    return dg.SkipReason(f"ALERT_WEBHOOK_URL is not set: nothing is sent of run {run.run_id}.")


def _ended_at(instance: dg.DagsterInstance, run_id: str) -> datetime | None:
    record = instance.get_run_record_by_id(run_id)
    return datetime.fromtimestamp(record.end_time, UTC) if record and record.end_time else None


def _send(context: dg.RunStatusSensorContext, alerts: AlertChannel, text: str) -> None:
    try:
        alerts.post(text)
    except AlertNotSent as error:
        # A tick of several runs shows the outcome of the last one only; the run's own log keeps this one's.
        context.instance.report_engine_event(str(error), context.dagster_run)
        raise


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends the runs whose process is gone, on every launcher: a run that works holds a lock in the "
    "database, and one that was found without it twice, a minute apart, is marked as failed. What it had committed "
    "stays, and Dagster's retries of runs begin it again.",
)
def lost_runs_sensor(context: dg.SensorEvaluationContext, warehouse: dg.ResourceParam[Database]) -> dg.SkipReason:
    """End what was lost at this tick and at the one before."""
    suspected = frozenset(json.loads(context.cursor or "[]"))
    still = end_lost_runs(context.instance, warehouse, suspected)
    context.update_cursor(json.dumps(sorted(still)))
    return dg.SkipReason(f"{len(still)} run(s) without a process; they are looked at once more.") if still else NOTHING


NOTHING = dg.SkipReason("Every run that has begun is at work.")

ALL_SENSORS = (
    new_coins_sensor,
    derived_tables_sensor,
    run_failure_alert_sensor,
    failed_check_alert_sensor,
    lost_runs_sensor,
    tick_alert_sensor,
    data_alert_sensor,
    heartbeat_sensor,
)
"""Every sensor, in this one place."""
