from datetime import UTC, datetime

import dagster as dg
import pytest

from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.schedules import (
    SNAPSHOT_CALLS,
    SNAPSHOT_SCHEDULES,
    daily_market_schedule,
    source_agreement_schedule,
)

MIDNIGHT = datetime(2026, 3, 9, tzinfo=UTC)


def evaluate(now: datetime) -> object:
    context = dg.build_schedule_context(scheduled_execution_time=MIDNIGHT, resources={"now": lambda: now})
    return daily_market_schedule(context)


def test_midnight_asks_for_the_snapshot_of_the_day_that_begins() -> None:
    request = evaluate(MIDNIGHT)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-03-09"
    assert request.run_config["ops"]["coingecko__daily_market"]["config"]["max_calls"] == SNAPSHOT_CALLS


def test_a_late_tick_on_its_own_date_still_takes_the_snapshot() -> None:
    assert isinstance(evaluate(MIDNIGHT.replace(hour=23)), dg.RunRequest)


def test_a_tick_of_a_past_date_is_skipped_and_says_what_fills_it() -> None:
    skipped = evaluate(datetime(2026, 3, 10, 0, 1, tzinfo=UTC))
    assert isinstance(skipped, dg.SkipReason)
    assert "tick of 2026-03-09 was missed" in str(skipped.skip_message)
    assert "backfill --from 2026-03-09 --to 2026-03-09" in str(skipped.skip_message)


def test_a_date_that_has_not_begun_is_skipped() -> None:
    skipped = evaluate(datetime(2026, 3, 8, 12, tzinfo=UTC))
    assert isinstance(skipped, dg.SkipReason)
    assert "has not begun" in str(skipped.skip_message)


def test_the_schedule_is_on_by_default_at_midnight_utc() -> None:
    schedule = build_definitions().resolve_schedule_def("daily_market_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 0 * * *", "UTC")


def test_nobody_calls_a_second_source_unasked() -> None:
    for name in ("coinpaprika_daily_schedule", "source_agreement_schedule"):
        schedule = build_definitions().resolve_schedule_def(name)
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "UTC"


@pytest.mark.parametrize("day", [9, 10])
def test_a_second_sources_tick_is_for_its_own_date_only(day: int) -> None:
    resources = {"now": lambda: MIDNIGHT.replace(day=day)}
    context = dg.build_schedule_context(scheduled_execution_time=MIDNIGHT, resources=resources)
    result = SNAPSHOT_SCHEDULES[0](context)
    if day == MIDNIGHT.day:
        assert isinstance(result, dg.RunRequest)
        assert result.partition_key == "2026-03-09"
    else:
        assert isinstance(result, dg.SkipReason)
        assert "CoinPaprika is read as it is now" in str(result.skip_message)


def test_the_agreement_of_a_late_tick_is_that_of_its_own_date() -> None:
    request = source_agreement_schedule(dg.build_schedule_context(scheduled_execution_time=MIDNIGHT))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-03-09"


def test_its_run_config_fits_the_job() -> None:
    request = evaluate(MIDNIGHT)
    assert isinstance(request, dg.RunRequest)
    job = build_definitions().resolve_job_def("daily_market_job")
    assert dg.validate_run_config(job, request.run_config)
