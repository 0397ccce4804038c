"""Who tells that all is well: once a day, when the day's snapshot is stored and its checks passed."""

from collections.abc import Callable
from datetime import date, datetime

import dagster as dg

from coingecko_pipeline.acquisition.budget import has_whole_snapshot
from coingecko_pipeline.alerts import Heartbeat
from coingecko_pipeline.market.check_results import read_checks, snapshot_stored_at
from coingecko_pipeline.orchestration.checks import checks_of_the_day
from coingecko_pipeline.warehouse import Database


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for HEARTBEAT_URL once a day, when today's snapshot is stored whole and no check of it failed as "
    "an error; where the address does not answer, again until the day is over. Without that setting it does nothing.",
)
def heartbeat_sensor(
    context: dg.SensorEvaluationContext,
    heartbeat: dg.ResourceParam[Heartbeat],
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
) -> dg.SkipReason:
    """Send the day's heartbeat, or tell what it waits for.

    Raises:
        AlertNotSent: The address did not take it. The cursor stays, so the next evaluation tries again.
    """
    if not heartbeat.is_set:
        return dg.SkipReason("HEARTBEAT_URL is not set.")
    today = now().date()
    if context.cursor == today.isoformat():
        return dg.SkipReason(f"The heartbeat of {today} was sent.")
    if reason := reason_to_wait(warehouse, today):
        return dg.SkipReason(reason)
    heartbeat.beat()
    context.update_cursor(today.isoformat())
    return dg.SkipReason(f"Sent the heartbeat of {today}.")


def reason_to_wait(warehouse: Database, today: date) -> str | None:
    """What is missing for a day to be well; None where nothing is.

    Args:
        warehouse: The main database.
        today: The current UTC day.
    """
    stored_at = snapshot_stored_at(warehouse, today)
    if stored_at is None or not has_whole_snapshot(warehouse, today):
        return f"The snapshot of {today} is not stored, or not whole."
    found = {(check.asset, check.check_name): check for check in read_checks(warehouse)}
    for key in checks_of_the_day():
        check = found.get((key.asset_key.to_user_string(), key.name))
        if check is None or check.evaluated_at < stored_at:
            return f"The check {key.name} was not evaluated since the snapshot was stored."
        if check.is_error and not check.is_passed:
            return f"The check {key.name} failed: {check.detail}"
    return None
