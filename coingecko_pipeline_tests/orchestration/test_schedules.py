from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import SNAPSHOT_CALLS
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.lake.copied import copies_of_the_log
from coingecko_pipeline.market.changes import Change, log_changes, set_followed
from coingecko_pipeline.orchestration.schedules import (
    SNAPSHOT_SCHEDULES,
    daily_market_schedule,
    hourly_market_schedule,
    lake_schedule,
    source_agreement_schedule,
)
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import stock

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


def test_the_agreement_is_asked_for_whatever_the_tick() -> None:
    request = source_agreement_schedule(dg.build_schedule_context(scheduled_execution_time=MIDNIGHT))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key is None


def test_its_run_config_fits_the_job() -> None:
    request = evaluate(MIDNIGHT)
    assert isinstance(request, dg.RunRequest)
    job = build_definitions().resolve_job_def("daily_market_job")
    assert dg.validate_run_config(job, request.run_config)


HOUR = datetime(2026, 3, 9, 11, tzinfo=UTC)
TICK = HOUR + timedelta(minutes=5)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance() as found:
        yield found


def evaluate_hourly(
    database: Database, instance: dg.DagsterInstance, now: datetime = TICK, top: int = 250
) -> dg.RunRequest | str:
    """The run that the hourly schedule asks for, or the reason why it asks for none."""
    resources = {"now": lambda: now, "warehouse": database, "plan": replace(PLANS["demo"], hourly_top=top)}
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=TICK, resources=resources)
    answer = hourly_market_schedule(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer if isinstance(answer, dg.RunRequest) else str(answer.skip_message)


@on_sqlite
@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=54, seconds=59)])
def test_an_hours_tick_asks_for_its_hour_while_it_lasts(
    database: Database, instance: dg.DagsterInstance, late: timedelta
) -> None:
    stock(database, ("a",))
    request = evaluate_hourly(database, instance, TICK + late)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-03-09-11:00"


@on_sqlite
def test_the_hourly_schedule_is_skipped_where_it_is_off_and_says_how_to_turn_it_on(
    database: Database, instance: dg.DagsterInstance
) -> None:
    stock(database, ("a",))
    told = evaluate_hourly(database, instance, top=0)
    assert "set HOURLY_TOP" in str(told)
    assert "720 credits in 30 days" in str(told)


@on_sqlite
def test_an_hours_tick_that_comes_too_late_is_skipped_and_says_why(
    database: Database, instance: dg.DagsterInstance
) -> None:
    stock(database, ("a",))
    told = evaluate_hourly(database, instance, HOUR + timedelta(hours=1))
    assert "The hour 2026-03-09 11:00 UTC is over" in str(told)
    assert "has not begun" in str(evaluate_hourly(database, instance, HOUR - timedelta(seconds=1)))


@on_sqlite
def test_an_hour_that_the_month_does_not_bear_is_skipped_with_the_figures(
    database: Database, instance: dg.DagsterInstance
) -> None:
    assert "has no active coin yet" in str(evaluate_hourly(database, instance))
    stock(database, ("a",))
    spent = {"day": date(2026, 3, 1), "plan": "demo", "endpoint": "coins/market_chart", "calls": 1}
    with database.transaction() as connection:
        connection.execute(insert(tables.api_usage), {**spent, "credits": 10_000 - 23 * 3 - 1})
    assert isinstance(evaluate_hourly(database, instance), dg.RunRequest)
    with database.transaction() as connection:
        connection.execute(insert(tables.api_usage), {**spent, "endpoint": "coins/list", "credits": 1})
    assert "needs 1 credits and 0 are left for it" in str(evaluate_hourly(database, instance))


@on_sqlite
def test_no_hour_is_asked_for_while_the_run_of_an_earlier_one_waits(
    database: Database, instance: dg.DagsterInstance
) -> None:
    stock(database, ("a",))
    job = build_definitions().resolve_job_def("hourly_market_job")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert f"The run {run.run_id} of an earlier hour has not ended" in str(evaluate_hourly(database, instance))
    instance.report_run_failed(run)
    assert isinstance(evaluate_hourly(database, instance), dg.RunRequest)


def test_the_hourly_schedule_is_on_by_default_minutes_after_the_daily_one() -> None:
    schedule = build_definitions().resolve_schedule_def("hourly_market_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("5 * * * *", "UTC")


def evaluate_lake(
    database: Database, instance: dg.DagsterInstance, uri: str = "lake", hour: int = 11
) -> dg.RunRequest | str:
    """The run that the lake's schedule asks for, or the reason why it asks for none."""
    at = TICK.replace(hour=hour, minute=25)
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, resources={"warehouse": database, "lake_uri": uri}
    )
    answer = lake_schedule(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer if isinstance(answer, dg.RunRequest) else str(answer.skip_message)


def config_of(request: dg.RunRequest | str) -> Any:
    assert isinstance(request, dg.RunRequest)
    return request.run_config["ops"]["coingecko__lake"]["config"]


@on_sqlite
def test_the_lake_is_off_until_it_has_an_address(database: Database, instance: dg.DagsterInstance) -> None:
    assert "set LAKE_URI to a folder" in str(evaluate_lake(database, instance, uri=""))


@on_sqlite
def test_the_lake_is_asked_for_where_it_lacks_a_change_and_once_a_day_to_be_kept_small(
    database: Database, instance: dg.DagsterInstance
) -> None:
    assert config_of(evaluate_lake(database, instance)) == {"anew": False, "maintain": False}
    with database.transaction() as connection:
        for name in copies_of_the_log():
            set_followed(connection, name, "coingecko", 0, TICK)
    assert evaluate_lake(database, instance) == "The lake has followed the latest changes."
    assert config_of(evaluate_lake(database, instance, hour=4))["maintain"] is True
    with database.transaction() as connection:
        log_changes(connection, [Change("daily_market", TICK.date(), TICK.date())])
    assert config_of(evaluate_lake(database, instance))["maintain"] is False


@on_sqlite
def test_no_run_of_the_lake_is_asked_for_while_another_is_at_work(
    database: Database, instance: dg.DagsterInstance
) -> None:
    job = build_definitions().resolve_job_def("lake_job")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert f"The run {run.run_id} of an earlier hour has not ended" in str(evaluate_lake(database, instance))
