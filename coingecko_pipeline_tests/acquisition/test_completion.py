"""The order, the share and the end of completing the history: pure, so without any database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from coingecko_pipeline.acquisition.budget import BillingMonth, Budget
from coingecko_pipeline.acquisition.completion import CoinHistory, HistoryWork, calls_today, complete_on, work_of
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko.plans import PLANS

NOW = datetime(2026, 3, 9, 1, tzinfo=UTC)
TODAY = NOW.date()
DEMO, ANALYST, KEYLESS = PLANS["demo"], PLANS["analyst"], PLANS["keyless"]
EARLIEST = DEMO.earliest_date(TODAY)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def history(
    fetched: int, rows_after: int, *, first: int = 364, last: int | None = None, written: bool = True
) -> CoinHistory:
    """A coin whose chart was fetched so many days ago."""
    last = fetched if last is None else last
    days = fetched + (first - fetched) - last + 1
    return CoinHistory(
        back(364 + fetched), back(fetched), back(first), back(last), days, days if written else 0, rows_after
    )


def sort(
    universe: list[str],
    histories: dict[str, CoinHistory],
    waiting: frozenset[str] = frozenset(),
    left_on: dict[str, date] | None = None,
    plan: str = "demo",
) -> HistoryWork:
    return work_of(universe, left_on or {}, histories, waiting, PLANS[plan], TODAY, TODAY)


def work_with(never: int = 0, missing: int = 0, stale: int = 0, complete: int = 0) -> HistoryWork:
    histories = {f"missing-{number}": history(3, 1) for number in range(missing)}
    histories |= {f"stale-{number}": history(3, 3) for number in range(stale)}
    histories |= {f"complete-{number}": history(0, 0) for number in range(complete)}
    return sort([*(f"never-{number}" for number in range(never)), *histories], histories)


def budget_of(left: int | None, day: date = TODAY) -> Budget:
    month = BillingMonth.of(day, 1)
    return Budget("demo", month, day, left, 0, 0, 0)


def test_never_fetched_coins_come_first_then_missing_days_then_the_stalest_snapshots() -> None:
    work = sort(
        ["stale", "stalest", "missing", "new-large", "fresh", "new-small"],
        {"stale": history(2, 2), "stalest": history(9, 9), "missing": history(5, 4), "fresh": history(0, 0)},
    )
    assert work.in_order == ("new-large", "new-small", "missing", "stalest", "stale")
    assert work.urgent == 3
    assert work.completeness == pytest.approx(0.5)


def test_a_chart_that_does_not_reach_what_a_larger_plan_serves_is_missing_days() -> None:
    work = sort(["x"], {"x": history(0, 0)}, plan="analyst")
    assert work.missing == ("x",)
    assert work.dates(1) == DateRange(ANALYST.earliest_date(TODAY), TODAY)


def test_archived_days_that_the_table_lacks_cost_nothing_and_come_with_each_run() -> None:
    work = sort(["x"], {"x": history(0, 0, written=False)})
    assert (work.unwritten, work.in_order) == (("x",), ())
    assert work.dates(0) == DateRange(EARLIEST, TODAY)


def test_days_that_the_chart_itself_lacks_are_not_waited_for() -> None:
    with_a_hole = CoinHistory(back(364), TODAY, back(364), TODAY, 360, 360, 0)
    before_the_plan = CoinHistory(back(600), TODAY, back(600), back(500), 101, 0, 0)
    empty = CoinHistory(back(364), TODAY, None, None, 0, 0, 0)
    work = sort(["a", "b", "c"], {"a": with_a_hole, "b": before_the_plan, "c": empty})
    assert (work.unwritten, work.in_order, work.completeness) == ((), (), 1.0)


def test_days_before_the_plans_first_one_are_not_missing() -> None:
    long_ago = history(500, 365)
    work = sort(["x"], {"x": long_ago})
    assert work.stale == ("x",)
    assert work.dates(1) == DateRange(EARLIEST, TODAY)


def test_a_coin_whose_chart_brought_nothing_waits_for_its_time() -> None:
    work = sort(["dead", "nothing"], {"dead": history(30, 0)}, waiting=frozenset({"dead", "nothing"}))
    assert (work.waiting, work.in_order) == (("dead", "nothing"), ())


def test_a_coin_that_left_the_list_is_completed_up_to_its_last_day_where_the_plan_serves_it() -> None:
    left_on = {"done": back(5), "open": back(1), "never": back(40)}
    histories = {"done": history(5, 0), "open": history(5, 2)}
    assert sort([*left_on], histories, left_on=left_on).unserved == ("open", "never")
    charts = {
        coin: CoinHistory(
            date(2013, 4, 28), h.covers_to, h.first_on, h.last_on, h.midnights, h.rows_covered, h.rows_after
        )
        for coin, h in histories.items()
    }
    assert sort([*left_on], charts, left_on=left_on, plan="analyst").in_order == ("never", "open")


def test_the_dates_of_a_run_are_those_that_its_coins_lack() -> None:
    work = sort(["a", "b", "new"], {"a": history(2, 2), "b": history(9, 9)})
    assert work.in_order == ("new", "b", "a")
    assert work.dates(3) == DateRange(EARLIEST, TODAY)
    stale = sort(["a", "b"], {"a": history(2, 2), "b": history(9, 9)})
    assert stale.dates(1) == DateRange(back(8), TODAY)
    assert stale.dates(0) is None
    assert sort(["a"], {"a": history(0, 0)}).dates(5) is None


def test_missing_history_that_the_month_pays_for_is_fetched_at_once() -> None:
    assert calls_today(work_with(never=1_000, stale=10), budget_of(1_500), DEMO, NOW) == 1_000


def test_otherwise_each_day_gets_the_same_share() -> None:
    # 23 days of March are left.
    assert calls_today(work_with(never=3_000), budget_of(2_300), DEMO, NOW) == 100
    assert calls_today(work_with(stale=3_000), budget_of(2_300), DEMO, NOW) == 100
    assert calls_today(work_with(never=40, stale=3_000), budget_of(2_300), DEMO, NOW) == 100
    assert calls_today(work_with(stale=7), budget_of(2_300), DEMO, NOW) == 7
    assert calls_today(work_with(never=5), budget_of(0), DEMO, NOW) == 0


def test_a_plan_without_credits_fills_half_its_rate_until_shortly_before_midnight() -> None:
    work = work_with(never=10_000)
    assert calls_today(work, budget_of(None), KEYLESS, NOW) == 22.5 * 60 * 5 / 2
    assert calls_today(work, budget_of(None), KEYLESS, NOW.replace(hour=23, minute=45)) == 0


def test_the_end_is_told_by_the_months_that_it_takes() -> None:
    assert complete_on(work_with(never=10), budget_of(10), DEMO, 17_400, NOW) == TODAY
    assert complete_on(work_with(never=11), budget_of(10), DEMO, 17_400, NOW) == date(2026, 4, 1)
    # April bears 10,000 less 30 snapshots of 72.
    assert complete_on(work_with(never=7_850), budget_of(10), DEMO, 17_400, NOW) == date(2026, 4, 1)
    assert complete_on(work_with(never=7_851), budget_of(10), DEMO, 17_400, NOW) == date(2026, 5, 1)
    assert complete_on(work_with(never=11), budget_of(10), DEMO, 200_000, NOW) is None
    assert complete_on(work_with(stale=5), budget_of(10), DEMO, 17_400, NOW) == TODAY


def test_the_months_to_come_have_their_hours_too_where_they_are_on() -> None:
    hourly = replace(DEMO, hourly_top=250)
    # April bears 10,000 less 30 snapshots of 72 and 720 hours.
    assert complete_on(work_with(never=7_130), budget_of(10), hourly, 17_400, NOW) == date(2026, 4, 1)
    assert complete_on(work_with(never=7_131), budget_of(10), hourly, 17_400, NOW) == date(2026, 5, 1)


def test_without_a_budget_the_end_is_told_by_the_days_that_the_rate_takes() -> None:
    work, budget, a_day = work_with(never=3_375), budget_of(None), timedelta(days=1)
    assert complete_on(work, budget, KEYLESS, 17_400, NOW) == TODAY
    assert complete_on(work, budget, KEYLESS, 17_400, NOW + timedelta(minutes=1)) == TODAY + a_day
    assert complete_on(work, budget, KEYLESS, 17_400, NOW.replace(hour=23, minute=59)) == TODAY + a_day
    assert complete_on(work_with(never=3_376), budget, KEYLESS, 17_400, NOW) == TODAY + a_day
