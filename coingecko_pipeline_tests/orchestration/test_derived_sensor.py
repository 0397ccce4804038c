"""Who asks for the derived tables: what lags, one run at a time, and a failed one again with growing pauses."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.orchestration.derived_sensor import (
    FOLLOWS_TAG,
    MOST_FAILURES,
    derived_tables_sensor,
    reason_to_wait,
)
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.measures.charts import planted, store
from coingecko_pipeline_tests.measures.deriving import changed, log
from coingecko_pipeline_tests.running import QUIET, checks_of

FIRST = date(2026, 1, 1)
TODAY = date(2026, 1, 31)
DAILY = [
    *("weekly_market", "monthly_market", "daily_returns", "global_market_daily"),
    *("daily_candles", "market_flags", "market_report"),
]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance() as found:
        yield found


@pytest.fixture
def market(database: Database) -> Database:
    """A market that has logged no change."""
    store(database, {"coin": planted(FIRST, range(1, 32))})
    asset = {"asset_id": "coin", "symbol": "c", "name": "Coin", "first_seen_on": FIRST, "last_seen_on": TODAY}
    with database.transaction() as connection:
        connection.execute(insert(tables.assets), {**asset, "is_active": True})
    return database


def evaluate(database: Database, instance: dg.DagsterInstance, now: datetime | None = None) -> dg.RunRequest | str:
    """The run that the sensor asks for, or why it asks for none."""
    moment = now or datetime.now(UTC)
    context = dg.build_sensor_context(instance, resources={"now": lambda: moment, "warehouse": database})
    answer = derived_tables_sensor(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer if isinstance(answer, dg.RunRequest) else str(answer.skip_message)


def asked(answer: dg.RunRequest | str) -> list[str]:
    assert isinstance(answer, dg.RunRequest), answer
    return [key.path[-1] for key in answer.asset_selection or ()]


def run(
    database: Database, instance: dg.DagsterInstance, request: dg.RunRequest, tmp_path: Any, **others: object
) -> dg.ExecuteInProcessResult:
    """The run that was asked for, in this process."""
    values = {
        "warehouse": database,
        "plan": PLANS["demo"],
        "report_path": tmp_path / "report.html",
        **others,
    }
    overrides = {name: dg.ResourceDefinition.hardcoded_resource(value) for name, value in values.items()}
    return (
        build_definitions(overrides)
        .resolve_job_def("derived_tables_job")
        .execute_in_process(
            instance=instance,
            run_config=QUIET,
            tags=dict(request.tags),
            asset_selection=list(request.asset_selection or ()),
            raise_on_error=False,
        )
    )


@on_sqlite
def test_nobody_asks_where_nothing_is_stored(database: Database, instance: dg.DagsterInstance) -> None:
    assert "has followed the latest changes" in str(evaluate(database, instance))


@on_sqlite
def test_what_never_was_computed_is_asked_for_and_then_what_changes(
    market: Database, instance: dg.DagsterInstance, tmp_path: Any
) -> None:
    request = evaluate(market, instance)
    assert asked(request) == DAILY
    assert isinstance(request, dg.RunRequest)
    assert run(market, instance, request, tmp_path).success
    assert "has followed the latest changes" in str(evaluate(market, instance))
    log(market, changed(TODAY))
    request = evaluate(market, instance)
    assert asked(request) == DAILY
    assert isinstance(request, dg.RunRequest)
    assert "weekly_market: coingecko to 1" in request.tags[FOLLOWS_TAG]
    assert run(market, instance, request, tmp_path).success
    assert "has followed the latest changes" in str(evaluate(market, instance))


@on_sqlite
def test_the_report_is_made_last(market: Database, instance: dg.DagsterInstance, tmp_path: Any) -> None:
    request = evaluate(market, instance)
    assert isinstance(request, dg.RunRequest)
    result = run(market, instance, request, tmp_path)
    made = [event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key]
    assert sorted(made) == sorted(DAILY)
    assert (tmp_path / "report.html").exists()


@on_sqlite
@pytest.mark.parametrize(
    ("job", "selection"),
    [
        ("daily_market_job", None),
        ("market_charts_job", None),
        ("hourly_market_job", None),
        ("coinpaprika_daily_job", None),
        ("derived_tables_job", None),
        ("measures_job", None),
        ("__ASSET_JOB", "daily_market"),
        ("__ASSET_JOB", "weekly_market"),
    ],
)
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_no_run_is_asked_for_while_one_changes_a_market_or_follows_one(
    market: Database,
    instance: dg.DagsterInstance,
    job: str,
    selection: str | None,
    status: dg.DagsterRunStatus,
) -> None:
    definition = build_definitions().resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["coingecko", selection]) if selection else None
    if job != definition.name:
        definition = build_definitions().resolve_job_def(job)
    waited_for = instance.create_run_for_job(
        definition.get_subset(asset_selection={key}) if key else definition,
        asset_selection=frozenset({key}) if key else None,
        status=status,
    )
    assert f"The run {waited_for.run_id} of {job} has not ended" in str(evaluate(market, instance))
    # A run whose process is gone is not waited for for ever.
    assert asked(evaluate(market, instance, datetime.now(UTC) + timedelta(hours=25))) == DAILY
    instance.report_run_failed(waited_for)
    if job != "derived_tables_job":
        assert asked(evaluate(market, instance)) == DAILY


@on_sqlite
def test_a_run_of_something_else_is_not_waited_for(market: Database, instance: dg.DagsterInstance) -> None:
    job = build_definitions().resolve_job_def("asset_list_job")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert asked(evaluate(market, instance)) == DAILY


@on_sqlite
def test_a_failed_run_is_asked_for_again_with_growing_pauses_until_something_new_changes(
    market: Database, instance: dg.DagsterInstance, tmp_path: Any
) -> None:
    log(market, changed(TODAY))
    broken = tmp_path / "a file where a folder should be"
    broken.write_text("")
    for number, pause in enumerate((1, 2, 4, 8, 16, 32, 60, 60, 60), start=1):
        request = evaluate(market, instance, datetime.now(UTC) + timedelta(days=1))
        assert asked(request)[-1] == "market_report"
        assert isinstance(request, dg.RunRequest)
        assert not run(market, instance, request, tmp_path, report_path=broken / "report.html").success
        failed = datetime.now(UTC)
        told = str(evaluate(market, instance, failed + timedelta(minutes=pause, seconds=-5)))
        assert told.startswith(f"{number} run(s) in a row have failed; the next is asked for at")
        # All but the report had succeeded the first time.
        assert asked(evaluate(market, instance, failed + timedelta(minutes=pause, seconds=5))) == ["market_report"]
    request = evaluate(market, instance, datetime.now(UTC) + timedelta(days=1))
    assert isinstance(request, dg.RunRequest)
    run(market, instance, request, tmp_path, report_path=broken / "report.html")
    told = str(evaluate(market, instance, datetime.now(UTC) + timedelta(days=9)))
    assert f"{MOST_FAILURES} runs of derived_tables_job in a row have failed since the latest change" in told
    log(market, changed(TODAY))
    assert asked(evaluate(market, instance)) == DAILY


def test_after_a_success_the_pauses_begin_anew() -> None:
    now = datetime(2026, 3, 9, tzinfo=UTC)
    assert reason_to_wait([], now) is None
    assert reason_to_wait([now - timedelta(seconds=59)], now) is not None
    assert reason_to_wait([now - timedelta(seconds=60)], now) is None
    assert reason_to_wait([now - timedelta(minutes=59)] * 9, now) is not None
    assert reason_to_wait([now - timedelta(minutes=60)] * 9, now) is None


@on_sqlite
def test_bars_of_hours_are_asked_for_once_their_day_is_over(
    database: Database, instance: dg.DagsterInstance, tmp_path: Any
) -> None:
    day = datetime.now(UTC).date() - timedelta(days=1)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    with database.transaction() as connection:
        connection.execute(insert(tables.hourly_market), {"hour_at": noon, "asset_id": "coin", "price_usd": 1.0})
    log(database, Change("hourly_market", day, day))
    assert "has followed" in str(evaluate(database, instance, noon + timedelta(hours=11)))
    request = evaluate(database, instance, noon + timedelta(hours=13))
    assert asked(request) == ["daily_ohlc"]
    assert isinstance(request, dg.RunRequest)
    assert run(database, instance, request, tmp_path, now=lambda: noon + timedelta(hours=13)).success
    assert "has followed" in str(evaluate(database, instance, noon + timedelta(hours=14)))
    # An hour of the day that runs waits until that is over, whether another one comes or not.
    with database.transaction() as connection:
        later = noon + timedelta(hours=15)
        connection.execute(insert(tables.hourly_market), {"hour_at": later, "asset_id": "coin", "price_usd": 1.0})
    log(database, Change("hourly_market", later.date(), later.date()))
    assert "has followed" in str(evaluate(database, instance, later))
    assert asked(evaluate(database, instance, later + timedelta(hours=22))) == ["daily_ohlc"]
    # An hour of a day that is over came late.
    log(database, Change("hourly_market", day, day))
    assert asked(evaluate(database, instance, later)) == ["daily_ohlc"]


@on_sqlite
def test_the_agreement_is_asked_for_as_soon_as_there_is_a_pair(
    market: Database, second: Database, instance: dg.DagsterInstance, tmp_path: Any
) -> None:
    store(second, {"c-coin": planted(TODAY, [31.5])})
    assert "source_agreement" not in asked(evaluate(market, instance))
    pair = {"asset_id": "coin", "coinpaprika_id": "c-coin", "how": "proposed", "matched_on": TODAY}
    with market.transaction() as connection:
        connection.execute(insert(tables.asset_pairs), pair)
    request = evaluate(market, instance)
    assert asked(request) == [*DAILY[:-1], "source_agreement", "market_report"]
    assert isinstance(request, dg.RunRequest)
    assert run(market, instance, request, tmp_path).success
    assert "has followed" in str(evaluate(market, instance))
    log(second, changed(TODAY))
    assert asked(evaluate(market, instance)) == ["source_agreement"]


@on_sqlite
def test_the_list_is_checked_once_after_each_snapshot_and_keeps_nothing_from_being_made(
    market: Database, instance: dg.DagsterInstance, tmp_path: Any
) -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def checked(answer: dg.RunRequest | str) -> set[str]:
        assert isinstance(answer, dg.RunRequest)
        return {key.asset_key.path[-1] for key in answer.asset_check_keys or ()}

    log(market, changed(TODAY, asset_id="coin"))
    assert checked(evaluate(market, instance, noon)) >= {"market_changes", "weekly_market"}
    assert not checked(evaluate(market, instance, noon)) & {"raw_asset_list", "assets"}
    with market.transaction() as connection:
        log_changes(connection, [changed(TODAY)], lambda: noon)
    request = evaluate(market, instance, noon)
    assert checked(request) >= {"market_changes", "raw_asset_list", "assets"}
    assert isinstance(request, dg.RunRequest)
    # No list was ever taken, so the coin that is active should not be: an error that blocks what is made of the coins.
    resources: dict[str, object] = {"warehouse": market, "plan": PLANS["demo"], "report_path": tmp_path / "report.html"}
    overrides = {
        name: dg.ResourceDefinition.hardcoded_resource(value)
        for name, value in {**resources, "now": lambda: noon}.items()
    }
    job = build_definitions(overrides).resolve_job_def("derived_tables_job")
    chosen = job.get_subset(
        asset_selection=set(request.asset_selection or ()), asset_check_selection=set(request.asset_check_keys or ())
    )
    result = chosen.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
    assert not result.success
    assert not checks_of(result)["every_listed_asset_is_present"].passed
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == set(DAILY)
    log(market, changed(TODAY, asset_id="coin"))
    assert not checked(evaluate(market, instance, noon)) & {"raw_asset_list", "assets"}


def test_the_sensor_is_on_by_default_and_asks_every_minute() -> None:
    sensor = build_definitions().resolve_sensor_def("derived_tables_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 60
