"""What runs by the clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from coingecko_pipeline.acquisition.budget import BudgetExceeded
from coingecko_pipeline.acquisition.currencies import due_currencies
from coingecko_pipeline.acquisition.hourly import plan_hour
from coingecko_pipeline.acquisition.outlook import plan_of_today
from coingecko_pipeline.acquisition.planning import SNAPSHOT_CALLS, AcquisitionError
from coingecko_pipeline.lake.copied import lake_is_up_to_date
from coingecko_pipeline.orchestration.assets.daily_market import DailyMarketConfig
from coingecko_pipeline.orchestration.assets.lake import LakeConfig
from coingecko_pipeline.orchestration.assets.market_charts import MarketChartsConfig
from coingecko_pipeline.orchestration.jobs import (
    SNAPSHOT_JOBS,
    currency_charts_job,
    daily_market_job,
    hourly_market_job,
    lake_job,
    market_charts_job,
    source_agreement_job,
)
from coingecko_pipeline.orchestration.maintenance import maintenance_job
from coingecko_pipeline.orchestration.to_mend import ToMend, skip_to_mend
from coingecko_pipeline.partitions import hour_key_of, hour_of, key_of
from coingecko_pipeline.sources import SnapshotSource
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES
from coingecko_pipeline.warehouse import Database

LAKE_MAINTAINED_AT = 4
"""The hour (UTC) at whose tick the lake's old versions go too: after the day's work, when few read."""


def date_of_tick(
    context: dg.ScheduleEvaluationContext, moment: datetime, advice: Callable[[date], str]
) -> date | dg.SkipReason:
    """The date of a tick, or the reason to skip it where that is not today.

    Args:
        context: Of the tick.
        moment: The current UTC time.
        advice: What to do about a date that was missed, as a sentence.
    """
    scheduled = context.scheduled_execution_time.astimezone(UTC).date()
    today = moment.date()
    if scheduled > today:
        return dg.SkipReason(f"{scheduled} has not begun.")
    if scheduled < today:
        return skip_to_mend(
            ToMend.SNAPSHOT_MISSED,
            f"This tick of {scheduled} was missed at its time, and a snapshot taken on {today} would not be of that "
            f"date. {advice(scheduled)}",
        )
    return scheduled


@dg.schedule(
    job=daily_market_job,
    cron_schedule="0 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The list, the coins and the day's snapshot at 00:00 UTC. A tick that comes on a later date than its "
    "own is skipped with the reason: the moment for a snapshot is gone, and charts bring the exact values.",
)
def daily_market_schedule(
    context: dg.ScheduleEvaluationContext, now: dg.ResourceParam[Callable[[], datetime]]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for the snapshot of the tick's own date, if that is today."""
    scheduled = date_of_tick(
        context,
        now(),
        lambda day: (
            "If the date has no rows, charts fill it: a backfill in the UI, or "
            f"coingecko-pipeline backfill --from {day} --to {day}."
        ),
    )
    if isinstance(scheduled, dg.SkipReason):
        return scheduled
    return dg.RunRequest(
        partition_key=key_of(scheduled),
        run_config=dg.RunConfig({"coingecko__daily_market": DailyMarketConfig(max_calls=SNAPSHOT_CALLS)}),
    )


