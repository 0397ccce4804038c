"""Who tells that all is well: once a day, and only where it is."""

import logging
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from pydantic import SecretStr
from sqlalchemy import delete, insert, update

from coingecko_pipeline import tables
from coingecko_pipeline.alerts import AlertNotSent, Heartbeat
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.check_results import StoredCheck, store_checks
from coingecko_pipeline.orchestration.checks import checks_of_the_day
from coingecko_pipeline.orchestration.resources import build_resources
from coingecko_pipeline.settings import AlertSettings
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.alerts.receiving import SECRET, receiving
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer, market_row
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.orchestration.watching import Watch
from coingecko_pipeline_tests.running import run_job

TODAY = date(2026, 3, 9)
EARLY = datetime(2026, 3, 9, 0, 5, tzinfo=UTC)
COINS = ("big", "middle", "small")

pytestmark = on_sqlite


def know(database: Database, day: date = TODAY) -> None:
    """Store a day's snapshot of three coins."""
    stock(database, COINS)
    with database.transaction() as connection:
        connection.execute(
            insert(tables.daily_market),
            [{"date": day, "asset_id": coin, "price_usd": 1.0, "source": "snapshot"} for coin in COINS],
        )
        log_changes(connection, [Change("daily_market", day, day)], lambda: EARLY)


def check(database: Database, at: datetime = EARLY, **results: bool) -> None:
    """Keep that all checks of the day hold, but for those that are named."""
    for key in checks_of_the_day():
        asset = key.asset_key.to_user_string()
        held = results.get(key.name, True)
        names = [each.name for each in checks_of_the_day()]
        store_checks(database, asset, names, [StoredCheck(asset, key.name, held, True, "rows 3", at)])


@pytest.fixture
def well(database: Database) -> Database:
    """A database whose day is well."""
    know(database)
    check(database)
    return database


@pytest.fixture
def monitor() -> FakeServer:
    return FakeServer(lambda _request: Answer(b"OK"))


def heartbeat_to(monitor: FakeServer | None, url: str = f"https://hc.example/{SECRET}") -> Heartbeat:
    clock = FakeClock()
    settings = AlertSettings(heartbeat_url=SecretStr(url) if monitor else None, _env_file=None)
    return Heartbeat(settings, clock=clock, now=clock.now, adapter=monitor)


@pytest.fixture
def watch(database: Database, monitor: FakeServer) -> Watch:
    return Watch("heartbeat_sensor", None, heartbeat=heartbeat_to(monitor), warehouse=database, now=lambda: EARLY)


@pytest.mark.usefixtures("well")
def test_a_day_that_is_well_is_told_once_by_a_request_without_a_body(watch: Watch, monitor: FakeServer) -> None:
    assert watch.told() == "Sent the heartbeat of 2026-03-09."
    assert watch.told() == "The heartbeat of 2026-03-09 was sent."
    (request,) = monitor.requests
    assert (request.method, request.body) == ("GET", None)


def test_the_days_job_and_its_checks_make_a_day_that_is_well(
    watch: Watch, database: Database, monitor: FakeServer
) -> None:
    market = FakeMarket(rows=[market_row(coin, 5.0, 1e9, "2026-03-09T00:04:00Z") for coin in COINS])
    clock = FakeClock(EARLY)
    client = CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=market.server)
    assert watch.told() == "The snapshot of 2026-03-09 is not stored, or not whole."
    assert run_job("daily_market_job", database, client, TODAY).success
    assert "was not evaluated since the snapshot was stored" in watch.told()
    assert run_job("market_checks_job", database, client).success
    assert monitor.requests == []
    assert watch.told() == "Sent the heartbeat of 2026-03-09."


@pytest.mark.usefixtures("well")
def test_the_next_day_is_told_when_it_is_well_itself(watch: Watch, monitor: FakeServer) -> None:
    watch.evaluate()
    watch.resources["now"] = lambda: EARLY + timedelta(days=1)
    assert watch.told() == "The snapshot of 2026-03-10 is not stored, or not whole."
    assert len(monitor.requests) == 1


