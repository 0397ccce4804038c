"""The order, the share and the end of completing the history: pure, so without any database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from coingecko_pipeline.acquisition.budget import BillingMonth, Budget
from coingecko_pipeline.acquisition.completion import CompletionWork, calls_today, complete_on, work_of
from coingecko_pipeline.archive.answers import Outcome
from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.plans import PLANS

NOW = datetime(2026, 3, 9, 1, tzinfo=UTC)
TODAY = NOW.date()
DEMO, ANALYST, KEYLESS = PLANS["demo"], PLANS["analyst"], PLANS["keyless"]
EARLIEST = DEMO.earliest_date(TODAY)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def covered(
    fetched: int, snapshots: int = 0, *, first: int = 364, waits: bool = False, outcome: Outcome = Outcome.VALUES
) -> Coverage:
    """A coin whose chart was fetched so many days ago, with so many of the days since in the snapshots, the last ones.

    Args:
        fetched: Days since then.
        snapshots: Days of snapshots.
        first: Days back to which the chart reaches.
        waits: Whether it is not to be asked for today.
        outcome: What the latest answer was.
    """
    dates = DateIntervals.of_range(DateRange(back(first), back(fetched)))
    return Coverage(
        dates,
        dates,
        outcome,
        NOW,
        ask_again_on=TODAY + timedelta(days=7) if waits else None,
        snapshots=DateRange(back(snapshots - 1), TODAY) if snapshots else None,
    )


NOTHING = Coverage(DateIntervals(), DateIntervals(), Outcome.EMPTY, NOW, 1, TODAY + timedelta(days=7))


def sort(
    universe: list[str],
    coverage: dict[str, Coverage],
    left_on: dict[str, date] | None = None,
    plan: str = "demo",
) -> CompletionWork:
    return work_of(universe, left_on or {}, coverage, PLANS[plan], TODAY, TODAY)


def work_with(never: int = 0, missing: int = 0, stale: int = 0, complete: int = 0) -> CompletionWork:
    coverage = {f"missing-{number}": covered(3, 1) for number in range(missing)}
    coverage |= {f"stale-{number}": covered(3, 3) for number in range(stale)}
    coverage |= {f"complete-{number}": covered(0) for number in range(complete)}
    return sort([*(f"never-{number}" for number in range(never)), *coverage], coverage)


def budget_of(left: int | None, day: date = TODAY) -> Budget:
    month = BillingMonth.of(day, 1)
    return Budget("demo", month, day, left, 0, 0, 0)


def test_never_fetched_coins_come_first_then_missing_days_then_the_stalest_snapshots() -> None:
    work = sort(
        ["stale", "stalest", "missing", "new-large", "fresh", "new-small"],
        {"stale": covered(2, 2), "stalest": covered(9, 9), "missing": covered(5, 4), "fresh": covered(0)},
    )
    assert work.in_order == ("new-large", "new-small", "missing", "stalest", "stale")
    assert work.urgent == 3
    assert work.completeness == pytest.approx(0.5)
    assert work.first_missing == {
        "new-large": EARLIEST,
        "new-small": EARLIEST,
        "missing": back(4),
        "stalest": back(8),
        "stale": back(1),
    }


def test_a_chart_that_does_not_reach_what_a_larger_plan_serves_is_missing_days() -> None:
    work = sort(["x"], {"x": covered(0)}, plan="analyst")
    assert (work.missing, work.first_missing["x"]) == (("x",), ANALYST.earliest_date(TODAY))


def test_days_that_answers_have_spoken_for_without_a_value_are_not_waited_for() -> None:
    known = covered(0)
    empty_year = Coverage(known.covered, DateIntervals(), known.outcome, NOW)
    before_the_plan = covered(0, first=5_000)
    work = sort(["a", "b", "c"], {"a": known, "b": before_the_plan, "c": empty_year})
    assert (work.in_order, work.completeness) == ((), 1.0)


def test_days_before_the_plans_first_one_are_not_missing() -> None:
    assert sort(["x"], {"x": covered(500, 365, first=900)}).stale == ("x",)


def test_a_coin_whose_answer_brought_nothing_waits_for_its_time() -> None:
    coverage = {
        "dead": covered(30, waits=True),
        "nothing": NOTHING,
        "refused": covered(2, 2, waits=True, outcome=Outcome.REFUSED),
        "its past was never asked for": covered(30, first=60, waits=True),
    }
    work = sort([*coverage], coverage)
    assert work.waiting == ("dead", "nothing", "refused")
    assert work.in_order == ("its past was never asked for",)


def test_a_coin_that_left_the_list_is_completed_up_to_its_last_day_where_the_plan_serves_it() -> None:
    left_on = {"done": back(5), "open": back(1), "never": back(40)}
    assert sort([*left_on], {"done": covered(5), "open": covered(5)}, left_on).unserved == ("open", "never")
    charts = {coin: covered(5, first=(TODAY - date(2013, 4, 28)).days) for coin in ("done", "open")}
    assert sort([*left_on], charts, left_on, "analyst").in_order == ("never", "open")
    assert sort([*left_on], charts, left_on, "analyst").coins == 3


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
