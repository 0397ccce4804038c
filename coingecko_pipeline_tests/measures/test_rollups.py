"""weekly_market and monthly_market against pandas."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.measures import MONTHLY_MARKET, WEEKLY_MARKET
from coingecko_pipeline.measures.periods import Period
from coingecko_pipeline.tables import weekly_market
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.charts import assert_equal, planted, recorded_market, store, stored
from coingecko_pipeline_tests.measures.deriving import build, changed, follow, log, rebuild

FIRST, LAST = date(2021, 6, 1), date(2023, 8, 15)
DERIVED = {"week": WEEKLY_MARKET, "month": MONTHLY_MARKET}
PERIODS: tuple[Period, Period] = ("week", "month")


def expected_bars(chart: pd.DataFrame, period: Period, first: date, last: date) -> pd.DataFrame:
    bars = {}
    starts = pd.date_range(
        str(first - timedelta(days=31)), str(last), freq="W-MON" if period == "week" else "MS", unit="s"
    )
    for start in starts:
        end = start + (pd.Timedelta(days=7) if period == "week" else pd.offsets.MonthBegin())
        if end > pd.Timestamp(last):
            break
        midnights = chart.loc[start:end]
        days = chart.loc[start + pd.Timedelta(days=1) : end].dropna(how="all")
        if len(days):
            price = midnights["price_usd"]
            bars[start] = {
                "open_usd": price.get(start, np.nan),
                "high_usd": price.max(),
                "low_usd": price.min(),
                "close_usd": price.get(end, np.nan),
                "volume_24h_mean_usd": days["volume_24h_usd"].mean(),
                "market_cap_close_usd": midnights["market_cap_usd"].get(end, np.nan),
                "days_present": len(days),
            }
    return pd.DataFrame.from_dict(bars, orient="index")


@pytest.mark.parametrize("period", PERIODS)
def test_the_bars_of_recorded_charts_are_those_of_pandas(database: Database, period: Period) -> None:
    charts = recorded_market(FIRST, LAST)
    charts["ripple"].loc["2022-02-27":"2022-03-07"] = np.nan
    charts["stellar"].loc["2022-08-01", "volume_24h_usd"] = np.nan
    charts["stellar"].loc["2022-08-01", "price_usd"] = np.nan
    charts["cardano"] = charts["cardano"].loc["2021-10-13":"2022-11-07"]
    store(database, charts)
    build(database, DERIVED[period])
    for coin, chart in charts.items():
        assert_equal(stored(database, DERIVED[period].table, coin), expected_bars(chart, period, FIRST, LAST))


def test_a_week_is_from_monday_to_monday_and_its_volume_is_of_the_days_after_the_first_midnight(
    database: Database,
) -> None:
    store(database, {"coin": planted(date(2026, 1, 4), [100, 5, 4, 3, 6, 5, 5, 5, 7, 200])})
    assert build(database, WEEKLY_MARKET).rows_written == 2
    week = stored(database, weekly_market).loc["2026-01-05"].to_dict()
    assert week == {
        "open_usd": 5,
        "high_usd": 7,
        "low_usd": 3,
        "close_usd": 7,
        "volume_24h_mean_usd": 50,
        "market_cap_close_usd": 7000,
        "days_present": 7,
    }


def test_without_its_closing_row_a_week_has_no_close(database: Database) -> None:
    monday = date(2026, 1, 5)
    store(database, {"coin": planted(monday, [5, 4, None, 6]), "other": planted(monday, range(1, 10))})
    build(database, WEEKLY_MARKET)
    week = stored(database, weekly_market, "coin").loc["2026-01-05"]
    assert week["days_present"] == 2
    assert np.isnan(week["close_usd"])
    assert np.isnan(week["market_cap_close_usd"])
    assert (week["open_usd"], week["high_usd"], week["low_usd"]) == (5, 6, 4)


@pytest.mark.parametrize("period", PERIODS)
def test_one_period_made_again_leaves_the_others_alone(database: Database, period: Period) -> None:
    store(database, {"coin": planted(date(2026, 1, 1), range(1, 120))})
    derived = DERIVED[period]
    build(database, derived)
    before = stored(database, derived.table)
    with database.transaction() as connection:
        connection.execute(tables.daily_market.update().values(price_usd=tables.daily_market.c.price_usd * 2))
    middle = date(2026, 2, 11)
    assert rebuild(database, derived, middle, middle).rows_written == 1
    after = stored(database, derived.table)
    changed_rows = after.index[(after["close_usd"] != before["close_usd"]) & after["close_usd"].notna()]
    assert list(changed_rows) == [pd.Timestamp("2026-02-09" if period == "week" else "2026-02-01")]


def test_a_monday_closes_one_week_and_opens_another(database: Database) -> None:
    store(database, {"coin": planted(date(2026, 1, 1), range(1, 60))})
    build(database, WEEKLY_MARKET)
    log(database, changed(date(2026, 1, 19)))
    assert follow(database, WEEKLY_MARKET).rows_written == 2
    log(database, changed(date(2026, 1, 20)))
    assert follow(database, WEEKLY_MARKET).rows_written == 1


def test_a_week_that_is_not_over_waits_for_the_row_that_closes_it_or_a_later_one(database: Database) -> None:
    monday = date(2026, 1, 5)
    store(database, {"coin": planted(monday, range(1, 8))})
    build(database, WEEKLY_MARKET)
    assert list(stored(database, weekly_market).index) == [pd.Timestamp("2025-12-29")]
    # The closing Monday has no row, and the Wednesday after it tells that the week is over.
    wednesday = date(2026, 1, 14)
    store(database, {"coin": planted(wednesday, [9.0])})
    log(database, changed(wednesday))
    follow(database, WEEKLY_MARKET)
    assert list(stored(database, weekly_market)["days_present"]) == [1, 6]


def test_a_week_is_gone_where_the_rows_that_showed_its_end_are_deleted(database: Database) -> None:
    monday = date(2026, 1, 5)
    store(database, {"coin": planted(monday, range(1, 9))})
    build(database, WEEKLY_MARKET)
    with database.transaction() as connection:
        connection.execute(tables.daily_market.delete().where(tables.daily_market.c.date > date(2026, 1, 8)))
    log(database, changed(date(2026, 1, 9), date(2026, 1, 12)))
    follow(database, WEEKLY_MARKET)
    assert list(stored(database, weekly_market).index) == [pd.Timestamp("2025-12-29")]
