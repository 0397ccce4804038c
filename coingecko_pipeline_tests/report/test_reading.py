import json
import math
from datetime import date

import numpy as np
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.report.agreement import Disagreement, read_agreement
from coingecko_pipeline.report.coverage import count_living, read_coverage
from coingecko_pipeline.report.dates import DAYS, ReportDates, read_dates
from coingecko_pipeline.report.dominance import find_dominance
from coingecko_pipeline.report.market import read_market
from coingecko_pipeline.report.movers import find_movers
from coingecko_pipeline.report.spending import EndpointSpending, read_spending
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables.agreement import source_agreement
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.report.stocked import LAST, NOW, Listed, back, put_on

DATES = ReportDates(LAST)


def test_the_dates_are_a_year_that_ends_with_the_latest_row_and_its_weeks_meet_both_ends(database: Database) -> None:
    assert read_dates(database) is None
    put_on(database, [Listed("a", prices={3: 1.0, 9: 1.0})])
    dates = read_dates(database)
    assert dates == ReportDates(back(3))
    assert (len(dates.days), dates.days[-1], dates.first) == (DAYS, back(3), back(367))
    assert (dates.weeks[0], dates.weeks[1], dates.weeks[-1]) == (back(367), back(360), back(3))


def test_the_coins_come_by_market_cap_with_the_latest_weekly_and_daily_numbers(database: Database) -> None:
    put_on(
        database,
        [
            Listed("b", prices={0: 2.0, 1: 4.0, 7: 8.0, 364: 1.0}),
            Listed("A", prices={0: 3.0, 6: 5.0}),
            Listed("zero", prices={0: 1.0}, supply=0),
            Listed("capless", prices={0: 9.0, 30: 3.0}, supply=None),
            Listed("a", prices={7: 7.0}, left_on=back(5)),
            Listed("unpriced", prices={0: None}),
        ],
    )
    market = read_market(database, DATES)
    assert [coin.asset_id for coin in market.coins] == ["A", "b", "zero", "a", "capless", "unpriced"]
    assert {coin.asset_id: coin.left_on for coin in market.coins if coin.left_on} == {"a": back(5)}
    nan = math.nan
    assert market.latest["price_usd"] == pytest.approx([3, 2, 1, nan, 9, nan], nan_ok=True)
    assert market.latest["market_cap_usd"] == pytest.approx([3e9, 2e9, 0, nan, nan, nan], nan_ok=True)
    assert market.growth(1) == pytest.approx([nan, 0.5, nan, nan, nan, nan], nan_ok=True)
    assert market.growth(7) == pytest.approx([nan, 0.25, nan, nan, nan, nan], nan_ok=True)
    assert market.growth(30) == pytest.approx([nan, nan, nan, nan, 3.0, nan], nan_ok=True)
    weekly, daily = market.weekly["price_usd"], market.daily["price_usd"]
    assert (weekly.shape, daily.shape) == ((6, 53), (6, 365))
    assert (weekly[1, 0], weekly[1, -2], weekly[1, -1]) == (1.0, 8.0, 2.0)
    assert np.isnan(weekly[0, :-1]).all()
    assert {column: value for column, value in enumerate(daily[0]) if value == value} == {358: 5.0, 364: 3.0}
    assert market.daily["volume_24h_usd"][1, 363] == 4.0 * 1e7


def test_each_date_tells_its_rows_by_source_its_sums_and_its_gaps(database: Database) -> None:
    put_on(
        database,
        [
            Listed("a", prices={0: 2.0, 1: None, 5: 1.0}),
            Listed("b", prices={0: 3.0, 2: 1.0}, source=tables.SNAPSHOT),
            Listed("old", prices={500: 1.0, 363: 1.0}),
        ],
    )
    coverage = read_coverage(database, DATES, active_coins=4)
    by_day = {day.day: day for day in coverage.days}
    assert list(by_day) == list(DATES.days)
    latest = by_day[LAST]
    assert (latest.chart_rows, latest.snapshot_rows, latest.rows, latest.priced, latest.gaps) == (1, 1, 2, 2, 0)
    assert latest.market_cap_usd == pytest.approx(5e9)
    assert latest.volume_24h_usd == pytest.approx(5e7)
    yesterday = by_day[back(1)]
    assert (yesterday.rows, yesterday.priced, yesterday.market_cap_usd, yesterday.gaps) == (1, 0, None, 1)
    assert {str(day.day): day.gaps for day in coverage.days if day.gaps} == {
        str(back(364)): 1, str(back(4)): 1, str(back(3)): 1, str(back(2)): 1, str(back(1)): 1,
    }  # fmt: skip
    assert (coverage.rows, coverage.gaps) == (6, 5)
    assert coverage.exact_share == pytest.approx(4 / 6)
    assert coverage.share(latest) == 0.5
    assert LAST not in coverage.thin
    assert len(coverage.thin) == DAYS - 1


