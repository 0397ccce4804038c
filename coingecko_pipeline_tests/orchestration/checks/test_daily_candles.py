"""The check of the candles sees hours that lie outside of them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.checks.daily_candles import the_hours_prices_lie_within_the_candle
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.running import check_alone

DAY = date(2026, 3, 9)


def store(database: Database, coin: str, low: float, high: float, day: date = DAY) -> None:
    """A candle from 4 to 9, and hours from low to high."""
    common = {"date": day, "asset_id": coin, "open_usd": 5.0, "close_usd": 6.0}
    candle = {**common, "low_usd": 4.0, "high_usd": 9.0, "quality": "inside"}
    hours = {**common, "low_usd": low, "high_usd": high, "observations": 24}
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_candles), candle)
        connection.execute(insert(tables.daily_ohlc), hours)


@on_sqlite
def test_hours_within_the_candle_pass_and_coins_without_hours_are_not_compared(database: Database) -> None:
    assert check_alone(database, the_hours_prices_lie_within_the_candle).passed
    store(database, "inside", 4.1, 8.9)
    store(database, "nearly", 3.97, 9.08)
    with database.transaction() as connection:
        alone = {"date": DAY, "asset_id": "alone", "low_usd": 4.0, "high_usd": 9.0, "quality": "both_missing"}
        connection.execute(insert(tables.daily_candles), alone)
    evaluation = check_alone(database, the_hours_prices_lie_within_the_candle)
    assert evaluation.passed
    assert evaluation.metadata["compared"].value == 2


@pytest.mark.parametrize(("low", "high"), [(3.9, 8.0), (5.0, 9.2)])
def test_an_hour_outside_of_the_candle_is_seen_in_the_latest_weeks(database: Database, low: float, high: float) -> None:
    store(database, "inside", 5.0, 8.0)
    store(database, "outside", low, high)
    store(database, "long-ago", low, high, DAY - timedelta(days=40))
    evaluation = check_alone(database, the_hours_prices_lie_within_the_candle)
    assert not evaluation.passed
    assert evaluation.severity.value == "WARN"
    assert evaluation.metadata["examples"].value == [f"outside on {DAY}"]
