from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, update

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import (
    BillingMonth,
    BudgetExceeded,
    daily_cost,
    hour_cost,
    hours_cost,
    most_each_hour,
    read_budget,
)
from coingecko_pipeline.acquisition.usage import ELSEWHERE, HOURLY_MARKETS, correct, spent_between
from coingecko_pipeline.archive.coverage import archive_answer
from coingecko_pipeline.sources.coingecko.plans import PLANS, choose_plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of
from coingecko_pipeline_tests.orchestration.assets.conftest import stock

DEMO = PLANS["demo"]


def spend_more(database: Database, day: date, endpoint: str, credits_: int) -> None:
    more = update(tables.api_usage).where(tables.api_usage.c.endpoint == endpoint, tables.api_usage.c.day == day)
    with database.transaction() as connection:
        changed = connection.execute(more.values(credits=tables.api_usage.c.credits + credits_))
    if not changed.rowcount:
        spend(database, day, endpoint, credits_)


def spend(database: Database, day: date, endpoint: str, credits_: int, plan: str = "demo") -> None:
    row = {"day": day, "plan": plan, "endpoint": endpoint, "calls": credits_, "credits": credits_}
    with database.transaction() as connection:
        connection.execute(insert(tables.api_usage), row)


@pytest.mark.parametrize(
    ("day", "billing_day", "first", "last"),
    [
        (date(2026, 3, 9), 1, date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 3, 9), 9, date(2026, 3, 9), date(2026, 4, 8)),
        (date(2026, 3, 8), 9, date(2026, 2, 9), date(2026, 3, 8)),
        (date(2026, 2, 28), 31, date(2026, 2, 28), date(2026, 3, 30)),
        (date(2026, 3, 31), 31, date(2026, 3, 31), date(2026, 4, 29)),
        (date(2026, 1, 1), 15, date(2025, 12, 15), date(2026, 1, 14)),
        (date(2028, 2, 29), 30, date(2028, 2, 29), date(2028, 3, 29)),
    ],
)
def test_a_billing_month_begins_on_its_day_or_on_a_short_months_last(
    day: date, billing_day: int, first: date, last: date
) -> None:
    assert BillingMonth.of(day, billing_day) == BillingMonth(first, last)


@pytest.mark.parametrize("billing_day", range(1, 32))
def test_billing_months_follow_one_another_without_a_gap_or_an_overlap(billing_day: int) -> None:
    month = BillingMonth.of(date(2026, 1, 1), billing_day)
    for number in range(800):
        day = date(2026, 1, 1) + timedelta(days=number)
        if day > month.last:
            following = BillingMonth.of(day, billing_day)
            assert following.first == month.last + timedelta(days=1)
            month = following
        assert BillingMonth.of(day, billing_day) == month
        assert month.first <= day <= month.last


def test_what_is_left_is_the_months_credits_less_what_is_spent_and_what_snapshots_need(database: Database) -> None:
    stock(database, tuple(f"coin-{number}" for number in range(600)))
    spend(database, date(2026, 3, 1), "coins/market_chart", 900)
    spend(database, date(2026, 2, 28), "coins/market_chart", 5_000)
    spend(database, date(2026, 3, 2), "coins/market_chart", 7_000, plan="analyst")
    budget = read_budget(database, DEMO, TODAY)
    # A list, three pages and a spare call for each of the 23 days of March that are left.
    assert daily_cost(600) == 5
    assert (budget.spent, budget.reserved_today, budget.reserved_later) == (900, 5, 22 * 5)
    assert budget.left == 10_000 - 900 - 23 * 5
    assert budget.share == budget.left // 23


def list_today(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(insert(tables.raw_asset_list), {"asset_id": "a", "fetched_at": NIGHT})


def store_rows(database: Database, coins: Sequence[str], source: str = tables.SNAPSHOT) -> None:
    rows = [{"date": TODAY, "asset_id": coin, "source": source} for coin in coins]
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), rows)


def test_todays_reserve_is_given_back_once_its_rows_are_stored(database: Database) -> None:
    coins = [f"coin-{number}" for number in range(600)]
    stock(database, tuple(coins))
    assert read_budget(database, DEMO, TODAY).reserved_today == daily_cost(600) == 5
    list_today(database)
    assert read_budget(database, DEMO, TODAY).reserved_today == 4
    store_rows(database, coins[:250])
    assert read_budget(database, DEMO, TODAY).reserved_today == 3
    store_rows(database, coins[250:540])
    assert read_budget(database, DEMO, TODAY).reserved_today == 0


def test_calls_for_single_coins_give_no_reserve_back(database: Database) -> None:
    coins = [f"coin-{number}" for number in range(600)]
    stock(database, tuple(coins))
    list_today(database)
    for _ in range(4):
        spend_more(database, TODAY, "coins/markets", 1)
    store_rows(database, coins[:4])
    budget = read_budget(database, DEMO, TODAY)
    assert (budget.spent, budget.reserved_today) == (4, 4)


def test_charts_of_today_are_no_snapshot_and_those_that_replaced_one_are(database: Database) -> None:
    coins = [f"coin-{number}" for number in range(10)]
    stock(database, tuple(coins))
    list_today(database)
    with database.transaction() as connection:
        for coin in coins:
            archive_answer(connection, answer_of(coin, {TODAY: 1.0}, at=NIGHT))
    store_rows(database, coins, tables.CHART)
    assert read_budget(database, DEMO, TODAY).reserved_today == 2
    with database.transaction() as connection:
        connection.execute(update(tables.chart_coverage).values(snapshots_from=TODAY, snapshots_to=TODAY))
    assert read_budget(database, DEMO, TODAY).reserved_today == 0


