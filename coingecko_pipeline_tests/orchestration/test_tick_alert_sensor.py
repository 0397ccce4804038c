"""Who tells of ticks: what failed or has to be mended is told once, and what is routine never."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables import prepare
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.alerts.receiving import SECRET
from coingecko_pipeline_tests.fakes import Answer
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.orchestration.ticking import Daemon, unreachable
from coingecko_pipeline_tests.orchestration.watching import Hook, Watch, channel_to

NOW = datetime(2026, 3, 9, 10, tzinfo=UTC)
HOURLY, DAILY, NEW_COINS = "hourly_market_schedule", "daily_market_schedule", "new_coins_sensor"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance() as found:
        yield found


@pytest.fixture
def daemon(instance: dg.DagsterInstance) -> Daemon:
    return Daemon(instance)


@pytest.fixture
def hook() -> Hook:
    return Hook(lambda _request: Answer(b"ok"))


@pytest.fixture
def watch(instance: dg.DagsterInstance, hook: Hook) -> Watch:
    """The sensor after its first evaluation, which looks at nothing."""
    found = Watch("tick_alert_sensor", instance, alerts=channel_to(hook), now=lambda: NOW)
    assert found.told() == "The ticks are read from now on."
    return found


@pytest.fixture
def market(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/market.db")
    prepare(database)
    stock(database, ("a",))
    return database


def fail() -> None:
    raise ValueError("the disk is full")


def test_it_is_on_by_default_and_needs_no_database_but_dagsters() -> None:
    sensor = build_definitions().resolve_sensor_def("tick_alert_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert sensor.required_resource_keys == {"alerts", "now"}


def test_a_snapshot_that_was_missed_at_its_time_is_told_once_with_what_to_do(
    daemon: Daemon, watch: Watch, hook: Hook
) -> None:
    midnight = NOW.replace(hour=0)
    daemon.tick(DAILY, midnight - timedelta(days=1), now=lambda: NOW)
    daemon.tick(DAILY, midnight, now=lambda: NOW)
    assert watch.told() == "Alerts sent of ticks: 1."
    assert watch.told() == "Alerts sent of ticks: 0."
    (text,) = hook.texts
    title, why, when, advice, link = text.splitlines()
    assert title == "*coingecko_pipeline: the schedule daily_market_schedule was skipped*"
    assert why.startswith("Why: This tick of 2026-03-08 was missed at its time")
    assert "coingecko-pipeline backfill --from 2026-03-08 --to 2026-03-08" in why
    assert when == "When: the tick of 2026-03-08 00:00:00 UTC"
    assert advice.startswith("What to do: find out why the daemon was not at work")
    assert link == "See: https://dagster.example/automation"


def test_what_is_skipped_as_a_matter_of_routine_is_not_told(
    daemon: Daemon, watch: Watch, hook: Hook, market: Database
) -> None:
    given: dict[str, Any] = {"now": lambda: NOW, "warehouse": market, "plan": PLANS["demo"]}
    daemon.tick(HOURLY, NOW, **given)
    daemon.tick("currency_completion_schedule", NOW, **given, currencies=())
    daemon.tick(NEW_COINS, NOW, **given)
    daemon.tick("derived_tables_sensor", NOW, **given)
    daemon.tick("history_completion_schedule", NOW - timedelta(days=1), **given)
    assert watch.told() == "Alerts sent of ticks: 0."
    assert hook.texts == []


def test_an_hour_that_the_months_credits_do_not_bear_is_told(
    daemon: Daemon, watch: Watch, hook: Hook, market: Database
) -> None:
    spent = {"day": date(2026, 3, 1), "plan": "demo", "endpoint": "coins/market_chart", "calls": 1, "credits": 10_000}
    with market.transaction() as connection:
        connection.execute(insert(tables.api_usage), spent)
    plan = replace(PLANS["demo"], hourly_top=250)
    daemon.tick(HOURLY, NOW, now=lambda: NOW, warehouse=market, plan=plan)
    daemon.tick(HOURLY, NOW + timedelta(hours=1), now=lambda: NOW + timedelta(hours=1), warehouse=market, plan=plan)
    watch.evaluate()
    (text,) = hook.texts
    assert "needs 1 credits and 0 are left for it" in text
    assert "What to do: nothing, if you spent them; else look at the table api_usage" in text


@pytest.mark.parametrize("day", [9, 31], ids=["amid the month", "on its last day, which may spend all"])
def test_coins_that_wait_for_credits_that_the_month_has_no_more_of_are_told(
    daemon: Daemon, watch: Watch, hook: Hook, market: Database, day: int
) -> None:
    spent = {"day": date(2026, 3, 1), "plan": "demo", "endpoint": "coins/market_chart", "calls": 1, "credits": 10_000}
    with market.transaction() as connection:
        connection.execute(insert(tables.api_usage), spent)
    given: dict[str, Any] = {"warehouse": market, "plan": PLANS["demo"]}
    moment = datetime(2026, 3, day, 1, tzinfo=UTC)
    daemon.tick("history_completion_schedule", moment, now=lambda: moment, **given)
    watch.evaluate()
    reason = "1 of 1 coins wait for their history, and today has no credit for it: 0 are left until 2026-03-31"
    assert [reason in text for text in hook.texts] == ([True] if day == 9 else [])


def test_runs_that_keep_failing_are_told(daemon: Daemon, watch: Watch, hook: Hook, market: Database) -> None:
    with market.transaction() as connection:
        connection.execute(
            insert(tables.daily_market), {"date": NOW.date(), "asset_id": "a", "price_usd": 1.0, "source": "chart"}
        )
    for _ in range(10):
        create_run_for_test(daemon.instance, job_name="derived_tables_job", status=dg.DagsterRunStatus.FAILURE)
    daemon.tick("derived_tables_sensor", NOW, now=lambda: NOW, warehouse=market)
    watch.evaluate()
    (text,) = hook.texts
    assert "10 runs of derived_tables_job in a row have failed" in text
    assert "What to do: read why the last run failed, mend it, and launch the job by hand." in text


def test_a_wrong_setting_fails_the_tick_and_is_told_once_for_all_that_need_it(
    daemon: Daemon, watch: Watch, hook: Hook, monkeypatch: pytest.MonkeyPatch, market: Database
) -> None:
    monkeypatch.setenv("COINGECKO_PLAN", "gold")
    for minute in range(3):
        daemon.tick(NEW_COINS, NOW + timedelta(minutes=minute), warehouse=market)
        daemon.tick(HOURLY, NOW + timedelta(minutes=minute), warehouse=market)
    watch.evaluate()
    (text,) = hook.texts
    assert "failed*" in text.splitlines()[0]
    assert "Why: COINGECKO_PLAN is 'gold', which is no plan" in text


def test_a_database_that_is_not_migrated_is_told(
    daemon: Daemon, watch: Watch, hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path}/newer.db")
    prepare(database)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE warehouse_version SET version_num = '9999'")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/newer.db")
    for name in (NEW_COINS, "derived_tables_sensor", HOURLY):
        daemon.tick(name, NOW)
    watch.evaluate()
    (text,) = hook.texts
    assert "9999" in text
    assert "the sensor new_coins_sensor failed" in text or "schedule hourly_market_schedule failed" in text


def test_what_fails_again_within_the_hour_is_told_once_and_later_anew(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    fine = dg.SkipReason
    answers: list[Callable[[], Any]] = [fail, fine, fail, fine]
    for minute, answer in enumerate(answers):
        daemon.tick(NEW_COINS, NOW + timedelta(minutes=minute), answer)
        watch.evaluate()
    assert len(hook.texts) == 1
    assert "Why: the disk is full\n" in hook.texts[0]
    daemon.tick(NEW_COINS, NOW + timedelta(hours=2), fine)
    daemon.tick(NEW_COINS, NOW + timedelta(hours=3), fail)
    watch.evaluate()
    assert len(hook.texts) == 2


def test_another_error_of_the_same_sensor_is_told_too(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    def differ() -> None:
        raise KeyError("price")

    daemon.tick(NEW_COINS, NOW, fail)
    daemon.tick(NEW_COINS, NOW, differ)
    watch.evaluate()
    assert len(hook.texts) == 2


def test_a_tick_that_has_not_ended_is_waited_for(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    tick = daemon.begin(NEW_COINS, NOW)
    daemon.tick(NEW_COINS, NOW + timedelta(minutes=1), fail)
    watch.evaluate()
    assert hook.texts == []
    daemon.end(tick, fail)
    watch.evaluate()
    watch.evaluate()
    assert len(hook.texts) == 1


def test_a_tick_that_never_ends_is_not_waited_for_for_ever(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    daemon.begin(NEW_COINS, NOW - timedelta(hours=2))
    daemon.tick(NEW_COINS, NOW, fail)
    watch.evaluate()
    assert len(hook.texts) == 1


def test_a_code_location_that_is_away_for_an_upgrade_is_not_told(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    daemon.tick(NEW_COINS, NOW, unreachable)
    daemon.tick(NEW_COINS, NOW + timedelta(hours=2), dg.SkipReason)
    watch.evaluate()
    assert hook.texts == []


def test_what_failed_before_the_first_evaluation_is_not_told(
    daemon: Daemon, instance: dg.DagsterInstance, hook: Hook
) -> None:
    daemon.tick(NEW_COINS, NOW, fail)
    watch = Watch("tick_alert_sensor", instance, alerts=channel_to(hook), now=lambda: NOW)
    watch.evaluate()
    watch.evaluate()
    assert hook.texts == []


def test_what_failed_while_no_webhook_was_set_is_not_told_later(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    told = watch.resources["alerts"]
    watch.resources["alerts"] = channel_to(None)
    daemon.tick(NEW_COINS, NOW, fail)
    assert watch.told() == "ALERT_WEBHOOK_URL is not set: nothing is sent of the ticks."
    watch.resources["alerts"] = told
    watch.evaluate()
    watch.evaluate()
    assert hook.texts == []
    daemon.tick(NEW_COINS, NOW, fail)
    watch.evaluate()
    assert len(hook.texts) == 1


def test_an_alert_that_is_not_taken_is_in_the_tick_and_is_not_sent_for_ever(
    daemon: Daemon, instance: dg.DagsterInstance
) -> None:
    hook = Hook(lambda _request: Answer(b"no_service", status=404))
    watch = Watch("tick_alert_sensor", instance, alerts=channel_to(hook), now=lambda: NOW)
    watch.evaluate()
    daemon.tick(NEW_COINS, NOW, fail)
    told = watch.told()
    assert "The alert was not sent: the webhook answered 404 (no_service)" in told
    assert "It was about new_coins_sensor: the disk is full" in told
    watch.evaluate()
    assert len(hook.requests) == 1
    for text in (told, watch.cursor or ""):
        assert "hooks.example" not in text
        assert SECRET not in text


def test_the_failure_of_the_sensor_that_sends_alerts_of_runs_is_told(daemon: Daemon, watch: Watch, hook: Hook) -> None:
    daemon.tick("run_failure_alert_sensor", NOW, fail)
    daemon.tick("tick_alert_sensor", NOW, fail)
    watch.evaluate()
    (text,) = hook.texts
    assert "the sensor run_failure_alert_sensor failed" in text
