"""daily_returns against pandas: on recorded charts, over gaps, after a collapse, and in pieces."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.measures import DAILY_RETURNS
from coingecko_pipeline.measures.making import BLOCK_DAYS
from coingecko_pipeline.measures.returns import LONG
from coingecko_pipeline.tables import daily_returns
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.charts import assert_equal, planted, recorded_market, store, stored
from coingecko_pipeline_tests.measures.deriving import build, changed, follow, log

FIRST, LAST = date(2021, 6, 1), date(2023, 8, 15)
START = date(2026, 1, 1)


def expected_returns(chart: pd.DataFrame) -> pd.DataFrame:
    price = chart["price_usd"].where(chart["price_usd"] > 0)
    moves = pd.Series(np.log(price / price.shift(1)), price.index)
    highest = price.cummax()
    measures = {f"return_{days}d": price / price.shift(days) - 1 for days in (1, 7, 30, 90, 365)}
    measures["volatility_30d"] = moves.rolling(30).apply(lambda part: np.std(part, ddof=1), raw=True) * np.sqrt(365)
    measures |= {"highest_usd": highest, "drawdown": price / highest - 1}
    for days in (7, 30):
        measures[f"moving_average_{days}d_usd"] = price.rolling(days).apply(np.mean, raw=True)
    return pd.DataFrame(measures)[price.notna()]


@pytest.fixture
def charts(database: Database) -> dict[str, pd.DataFrame]:
    recorded = recorded_market(FIRST, LAST)
    store(database, recorded)
    return recorded


def test_the_measures_of_recorded_charts_are_those_of_pandas(
    database: Database, charts: dict[str, pd.DataFrame]
) -> None:
    build(database, DAILY_RETURNS)
    for coin, chart in charts.items():
        assert_equal(stored(database, daily_returns, coin), expected_returns(chart))


def test_a_gap_is_never_bridged(database: Database, charts: dict[str, pd.DataFrame]) -> None:
    gaps = [slice("2022-03-05", "2022-03-07"), "2022-07-01", "2022-07-09", slice("2023-01-01", "2023-03-15")]
    with database.transaction() as connection:
        connection.execute(tables.daily_market.delete())
    for chart in charts.values():
        for gap in gaps:
            chart.loc[gap] = np.nan
    chart = charts["ripple"]
    chart.loc["2022-09-01", "price_usd"] = 0.0
    chart.loc["2022-09-20", "price_usd"] = np.nan
    store(database, charts)
    build(database, DAILY_RETURNS)
    for coin in charts:
        assert_equal(stored(database, daily_returns, coin), expected_returns(charts[coin]))
    after = stored(database, daily_returns, "cardano").loc["2022-03-08"]
    assert np.isnan(after["return_1d"])
    assert np.isnan(after["moving_average_7d_usd"])
    assert not np.isnan(after["return_7d"])


def test_a_new_coin_has_its_averages_as_soon_as_it_has_the_days(database: Database) -> None:
    store(database, {"new": planted(START, range(1, 40))})
    build(database, DAILY_RETURNS)
    found = stored(database, daily_returns, "new")
    assert found["moving_average_7d_usd"].first_valid_index() == pd.Timestamp("2026-01-07")
    assert found["moving_average_30d_usd"].first_valid_index() == pd.Timestamp("2026-01-30")
    assert found["volatility_30d"].first_valid_index() == pd.Timestamp("2026-01-31")


def test_a_price_that_collapsed_a_billionfold_hides_nothing_that_follows(database: Database) -> None:
    rng = np.random.default_rng(1)
    quiet = 1 + rng.normal(size=80) * 1e-5
    charts = {
        "collapsed": planted(START, [*(1e6 * quiet[:30]), *(1e-9 * quiet)]),
        "frozen": planted(START, [5.0, *[7.25e-12] * 80]),
        "growing": planted(START, 100 * np.cumprod(1 + 2e-4 + rng.normal(size=80) * 1e-6)),
    }
    store(database, charts)
    build(database, DAILY_RETURNS)
    for coin, chart in charts.items():
        assert_equal(stored(database, daily_returns, coin), expected_returns(chart))


@pytest.mark.parametrize("cut", [1, 30, 31, 200])
def test_days_that_are_followed_make_what_the_whole_makes(
    database: Database, charts: dict[str, pd.DataFrame], cut: int
) -> None:
    with database.transaction() as connection:
        connection.execute(tables.daily_market.delete())
    store(database, {coin: chart.iloc[:-cut] for coin, chart in charts.items()})
    build(database, DAILY_RETURNS)
    later = LAST - timedelta(days=cut - 1)
    store(database, {coin: chart.iloc[-cut:] for coin, chart in charts.items()})
    log(database, changed(later, LAST))
    assert follow(database, DAILY_RETURNS).rows_written <= cut * len(charts)
    for coin, chart in charts.items():
        assert_equal(stored(database, daily_returns, coin), expected_returns(chart))


def test_a_day_of_more_coins_than_dates_makes_what_the_whole_makes(database: Database) -> None:
    rng = np.random.default_rng(2)
    charts = {f"coin-{number:02}": planted(START, rng.lognormal(size=40)) for number in range(LONG + 5)}
    for number, gap in enumerate((5, 9, 10, 32, 33, 38)):
        charts[f"coin-{number:02}"].iloc[gap] = np.nan
    store(database, {coin: chart.iloc[:-1] for coin, chart in charts.items()})
    build(database, DAILY_RETURNS)
    store(database, {coin: chart.iloc[-1:] for coin, chart in charts.items()})
    log(database, changed(START + timedelta(days=39)))
    assert follow(database, DAILY_RETURNS).rows_written == len(charts)
    for coin, chart in charts.items():
        assert_equal(stored(database, daily_returns, coin), expected_returns(chart))


def test_a_price_that_is_gone_takes_its_row_along(database: Database) -> None:
    charts = {f"coin-{number:02}": planted(START, [1.0, 2.0, 4.0]) for number in range(LONG + 5)}
    store(database, charts)
    build(database, DAILY_RETURNS)
    day = START + timedelta(days=2)
    charts["coin-03"].iloc[2] = np.nan
    market = tables.daily_market
    with database.transaction() as connection:
        connection.execute(market.delete().where(market.c.date == day, market.c.asset_id == "coin-03"))
    log(database, changed(day))
    assert follow(database, DAILY_RETURNS).rows_written == len(charts) - 1
    for coin, chart in charts.items():
        assert_equal(stored(database, daily_returns, coin), expected_returns(chart))


def test_a_high_that_was_corrected_is_gone_from_every_later_date(database: Database) -> None:
    prices = [1.0, 2.0, 900.0, *np.linspace(3, 5, 2 * BLOCK_DAYS)]
    store(database, {"coin": planted(START, prices), "other": planted(START, prices)})
    build(database, DAILY_RETURNS)
    prices[2] = 9.0
    store(database, {"coin": planted(START, prices)})
    day = START + timedelta(days=2)
    log(database, changed(day, day, "coin"))
    assert follow(database, DAILY_RETURNS).rows_written == len(prices) - 2
    assert list(stored(database, daily_returns, "coin")["highest_usd"]) == [1, 2, *[9] * (len(prices) - 2)]
    assert stored(database, daily_returns, "other")["highest_usd"].max() == 900


def test_a_row_that_is_gone_leaves_nothing_behind(database: Database) -> None:
    store(database, {"a": planted(START, [1.0, 2.0]), "b": planted(START, [3.0, 4.0])})
    assert build(database, DAILY_RETURNS).rows_written == 4
    with database.transaction() as connection:
        connection.execute(tables.daily_market.delete().where(tables.daily_market.c.asset_id == "b"))
    log(database, changed(START, START + timedelta(days=1), "b"))
    follow(database, DAILY_RETURNS)
    assert len(stored(database, daily_returns)) == 2
    build(database, DAILY_RETURNS)
    assert len(stored(database, daily_returns)) == 2
