"""A month of the deployment, day by day: no day without its snapshot, no credit too many, none left lying."""

from datetime import date

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import daily_cost
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.months import simulate

COINS = 600
CREDITS = 400
# Far fewer days than a plan's make the rows few; the calls are the same.
HISTORY_DAYS = 10


@on_sqlite
def test_a_month_on_a_small_plan_has_every_snapshot_and_spends_what_is_left_on_history(database: Database) -> None:
    month = list(
        simulate(database, "demo", COINS, date(2026, 4, 1), 32, credits_per_month=CREDITS, history_days=HISTORY_DAYS)
    )
    april = month[:30]
    assert all(day.snapshot_rows >= day.active for day in month)
    assert [day.credits_counted for day in month] == [day.credits_used for day in month]
    assert all(day.credits_counted <= CREDITS for day in month)
    assert april[-1].credits_counted >= 0.97 * CREDITS
    assert april[-1].budget.left == 0
    assert month[-1].refusals == 0
    # A list, three pages and the rates a day, and the chains once a week; the rest are charts, spread over the days.
    charts = CREDITS - 30 * 5 - 5
    assert april[-1].charts == pytest.approx(charts, abs=30)
    assert april[14].charts == pytest.approx(charts / 2, rel=0.15)
    assert april[-1].outlook.completeness == pytest.approx(charts / COINS, abs=0.05)
    # What is left to do does not fit May, so the first of June is told, all through.
    assert {day.outlook.complete_on for day in month} == {date(2026, 6, 1)}
    assert sum(day.asked_for for day in month) > 0
    assert april[0].budget.reserved_later == 29 * daily_cost(april[0].active)


@on_sqlite
def test_a_paid_plan_is_complete_on_the_first_day_and_stays_so(database: Database) -> None:
    days = list(simulate(database, "analyst", 300, date(2026, 4, 1), 3, history_days=HISTORY_DAYS))
    assert [day.outlook.completeness for day in days] == [1.0, 1.0, 1.0]
    assert days[0].charts >= 300
    assert [day.outlook.coins_with_snapshots for day in days] == [0, 0, 0]
    assert days[-1].refusals == 0


@on_sqlite
def test_on_a_months_last_day_every_hour_is_taken_and_history_gets_the_rest(database: Database) -> None:
    # 300 coins are two pages an hour: a month of 31 days takes 1,488 credits for the hours and 155 for the days.
    credits_, spent = 1_700, 1_600
    row = {"day": date(2026, 4, 1), "plan": "demo", "endpoint": "coins/market_chart", "calls": spent, "credits": spent}
    with database.transaction() as connection:
        connection.execute(insert(tables.api_usage), row)
    (day,) = simulate(
        database, "demo", COINS, date(2026, 4, 30), 1,
        credits_per_month=credits_, history_days=HISTORY_DAYS, hourly_top=300,
    )  # fmt: skip
    assert day.hourly_rows == 24 * 300
    assert day.snapshot_rows >= day.active
    # A list, three pages, the rates and the chains, two pages an hour; the history at 01:00 had the rest and left the
    # hours to come.
    assert day.charts == credits_ - spent - 6 - 48
    assert (day.credits_counted, day.credits_used) == (credits_, credits_ - spent)
    assert day.budget.left == day.refusals == 0