def test_a_date_of_which_coingecko_has_no_value_is_no_gap(database: Database) -> None:
    put_on(database, [Listed("a", prices={0: 1.0, 4: 1.0}), Listed("b", prices={0: 1.0, 4: 1.0})])
    spoken_for = {"covered": [[back(9), back(2)]], "points": [[back(9), back(4)], [back(2), back(2)]]}
    row = {name: json.dumps(pairs, default=str) for name, pairs in spoken_for.items()}
    with database.transaction() as connection:
        connection.execute(
            insert(tables.chart_coverage),
            {"asset_id": "a", "outcome": "values", "answered_at": NOW, "misses": 0, **row},
        )
    coverage = read_coverage(database, DATES, active_coins=2)
    # Of "a" the day 3 is known to have no value, the day 2 is in the archive, and of the day 1 nobody has spoken.
    gaps = {day.day: day.gaps for day in coverage.days if day.gaps}
    assert gaps == {back(3): 1, back(2): 2, back(1): 2}


def test_stale_rows_are_in_no_sum(database: Database) -> None:
    put_on(database, [Listed("a", prices={0: 2.0}), Listed("dead", prices={0: 5.0}, source=tables.STALE)])
    latest = read_coverage(database, DATES, active_coins=2).days[-1]
    assert (latest.rows, latest.snapshot_rows) == (2, 1)
    assert latest.market_cap_usd == pytest.approx(2e9)


def test_a_coin_lives_from_its_first_row_to_its_last() -> None:
    lifetimes = {
        "through": DateRange(back(900), back(0)),
        "before": DateRange(back(900), back(400)),
        "within": DateRange(back(3), back(2)),
    }
    living = count_living(lifetimes, DATES)
    assert [living[back(days)] for days in (364, 4, 3, 2, 1, 0)] == [1, 1, 2, 2, 1, 1]


def test_winners_and_losers_are_those_above_the_size_with_both_prices(database: Database) -> None:
    put_on(
        database,
        [
            Listed("up", prices={0: 1.2, 1: 1.0}),
            Listed("further", prices={0: 1.5, 1: 1.0}),
            Listed("down", prices={0: 0.5, 1: 1.0}),
            Listed("still", prices={0: 1.0, 1: 1.0}),
            Listed("small", prices={0: 9.0, 1: 1.0}, supply=1e6),
            Listed("untraded", prices={0: 0.09, 1: 0.01}),
            Listed("new", prices={0: 9.0}),
        ],
    )
    day, week, month = find_movers(read_market(database, DATES))
    assert (day.days, day.considered, day.risen, day.fallen) == (1, 4, 2, 1)
    assert [(mover.coin.asset_id, round(mover.change, 9)) for mover in day.winners] == [("further", 0.5), ("up", 0.2)]
    assert [(mover.coin.asset_id, round(mover.change, 9)) for mover in day.losers] == [("down", -0.5)]
    assert (week.considered, week.winners, month.losers) == (0, [], [])


def test_each_week_has_its_own_largest_coins(database: Database) -> None:
    coins = [Listed(f"c{number:03}", prices={0: 1.0, 7: 1.0}) for number in range(110)]
    put_on(database, [*coins, Listed("now", prices={0: 110.0}), Listed("then", prices={7: 330.0})])
    before, latest = find_dominance(read_market(database, DATES))
    assert (before.day, latest.day) == (back(7), LAST)
    assert (before.largest, latest.largest) == pytest.approx((0.75, 0.5))
    assert (latest.ten, latest.hundred) == pytest.approx((119 / 220, 209 / 220))


def test_the_months_credits_are_told_by_endpoint(database: Database) -> None:
    put_on(database, [Listed("a")])
    spent = [
        ("2026-02-28", "demo", "coins/list", 9),
        ("2026-03-01", "demo", "coins/list", 1),
        ("2026-03-02", "demo", "coins/markets", 70),
        ("2026-03-03", "demo", "coins/markets", 70),
        ("2026-03-03", "analyst", "coins/markets", 70),
    ]
    rows = [
        {"day": date.fromisoformat(day), "plan": plan, "endpoint": endpoint, "calls": calls + 1, "credits": calls}
        for day, plan, endpoint, calls in spent
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.api_usage), rows)
    spending = read_spending(database, PLANS["demo"], NOW.date())
    assert spending.endpoints == [EndpointSpending("coins/markets", 142, 140), EndpointSpending("coins/list", 2, 1)]
    assert (spending.budget.spent, spending.budget.credits) == (141, 10_000)


def test_the_agreement_is_added_up_by_date_and_its_largest_differences_are_named(database: Database) -> None:
    assert read_agreement(database, DATES) is None
    differences = [(1, "a", 0.01), (0, "a", -0.03), (0, "b", 0.05), (0, "c", 0.01), (0, "d", None), (400, "a", 1.0)]
    with database.transaction() as connection:
        connection.execute(
            insert(source_agreement),
            [{"date": back(days), "asset_id": coin, "price_difference": apart} for days, coin, apart in differences],
        )
    agreement = read_agreement(database, DATES)
    assert agreement is not None
    yesterday, latest = agreement.days
    assert (yesterday.day, yesterday.compared, yesterday.disagreeing) == (back(1), 1, 0)
    assert (latest.compared, latest.disagreeing) == (3, 2)
    assert latest.mean_difference == pytest.approx(0.03)
    assert agreement.largest == [Disagreement("b", 0.05), Disagreement("a", -0.03)]
