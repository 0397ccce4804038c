"""The checks of the roll-ups and measures pass on what the assets make, and see what was changed behind them."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.measures import GLOBAL_MARKET_DAILY, WEEKLY_MARKET
from coingecko_pipeline.orchestration.checks.measures import (
    WINDOW,
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
)
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.measures.charts import planted, store
from coingecko_pipeline_tests.measures.deriving import build
from coingecko_pipeline_tests.running import check_alone

FIRST = date(2026, 1, 5)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with empty_instance() as instance:
        yield instance


@pytest.fixture
def made(database: Database) -> Database:
    """A market with its weeks and its sums."""
    store(database, {"coin": planted(FIRST, range(1, 90)), "gone": planted(FIRST, [4, None, 2])})
    for derived in (WEEKLY_MARKET, GLOBAL_MARKET_DAILY):
        build(database, derived)
    return database


def set_cap(database: Database, day: date) -> None:
    market = tables.daily_market
    with database.transaction() as connection:
        connection.execute(market.update().where(market.c.date == day).values(market_cap_usd=1.0))


def test_what_is_made_passes_executed_alone(made: Database) -> None:
    for check in (a_week_has_one_to_seven_days_and_its_prices_are_in_order, the_global_market_is_the_sum_of_the_coins):
        assert check_alone(made, check).passed


@on_sqlite
def test_empty_tables_pass(database: Database) -> None:
    for check in (a_week_has_one_to_seven_days_and_its_prices_are_in_order, the_global_market_is_the_sum_of_the_coins):
        assert check_alone(database, check).passed


def test_a_week_of_eight_days_and_a_close_above_the_high_are_seen(database: Database) -> None:
    row = {"week_start": FIRST, "open_usd": 1, "high_usd": 2, "low_usd": 1, "close_usd": 2, "days_present": 7}
    with database.transaction() as connection:
        for coin, wrong in {"fine": {}, "long": {"days_present": 8}, "high": {"close_usd": 3}}.items():
            connection.execute(tables.weekly_market.insert(), row | {"asset_id": coin} | wrong)
    evaluation = check_alone(database, a_week_has_one_to_seven_days_and_its_prices_are_in_order)
    assert not evaluation.passed
    assert evaluation.metadata["wrong_rows"].value == 2


def test_a_row_that_changed_since_is_seen_and_a_stale_one_is_not_missed(made: Database) -> None:
    day = FIRST + timedelta(days=80)
    set_cap(made, day)
    evaluation = check_alone(made, the_global_market_is_the_sum_of_the_coins)
    assert not evaluation.passed
    assert evaluation.metadata["examples"].value == [day.isoformat()]
    market = tables.daily_market
    with made.transaction() as connection:
        connection.execute(market.update().where(market.c.date == day).values(source=tables.STALE))
    build(made, GLOBAL_MARKET_DAILY)
    store(made, {})
    evaluation = check_alone(made, the_global_market_is_the_sum_of_the_coins)
    assert evaluation.passed


@on_sqlite
def test_the_dates_that_the_last_run_changed_are_looked_at(made: Database, instance: dg.DagsterInstance) -> None:
    changed = FIRST + timedelta(days=2)
    set_cap(made, changed)
    assert check_alone(made, the_global_market_is_the_sum_of_the_coins, instance).passed
    facts = {"last_date": changed.isoformat()}
    key = dg.AssetKey(["coingecko", "global_market_daily"])
    instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=facts))
    evaluation = check_alone(made, the_global_market_is_the_sum_of_the_coins, instance)
    assert not evaluation.passed
    assert evaluation.metadata["first_date"].value == str(changed - WINDOW)
