"""The latest outcome of each check, and when a day's snapshot was stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import has_whole_snapshot
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.check_results import StoredCheck, read_checks, snapshot_stored_at, store_checks
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.orchestration.assets.conftest import stock

AT = datetime(2026, 3, 9, 0, 12, tzinfo=UTC)
TODAY = AT.date()
HOLDS = StoredCheck("coingecko/assets", "it_holds", True, True, "rows 3", AT)
WARNS = replace(HOLDS, check_name="it_warns", is_passed=False, is_error=False, detail="größer als «alles»")
FAILS = replace(HOLDS, check_name="it_fails", is_passed=False)
NAMES = ["it_holds", "it_warns", "it_fails"]


def test_the_latest_outcome_of_each_check_is_read_errors_first(database: Database) -> None:
    store_checks(database, HOLDS.asset, NAMES, [HOLDS, WARNS, FAILS])
    assert read_checks(database) == [FAILS, HOLDS, WARNS]
    assert read_checks(database, failed=True) == [FAILS, WARNS]
    later = replace(FAILS, is_passed=True, evaluated_at=AT + timedelta(hours=1))
    store_checks(database, HOLDS.asset, NAMES, [later])
    assert read_checks(database, failed=True) == [WARNS]
    assert later in read_checks(database)


def test_what_another_asset_has_stays(database: Database) -> None:
    other = replace(FAILS, asset="coingecko/raw_asset_list", check_name="another")
    store_checks(database, other.asset, ["another"], [other])
    store_checks(database, HOLDS.asset, NAMES, [HOLDS])
    store_checks(database, HOLDS.asset, ["it_warns"], [])
    assert read_checks(database) == [other]


def test_a_snapshot_is_told_from_charts_and_from_other_dates(database: Database) -> None:
    yesterday = date(2026, 3, 8)
    with database.transaction() as connection:
        log_changes(connection, [Change("daily_market", yesterday, yesterday)], lambda: AT)
        log_changes(connection, [Change("daily_market", yesterday, TODAY, "a")], lambda: AT)
        log_changes(connection, [Change("hourly_market", TODAY, TODAY)], lambda: AT)
    assert snapshot_stored_at(database, TODAY) is None
    later = AT + timedelta(minutes=1)
    with database.transaction() as connection:
        log_changes(connection, [Change("daily_market", TODAY, TODAY)], lambda: AT)
        log_changes(connection, [Change("daily_market", TODAY, TODAY)], lambda: later)
    assert snapshot_stored_at(database, TODAY) == later


def test_a_snapshot_is_whole_with_nine_tenths_of_the_active_coins(database: Database) -> None:
    assert not has_whole_snapshot(database, TODAY)
    coins = tuple("abcdefghij")
    stock(database, coins)
    rows = [{"date": TODAY, "asset_id": coin, "price_usd": 1.0, "source": "snapshot"} for coin in coins]
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), rows[:8])
    assert not has_whole_snapshot(database, TODAY)
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), rows[8:9])
    assert has_whole_snapshot(database, TODAY)
