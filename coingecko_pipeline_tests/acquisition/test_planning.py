from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coingecko_pipeline.acquisition.planning import (
    AcquisitionError,
    ChartCall,
    ChartPlan,
    Request,
    plan_charts,
    plan_snapshot,
)
from coingecko_pipeline.archive.answers import Outcome
from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import BackwardsDates, DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.plans import PLANS

NOW = datetime(2026, 7, 9, 12, tzinfo=UTC)
TODAY = NOW.date()
DEMO = PLANS["demo"]
ANALYST = PLANS["analyst"]


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def covered(first: int, last: int, *, waits: bool = False, outcome: Outcome = Outcome.VALUES) -> Coverage:
    """A coin whose answers have spoken for the dates from so many days back to so many."""
    dates = DateIntervals.of_range(DateRange(back(first), back(last)))
    return Coverage(dates, dates, outcome, NOW, ask_again_on=TODAY + timedelta(days=7) if waits else None)


def plan_of(
    request: Request,
    universe: list[str],
    archive: dict[str, Coverage] | None = None,
    plan: str = "demo",
    now: datetime = NOW,
    left_on: dict[str, date] | None = None,
) -> ChartPlan:
    return plan_charts(request, universe, archive or {}, PLANS[plan], now, left_on or {})


def days_asked(plan: ChartPlan, name: str) -> list[tuple[str, int]]:
    return [(call.coin_id, call.days(PLANS[name], TODAY)) for call in plan.calls]


def test_today_alone_is_a_snapshot_at_any_hour_and_nothing_else_is() -> None:
    assert Request(DateRange(TODAY, TODAY)).is_snapshot(NOW)
    assert Request(DateRange(TODAY, TODAY)).is_snapshot(NOW.replace(hour=23, minute=59))
    assert not Request(DateRange(back(1), TODAY)).is_snapshot(NOW)
    assert not Request(DateRange(back(1), back(1))).is_snapshot(NOW)


def test_a_range_costs_one_call_for_each_coin_that_the_archive_does_not_cover() -> None:
    archive = {"covered": covered(30, 10), "late": covered(29, 0), "early": covered(364, 11)}
    plan = plan_of(Request(DateRange(back(30), back(10))), ["new", "covered", "late", "early"], archive)
    assert plan.archived == ("covered",)
    assert [(call.coin_id, call.first) for call in plan.calls] == [
        ("new", back(30)),
        ("late", back(30)),
        ("early", back(10)),
    ]
    assert plan.left == ()


def test_a_date_that_an_answer_has_spoken_for_without_a_value_is_not_asked_for() -> None:
    known = covered(364, 0)
    holed = Coverage(known.covered, DateIntervals.of_range(DateRange(back(3), back(0))), known.outcome, NOW)
    assert plan_of(Request(DateRange(back(30), back(10))), ["x"], {"x": holed}).archived == ("x",)


def test_a_call_brings_a_year_even_where_a_day_is_asked_for() -> None:
    plan = plan_of(Request(DateRange(back(1), back(1))), ["x"], plan="analyst")
    assert days_asked(plan, "analyst") == [("x", 365)]


def test_a_longer_range_asks_for_as_many_days_as_it_needs() -> None:
    plan = plan_of(Request(DateRange(back(1000), TODAY)), ["x"], plan="analyst")
    assert days_asked(plan, "analyst") == [("x", 1001)]


@pytest.mark.parametrize("plan", ["keyless", "demo", "analyst"])
def test_a_refresh_asks_for_a_year_and_not_for_all_that_the_coin_has(plan: str) -> None:
    for missing in (0, 1, 30):
        calls = plan_of(Request(DateRange(back(300), TODAY)), ["x"], {"x": covered(4_000, missing + 1)}, plan)
        assert days_asked(calls, plan) == [("x", 365)]
    calls = plan_of(Request(DateRange(back(3_000), TODAY)), ["x"], {"x": covered(4_000, 1)}, "analyst")
    assert days_asked(calls, "analyst") == [("x", 365)]


def test_no_call_asks_for_more_days_than_the_plan_serves() -> None:
    plan = plan_of(Request(DateRange(back(364), back(0))), ["x"], {"x": covered(800, 2)})
    assert days_asked(plan, "demo") == [("x", 365)]
    assert ChartCall("x", back(5_000)).days(DEMO, TODAY) == 365


def test_a_call_that_is_made_after_midnight_still_reaches_its_first_date() -> None:
    call = ChartCall("x", back(1000))
    assert call.days(ANALYST, TODAY + timedelta(days=1)) == 1002


def test_a_range_before_the_plans_history_is_refused_with_the_earliest_date() -> None:
    with pytest.raises(AcquisitionError, match=f"begin at {back(364)}"):
        plan_of(Request(DateRange(back(365), TODAY)), ["x"])


def test_a_range_before_the_plans_history_is_free_where_the_archive_covers_it() -> None:
    plan = plan_of(Request(DateRange(back(700), back(600))), ["x"], {"x": covered(800, 0)})
    assert (plan.archived, plan.calls) == (("x",), ())