@dg.schedule(
    job=market_charts_job,
    cron_schedule="0 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Today's share of the month's credits for history, at 01:00 UTC, when charts hold today's midnight: "
    "coins that were never fetched by market cap, then those with missing days, then those whose newest rows are only "
    "snapshots, stalest first. Where nothing is to be done or nothing is left, it is skipped with the reason.",
)
def history_completion_schedule(
    context: dg.ScheduleEvaluationContext,
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run that spends today's calls."""
    moment = now()
    if _is_of_an_earlier_day(context, moment):
        return LATER_TICK
    try:
        todays = plan_of_today(warehouse, plan, moment)
    except AcquisitionError as error:
        return dg.SkipReason(str(error))
    if not todays.calls:
        used_up = todays.is_used_up
        return skip_to_mend(ToMend.CREDITS_USED_UP, todays.reason) if used_up else dg.SkipReason(todays.reason)
    return dg.RunRequest(
        run_config=dg.RunConfig({"coingecko__market_charts": MarketChartsConfig(complete_history=True)}),
    )


@dg.schedule(
    job=currency_charts_job,
    cron_schedule="40 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The past of the currencies that CURRENCIES names, at 00:40 UTC, when charts hold today's midnight: of "
    "those that lack a date without any rate, or that have a month of dates with only the current one. It is skipped "
    "with the reason where none is due.",
)
def currency_completion_schedule(
    context: dg.ScheduleEvaluationContext,
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
    currencies: dg.ResourceParam[Sequence[str]],
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run of the currencies that are due."""
    moment = now()
    if _is_of_an_earlier_day(context, moment):
        return LATER_TICK
    if not currencies:
        return dg.SkipReason("CURRENCIES names none; coingecko-pipeline fx fetches any currency's past.")
    due, _ = due_currencies(currencies, warehouse, plan, moment)
    return dg.RunRequest() if due else dg.SkipReason(f"None of {', '.join(currencies)} is due.")


LATER_TICK = dg.SkipReason("A later tick does the same for what is missing by then.")


def _is_of_an_earlier_day(context: dg.ScheduleEvaluationContext, moment: datetime) -> bool:
    return context.scheduled_execution_time.astimezone(UTC).date() < moment.date()


UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.schedule(
    job=hourly_market_job,
    cron_schedule="5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The market of the HOURLY_TOP largest coins, five minutes after each full hour, so that the daily "
    "snapshot of 00:00 has the key first. It is skipped with the reason where HOURLY_TOP is not set, where the month's "
    "credits do not bear it, where the hour is over, and while the run of an earlier hour still waits for the key.",
)
def hourly_market_schedule(
    context: dg.ScheduleEvaluationContext,
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
) -> dg.RunRequest | dg.SkipReason:
    """Ask for the tick's own hour, if it is the current one."""
    hour = hour_of(context.scheduled_execution_time)
    try:
        plan_hour(hour, None, warehouse, plan, now())
    except BudgetExceeded as error:
        return skip_to_mend(ToMend.CREDITS_USED_UP, str(error))
    except AcquisitionError as error:
        return dg.SkipReason(str(error))
    # It would wait in the queue, and its hour would be over when its turn comes.
    if waiting := context.instance.get_runs(dg.RunsFilter(job_name=hourly_market_job.name, statuses=UNFINISHED)):
        return dg.SkipReason(
            f"The run {waiting[0].run_id} of an earlier hour has not ended; a longer run may have the key."
        )
    return dg.RunRequest(partition_key=hour_key_of(hour))


def make_snapshot_schedule(source: SnapshotSource) -> dg.ScheduleDefinition:
    """The schedule of another source's snapshot: off until turned on, so that nobody calls a host unasked."""

    @dg.schedule(
        name=f"{source.name}_daily_schedule",
        job=SNAPSHOT_JOBS[source.name],
        cron_schedule="3 0 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"The list, the coins and the day's snapshot of {source.title} at 00:03 UTC. Off until you turn it "
        "on. A tick that comes on a later date than its own is skipped with the reason.",
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, now: dg.ResourceParam[Callable[[], datetime]]
    ) -> dg.RunRequest | dg.SkipReason:
        scheduled = date_of_tick(context, now(), lambda _: source.no_history)
        return scheduled if isinstance(scheduled, dg.SkipReason) else dg.RunRequest(partition_key=key_of(scheduled))

    return schedule


SNAPSHOT_SCHEDULES = tuple(make_snapshot_schedule(source) for source in SNAPSHOT_SOURCES)


@dg.schedule(
    job=source_agreement_job,
    cron_schedule="45 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="New pairs of coins, and the agreement of the sources with them, at 00:45 UTC, when both snapshots are "
    "there on every plan. Off until you turn it on, together with coinpaprika_daily_schedule; no call. Once there are "
    "pairs, derived_tables_sensor keeps the agreement up to date; without this schedule no new pair is found.",
)
def source_agreement_schedule(_context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the pairs and the agreement: a late tick compares what is stored just as well."""
    return dg.RunRequest()


@dg.schedule(
    job=maintenance_job,
    cron_schedule="20 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Deletes Dagster's own records of runs that ended more than KEEP_EVENTS_DAYS ago, at 04:20 UTC, when "
    "the day's snapshot and what follows it are done; no call. What the UI needs of them stays.",
)
def maintenance_schedule(_context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the deletion: a late tick deletes the same."""
    return dg.RunRequest()


LAKE_OFF = (
    "There is no lake. To have one, set LAKE_URI to a folder or an address of an object store, and install the extra: "
    "pip install 'coingecko-pipeline[lake]'."
)


@dg.schedule(
    job=lake_job,
    cron_schedule="25 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The lake at LAKE_URI, 25 minutes after each full hour, as far as something has changed; at 04:25 UTC "
    "its old versions and small files too. It is skipped with the reason where LAKE_URI is not set, where it has "
    "followed everything, and while an earlier run has not ended. No call.",
)
def lake_schedule(
    context: dg.ScheduleEvaluationContext, warehouse: dg.ResourceParam[Database], lake_uri: dg.ResourceParam[str]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for what the lake lacks; a late tick brings the same."""
    if not lake_uri:
        return dg.SkipReason(LAKE_OFF)
    if waiting := context.instance.get_runs(dg.RunsFilter(job_name=lake_job.name, statuses=UNFINISHED)):
        return dg.SkipReason(f"The run {waiting[0].run_id} of an earlier hour has not ended.")
    maintain = context.scheduled_execution_time.astimezone(UTC).hour == LAKE_MAINTAINED_AT
    if not maintain and lake_is_up_to_date(warehouse):
        return dg.SkipReason("The lake has followed the latest changes.")
    return dg.RunRequest(run_config=dg.RunConfig({"coingecko__lake": LakeConfig(maintain=maintain)}))


ALL_SCHEDULES = (
    daily_market_schedule,
    history_completion_schedule,
    currency_completion_schedule,
    hourly_market_schedule,
    *SNAPSHOT_SCHEDULES,
    source_agreement_schedule,
    maintenance_schedule,
    lake_schedule,
)
"""Every schedule, in this one place."""