def test_checks_of_an_earlier_snapshot_do_not_count(watch: Watch, database: Database, monitor: FakeServer) -> None:
    know(database)
    check(database, EARLY - timedelta(seconds=1))
    assert "was not evaluated since the snapshot was stored" in watch.told()
    assert monitor.requests == []


def test_a_check_that_fails_as_an_error_keeps_it_back_until_it_holds(
    watch: Watch, database: Database, monitor: FakeServer
) -> None:
    know(database)
    check(database, the_list_was_taken=False)
    assert watch.told() == "The check the_list_was_taken failed: rows 3"
    assert monitor.requests == []
    check(database)
    assert watch.told() == "Sent the heartbeat of 2026-03-09."


def test_a_warning_does_not_keep_it_back(watch: Watch, well: Database) -> None:
    with well.transaction() as connection:
        connection.execute(update(tables.check_results).values(is_passed=False, is_error=False))
    assert watch.told() == "Sent the heartbeat of 2026-03-09."


def test_a_snapshot_of_some_coins_is_none_of_the_day(watch: Watch, well: Database, monitor: FakeServer) -> None:
    with well.transaction() as connection:
        connection.execute(delete(tables.daily_market).where(tables.daily_market.c.asset_id != "big"))
    assert watch.told() == "The snapshot of 2026-03-09 is not stored, or not whole."
    assert monitor.requests == []


@pytest.mark.usefixtures("well")
def test_a_monitor_that_is_away_for_a_while_is_asked_again_until_the_day_is_over(watch: Watch) -> None:
    answers = iter([*[Answer(status=503)] * 3, Answer(status=403), Answer(b"OK")])
    monitor = FakeServer(lambda _request: next(answers))
    for status in (503, 403):
        watch.resources["heartbeat"] = heartbeat_to(monitor)
        with pytest.raises(AlertNotSent, match=f"The heartbeat was not sent: the monitor answered {status}") as caught:
            watch.evaluate()
        assert "hc.example" not in str(caught.value)
        assert SECRET not in str(caught.value)
    assert watch.told() == "Sent the heartbeat of 2026-03-09."
    assert watch.told() == "The heartbeat of 2026-03-09 was sent."
    assert len(monitor.requests) == 5


@pytest.mark.usefixtures("well")
def test_a_redirect_is_not_followed(watch: Watch) -> None:
    monitor = FakeServer([Answer(status=302, headers={"Location": "https://elsewhere.example/"})])
    watch.resources["heartbeat"] = heartbeat_to(monitor)
    with pytest.raises(AlertNotSent, match="answered 302"):
        watch.evaluate()
    assert len(monitor.requests) == 1


@pytest.mark.usefixtures("well")
def test_it_arrives_over_a_real_connection_from_the_settings_and_no_log_shows_the_address(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving() as received:
        monkeypatch.setenv("HEARTBEAT_URL", received.url)
        monkeypatch.setenv("COINGECKO_PLAN", "gold")  # another setting that is wrong is no hindrance
        watch.resources["heartbeat"] = build_resources()["heartbeat"]
        assert watch.told() == "Sent the heartbeat of 2026-03-09."
    assert (received.asked, received.bodies) == (1, [])
    assert "not-to-be-shown" not in caplog.text


def test_where_nobody_waits_for_it_nothing_is_looked_at(watch: Watch) -> None:
    watch.resources["heartbeat"] = heartbeat_to(None)
    assert watch.told() == "HEARTBEAT_URL is not set."


def test_it_is_on_by_default_and_asks_every_five_minutes(watch: Watch) -> None:
    assert watch.definition.default_status == dg.DefaultSensorStatus.RUNNING
    assert watch.definition.minimum_interval_seconds == 300