def test_today_is_not_asked_for_before_its_midnight_point_is_there() -> None:
    early, archive = NOW.replace(hour=0, minute=9), {"x": covered(364, 1)}
    assert plan_of(Request(DateRange(back(5), TODAY)), ["x"], archive, now=early).calls == ()
    assert plan_of(Request(DateRange(back(5), TODAY)), ["x"], archive).calls != ()


def test_max_calls_leaves_the_least_important_coins_for_later() -> None:
    request = Request(DateRange(back(5), back(1)), max_calls=2)
    plan = plan_of(request, ["a", "b", "c", "d"], {"a": covered(10, 0)})
    assert plan.archived == ("a",)
    assert [call.coin_id for call in plan.calls] == ["b", "c"]
    assert plan.left == ("d",)
    assert plan.coins == 4


def test_a_snapshot_of_everything_walks_all_pages() -> None:
    plan = plan_snapshot(Request(DateRange(TODAY, TODAY)), active_coins=17_400, plan=DEMO)
    assert (plan.coin_ids, plan.largest, plan.calls, plan.left) == ((), None, 70, 0)


def test_a_snapshot_of_the_largest_stops_where_they_end() -> None:
    plan = plan_snapshot(Request(DateRange(TODAY, TODAY), top=300), active_coins=17_400, plan=DEMO)
    assert (plan.largest, plan.calls) == (300, 2)


def test_more_than_all_coins_is_all_coins() -> None:
    plan = plan_snapshot(Request(DateRange(TODAY, TODAY), top=99_999), active_coins=600, plan=DEMO)
    assert (plan.largest, plan.calls) == (None, 3)


def test_a_snapshot_within_max_calls_takes_the_largest_coins() -> None:
    plan = plan_snapshot(Request(DateRange(TODAY, TODAY), max_calls=4), active_coins=17_400, plan=DEMO)
    assert (plan.largest, plan.calls, plan.left) == (1000, 4, 16_400)


def test_a_snapshot_of_chosen_coins_asks_for_those() -> None:
    plan = plan_snapshot(Request(DateRange(TODAY, TODAY), asset_ids=("a", "b")), active_coins=17_400, plan=DEMO)
    assert (plan.coin_ids, plan.largest, plan.calls) == (("a", "b"), None, 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Request(DateRange(TODAY, TODAY), asset_ids=("a",), top=1),
        lambda: Request(DateRange(TODAY, TODAY), top=0),
        lambda: Request(DateRange(TODAY, TODAY), max_calls=0),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(AcquisitionError):
        ask()


def test_dates_that_run_backwards_are_refused() -> None:
    with pytest.raises(BackwardsDates):
        DateRange(TODAY, back(1))


def test_a_slow_snapshot_begins_with_the_largest_coins() -> None:
    keyless = plan_snapshot(Request(DateRange(TODAY, TODAY)), active_coins=17_400, plan=PLANS["keyless"])
    assert (keyless.largest, keyless.calls, keyless.left) == (17_400, 70, 0)
    small = plan_snapshot(Request(DateRange(TODAY, TODAY)), active_coins=600, plan=PLANS["keyless"])
    assert small.largest is None


def test_a_coin_whose_last_chart_brought_nothing_is_not_asked_for_before_its_time() -> None:
    archive = {
        "ended": covered(364, 0, waits=True),
        "short": covered(10, 0, waits=True),
        "late": covered(364, 3, waits=True),
        "nothing": Coverage(DateIntervals(), DateIntervals(), Outcome.EMPTY, NOW, 1, back(-7)),
        "refused": covered(10, 0, waits=True, outcome=Outcome.REFUSED),
    }
    plan = plan_of(Request(DateRange(back(30), back(0))), list(archive), archive)
    assert plan.archived == ("ended",)
    assert [call.coin_id for call in plan.calls] == ["short"]
    assert plan.waiting == ("late", "nothing", "refused")


def test_a_coin_that_left_the_list_is_asked_for_only_where_the_plan_serves_it() -> None:
    request, archive = Request(DateRange(back(30), back(0))), {"kept": covered(364, 5)}
    left_on = {"gone": back(10), "kept": back(10)}
    free = plan_of(request, ["gone", "kept"], archive, left_on=left_on)
    assert (free.archived, free.calls, free.unserved) == (("kept",), (), ("gone",))
    paid = plan_of(request, ["gone", "kept"], archive, "analyst", left_on=left_on)
    assert (paid.archived, [call.coin_id for call in paid.calls]) == (("kept",), ["gone"])


def test_a_plan_cut_to_fewer_calls_keeps_the_most_important_and_tells_of_the_others() -> None:
    plan = plan_of(Request(DateRange(back(3), back(1))), ["a", "b", "c"]).limited_to(1)
    assert [call.coin_id for call in plan.calls] == ["a"]
    assert plan.left == ("b", "c")
    assert plan.limited_to(5) is plan


@pytest.mark.parametrize("choice", [{"asset_ids": ("a",)}, {"top": 3}])
def test_completing_the_history_chooses_the_coins_itself(choice: dict[str, Any]) -> None:
    with pytest.raises(AcquisitionError, match="chooses the coins itself"):
        Request(DateRange(TODAY, TODAY), complete_history=True, **choice)
