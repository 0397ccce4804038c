"""What keeps Dagster's own database small, as a job: no call, no table of the market."""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg

from coingecko_pipeline.orchestration.retention import delete_old_records


@dg.op(
    out=dg.Out(dg.Nothing),
    description="Deletes the events of runs that ended more than KEEP_EVENTS_DAYS ago, but for the latest of each "
    "asset, partition and check, and the runs that nothing names any more.",
)
def delete_old_events(
    context: dg.OpExecutionContext,
    keep_events_days: dg.ResourceParam[int],
    now: dg.ResourceParam[Callable[[], datetime]],
) -> None:
    """Delete what is older than the setting says, and tell how much it was."""
    before = now() - timedelta(days=keep_events_days)
    deleted = delete_old_records(context.instance, before)
    context.log.info(
        f"Deleted {deleted.runs:,} runs, {deleted.events:,} events and {deleted.checks:,} evaluations of checks "
        f"of before {before:%Y-%m-%d %H:%M} UTC."
    )


@dg.job(description="Deletes Dagster's own old records, as KEEP_EVENTS_DAYS says: no call.")
def maintenance_job() -> None:
    """Delete what nobody will read again."""
    delete_old_events()
