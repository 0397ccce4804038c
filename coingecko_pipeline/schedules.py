"""What runs by the clock."""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

from coingecko_pipeline.assets import DailyMarketConfig
from coingecko_pipeline.jobs import daily_market_job
from coingecko_pipeline.partitions import key_of

SNAPSHOT_CALLS = 200
"""Calls that a scheduled run may make: enough for the pages of 50,000 coins. A run that waits in the queue past the
next midnight finds its date in the past, where each coin costs a call; this keeps it from spending the month."""


@dg.schedule(
    job=daily_market_job,
    cron_schedule="0 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def daily_market_schedule(
    context: dg.ScheduleEvaluationContext, now: dg.ResourceParam[Callable[[], datetime]]
) -> dg.RunRequest | dg.SkipReason:
    """The list, the coins and the day's snapshot at 00:00 UTC.

    A tick that comes on a later date, since nothing ran at its own, is skipped with the reason: its moment is gone,
    and the date's exact values come from charts. The missing date shows in the freshness of
    `coingecko/daily_market` and in `coingecko-pipeline status`.
    """
    scheduled = context.scheduled_execution_time.astimezone(UTC).date()
    today = now().date()
    if scheduled != today:
        return dg.SkipReason(
            f"The snapshot of {scheduled} was missed: nothing ran on that date. Its values can be filled from charts "
            f"(a backfill of {scheduled}, or coingecko-pipeline backfill --from {scheduled} --to {scheduled})."
        )
    return dg.RunRequest(
        partition_key=key_of(scheduled),
        run_config=dg.RunConfig({"coingecko__daily_market": DailyMarketConfig(max_calls=SNAPSHOT_CALLS)}),
    )