def test_on_the_last_day_all_that_is_left_is_todays_share(database: Database) -> None:
    stock(database, ("a",))
    budget = read_budget(database, DEMO, date(2026, 3, 31))
    assert budget.share == budget.left == 10_000 - daily_cost(1)


def test_what_is_too_much_is_refused_with_the_figures_and_the_ways_out(database: Database) -> None:
    stock(database, ("a", "b"))
    spend(database, TODAY, "coins/market_chart", 9_900)
    budget = read_budget(database, DEMO, TODAY)
    budget.require("A year", 31)
    with pytest.raises(BudgetExceeded) as refused:
        budget.require("A year", 32)
    told = str(refused.value)
    for words in (
        "A year needs 32 credits and 31 are left",
        "9,900 are spent",
        "69 reserved",
        "2026-04-01",
        "fit_budget",
    ):
        assert words in told


def test_the_first_whole_snapshot_of_a_day_is_never_refused_and_another_one_is(database: Database) -> None:
    stock(database, ("a",))
    spend(database, date(2026, 3, 1), "coins/market_chart", 10_000)
    read_budget(database, DEMO, TODAY).require_snapshot(1)
    list_today(database)
    store_rows(database, ["a"])
    with pytest.raises(BudgetExceeded, match="Another snapshot"):
        read_budget(database, DEMO, TODAY).require_snapshot(1)


def test_a_plan_that_counts_no_credits_refuses_nothing(database: Database) -> None:
    stock(database, ("a",))
    budget = read_budget(database, PLANS["keyless"], TODAY)
    assert (budget.left, budget.share, budget.reserved) == (None, None, 0)
    budget.require("Everything", 1_000_000)
    budget.require_snapshot(1)


def test_the_users_own_figures_count(database: Database) -> None:
    stock(database, ("a",))
    spend(database, date(2026, 3, 1), "coins/market_chart", 50)
    plan = choose_plan("demo", has_key=True, credits_per_month=100, billing_day=5)
    budget = read_budget(database, plan, TODAY)
    assert budget.month == BillingMonth(date(2026, 3, 5), date(2026, 4, 4))
    assert (budget.spent, budget.credits) == (0, 100)


def test_what_the_server_says_only_adds_to_what_is_counted(database: Database) -> None:
    first = date(2026, 3, 1)
    spend(database, first, "coins/market_chart", 50, plan="analyst")
    assert correct(database, "analyst", first, TODAY, used=20) == 0
    assert correct(database, "analyst", first, TODAY, used=80) == 30
    assert correct(database, "analyst", first, TODAY, used=95) == 15
    assert spent_between(database, "analyst", first, TODAY).credits == 95
    assert spent_between(database, "analyst", TODAY, TODAY, (ELSEWHERE,)).credits == 45


@pytest.mark.parametrize(
    ("largest", "credits_"), [(0, 0), (1, 1), (250, 1), (251, 2), (1_000, 4), (17_400, 70), (50_000, 70)]
)
def test_an_hour_costs_a_call_for_each_250_of_the_largest_coins(largest: int, credits_: int) -> None:
    assert hour_cost(largest, 17_400) == credits_


@pytest.mark.parametrize(
    ("plan", "most"), [("keyless", None), ("demo", 2_500), ("basic", 32_750), ("analyst", 167_250)]
)
def test_a_plan_bears_so_many_coins_each_hour_beside_its_daily_snapshots(plan: str, most: int | None) -> None:
    assert most_each_hour(PLANS[plan], 17_400) == most


def test_hours_that_no_month_bears_have_no_reserve_since_they_are_not_taken() -> None:
    assert hours_cost(replace(DEMO, hourly_top=2_500), 17_400) == 240
    assert hours_cost(replace(DEMO, hourly_top=2_501), 17_400) == 0
    assert hours_cost(replace(PLANS["keyless"], hourly_top=2_501), 17_400) == 264


def test_the_hours_of_the_rest_of_the_month_are_reserved_where_they_are_on(database: Database) -> None:
    stock(database, tuple(f"coin-{number}" for number in range(600)))
    hourly = replace(DEMO, hourly_top=500)
    without, budget = read_budget(database, DEMO, TODAY), read_budget(database, hourly, TODAY)
    assert (without.reserved_hourly, budget.reserved_hourly) == (0, 23 * 24 * 2)
    assert budget.reserved == without.reserved + 23 * 24 * 2
    assert budget.left == 10_000 - 23 * 5 - 23 * 24 * 2
    assert budget.left_for_hours == without.left == without.left_for_hours
    # The first two hours of today are taken.
    spend(database, TODAY, HOURLY_MARKETS, 4)
    budget = read_budget(database, hourly, TODAY)
    assert (budget.spent, budget.reserved_hourly) == (4, 22 * 24 * 2 + 22 * 2)


def test_the_pages_of_the_hours_are_not_taken_for_the_daily_snapshots(database: Database) -> None:
    stock(database, ("a", "b", "c"))
    spend(database, TODAY, HOURLY_MARKETS, 24)
    budget = read_budget(database, replace(DEMO, hourly_top=3), TODAY)
    assert (budget.reserved_today, budget.reserved_hourly) == (daily_cost(3), 22 * 24)


def test_hours_are_refused_before_they_take_what_the_daily_snapshots_need(database: Database) -> None:
    stock(database, ("a",))
    spend(database, TODAY, "coins/market_chart", 10_000 - 23 * 3 - 2)
    budget = read_budget(database, replace(DEMO, hourly_top=1), TODAY)
    assert budget.left == 0
    budget.require_hour(2)
    with pytest.raises(BudgetExceeded, match="needs 3 credits and 2 are left for it"):
        budget.require_hour(3)
    read_budget(database, replace(PLANS["keyless"], hourly_top=1), TODAY).require_hour(1_000_000)
