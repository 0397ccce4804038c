"""Who tells of the data: what is late, what the credits do not bear, and what was revised; each once."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.freshness import OF_COINGECKO, expected_tables
from coingecko_pipeline.orchestration.to_mend import ToMend, read_to_mend
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.orchestration.ticking import Daemon
from coingecko_pipeline_tests.orchestration.watching import Hook, Watch, channel_to

MONTH = date(2026, 3, 1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance() as found:
        yield found


@pytest.fixture
def hook() -> Hook:
    return Hook(lambda _request: Answer(b"ok"))


@pytest.fixture
def watch(instance: dg.DagsterInstance, database: Database, hook: Hook) -> Watch:
    stock(database, ("a",))
    return watching(instance, database, hook)


def watching(instance: dg.DagsterInstance, database: Database, hook: Hook) -> Watch:
    found = Watch(
        "data_alert_sensor",
        instance,
        alerts=channel_to(hook),
        warehouse=database,
        plan=PLANS["demo"],
        alert_revised_values=3,
    )
    at(found, datetime(2026, 3, 9, 12, tzinfo=UTC))
    return found


def at(watch: Watch, moment: datetime) -> Watch:
    """The sensor at a moment."""
    watch.resources["now"] = lambda: moment
    return watch


def make(instance: dg.DagsterInstance, *key: str) -> datetime:
    """Record that a table is made now, as a run does; the moment."""
    instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(key)))
    event = instance.get_latest_materialization_event(dg.AssetKey(key))
    assert event is not None
    return datetime.fromtimestamp(event.timestamp, UTC)


def spend(database: Database, day: date, endpoint: str, credits_: int) -> None:
    row = {"day": day, "plan": "demo", "endpoint": endpoint, "calls": 1, "credits": credits_}
    with database.transaction() as connection:
        connection.execute(insert(tables.api_usage), row)


def revise(database: Database, values: int, seen_at: datetime) -> None:
    rows = [
        {
            "asset_id": "<!channel>",
            "date": date(2026, 1, 1) + timedelta(days=number),
            "column_name": "price_usd",
            "seen_at": seen_at,
            "old_value": 1.0,
            "new_value": 2.0,
        }
        for number in range(values)
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.market_revisions), rows)


def test_it_is_on_by_default() -> None:
    sensor = build_definitions().resolve_sensor_def("data_alert_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


@on_sqlite
def test_a_market_that_is_late_is_told_once_and_again_after_it_was_made(
    watch: Watch, instance: dg.DagsterInstance, hook: Hook
) -> None:
    made = make(instance, "coingecko", "daily_market")
    tomorrow = datetime.combine(made.date() + timedelta(days=1), datetime.min.time(), UTC)
    at(watch, tomorrow.replace(minute=59)).evaluate()
    assert hook.texts == []
    at(watch, tomorrow.replace(hour=1)).evaluate()
    at(watch, tomorrow.replace(hour=2)).evaluate()
    (text,) = hook.texts
    title, what, advice, link = text.splitlines()
    assert title == "*coingecko_pipeline: data are late*"
    assert what == f"What: coingecko/daily_market, last made {made:%Y-%m-%d %H:%M} UTC"
    assert advice.startswith("What to do: look under Automation whether the daily schedule is on")
    assert link == "See: https://dagster.example/assets"
    at(watch, made).evaluate()
    at(watch, tomorrow.replace(hour=3)).evaluate()
    assert len(hook.texts) == 2


@on_sqlite
def test_tables_that_are_late_together_are_one_alert(watch: Watch, instance: dg.DagsterInstance, hook: Hook) -> None:
    for table in ("raw_asset_list", "assets", "daily_market"):
        made = make(instance, "coingecko", table)
    at(watch, made + timedelta(hours=50)).evaluate()
    (text,) = hook.texts
    assert [line.split(",")[0] for line in text.splitlines()[1:4]] == [
        "What: coingecko/raw_asset_list",
        "What: coingecko/assets",
        "What: coingecko/daily_market",
    ]


@on_sqlite
def test_what_nobody_turned_on_is_never_late(watch: Watch, instance: dg.DagsterInstance, hook: Hook) -> None:
    for key in (("coingecko", "hourly_market"), ("coinpaprika", "daily_market"), ("coinpaprika", "raw_asset_list")):
        made = make(instance, *key)
    at(watch, made + timedelta(days=9)).evaluate()
    assert hook.texts == []


@on_sqlite
def test_hours_are_late_where_they_are_asked_for(watch: Watch, instance: dg.DagsterInstance, hook: Hook) -> None:
    made = make(instance, "coingecko", "hourly_market")
    watch.resources["plan"] = replace(PLANS["demo"], hourly_top=250)
    at(watch, made + timedelta(hours=2, minutes=59)).evaluate()
    assert hook.texts == []
    at(watch, made + timedelta(hours=3)).evaluate()
    (text,) = hook.texts
    assert "What: coingecko/hourly_market" in text
    assert "hourly_market_schedule" in text


@on_sqlite
def test_another_source_is_late_while_its_schedule_is_on(
    watch: Watch, instance: dg.DagsterInstance, hook: Hook
) -> None:
    made, daemon = make(instance, "coinpaprika", "daily_market"), Daemon(instance)
    daemon.turn("coinpaprika_daily_schedule", InstigatorStatus.RUNNING)
    at(watch, made + timedelta(days=2)).evaluate()
    assert "What: coinpaprika/daily_market" in hook.texts[0]
    daemon.turn("coinpaprika_daily_schedule", InstigatorStatus.STOPPED)
    assert set(expected_tables(instance, PLANS["demo"])) == {dg.AssetKey(["coingecko", name]) for name in OF_COINGECKO}


def test_dagster_has_a_policy_of_what_is_expected_whatever_is_turned_on_and_of_nothing_else() -> None:
    specs = {spec.key.to_user_string(): spec for spec in build_definitions().resolve_all_asset_specs()}
    with_policy = {name for name, spec in specs.items() if spec.freshness_policy is not None}
    assert with_policy == {f"coingecko/{table}" for table in OF_COINGECKO}


@on_sqlite
def test_credits_that_will_not_last_for_the_snapshots_are_told_once_a_month(
    watch: Watch, database: Database, hook: Hook
) -> None:
    # Others use 400 credits a day with the same key: 3,600 until the 9th, and 8,800 more until the 31st.
    spend(database, date(2026, 3, 9), "elsewhere", 3_600)
    watch.evaluate()
    watch.evaluate()
    (text,) = hook.texts
    assert "*coingecko_pipeline: the credits will not last the month*" in text
    assert "credits will be missing by 2026-03-31" in text
    assert "others use some 400 a day with the same key" in text
    assert "What to do: use the key less elsewhere" in text
    spend(database, date(2026, 4, 9), "elsewhere", 3_600)
    at(watch, datetime(2026, 4, 9, 12, tzinfo=UTC)).evaluate()
    assert len(hook.texts) == 2


@on_sqlite
def test_history_that_takes_what_is_left_is_no_shortfall(watch: Watch, database: Database, hook: Hook) -> None:
    spend(database, date(2026, 3, 8), "coins/market_chart", 9_800)
    watch.evaluate()
    # On the first two days of a month an hour of use would count for the whole of it.
    spend(database, date(2026, 4, 1), "elsewhere", 400)
    at(watch, datetime(2026, 4, 1, 12, tzinfo=UTC)).evaluate()
    watch.resources["plan"] = PLANS["keyless"]
    watch.evaluate()
    assert hook.texts == []


@on_sqlite
def test_snapshots_that_the_credits_do_not_bear_any_more_are_told(watch: Watch, database: Database, hook: Hook) -> None:
    spend(database, date(2026, 3, 8), "coins/market_chart", 9_990)
    watch.evaluate()
    (text,) = hook.texts
    assert "9,990 are spent and" in text


@on_sqlite
def test_revisions_beyond_the_threshold_are_told_once_a_day(watch: Watch, database: Database, hook: Hook) -> None:
    moment = datetime(2026, 3, 9, 12, tzinfo=UTC)
    revise(database, 2, moment - timedelta(hours=1))
    watch.evaluate()
    assert hook.texts == []
    revise(database, 3, moment)
    watch.evaluate()
    at(watch, moment + timedelta(hours=23)).evaluate()
    (text,) = hook.texts
    title, what, advice, _ = text.splitlines()
    assert title == "*coingecko_pipeline: CoinGecko revised 5 values of days that were over*"
    assert what == "&lt;!channel&gt;: 5 values of 2026-01-01 to 2026-01-03"
    assert advice.startswith("What to do: nothing is lost: the old values are in market_revisions")
    revise(database, 3, moment + timedelta(hours=30))
    at(watch, moment + timedelta(hours=31)).evaluate()
    assert len(hook.texts) == 2


@on_sqlite
def test_an_alert_that_is_not_taken_is_in_the_tick_as_one_to_mend_and_is_not_sent_for_ever(
    instance: dg.DagsterInstance, database: Database
) -> None:
    stock(database, ("a",))
    hook = Hook(lambda _request: Answer(status=403))
    watch = watching(instance, database, hook)
    revise(database, 3, datetime(2026, 3, 9, 11, tzinfo=UTC))
    found = read_to_mend(watch.told())
    assert found is not None
    assert found[0] is ToMend.ALERT_NOT_SENT
    assert "the webhook answered 403" in found[1]
    assert "CoinGecko revised 3 values" in found[1]
    watch.evaluate()
    assert len(hook.requests) == 1


@on_sqlite
def test_without_a_webhook_nothing_counts_as_told(watch: Watch, database: Database, hook: Hook) -> None:
    told: Any = watch.resources["alerts"]
    watch.resources["alerts"] = channel_to(None)
    revise(database, 3, datetime(2026, 3, 9, 11, tzinfo=UTC))
    assert watch.told() == "ALERT_WEBHOOK_URL is not set: nothing is sent of the data."
    watch.resources["alerts"] = told
    watch.evaluate()
    assert len(hook.texts) == 1
    assert json.loads(watch.cursor or "")["revised_at"].startswith("2026-03-09T12:00")
