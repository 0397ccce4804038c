from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coingecko_pipeline.acquisition.planning import (
    AcquisitionError,
    ChartCall,
    Coverage,
    Request,
    plan_charts,
    plan_snapshot,
)
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko.plans import PLANS

NOW = datetime(2026, 7, 9, 12, tzinfo=UTC)
TODAY = NOW.date()
DEMO = PLANS["demo"]
ANALYST = PLANS["analyst"]


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_today_alone_is_a_snapshot_at_any_hour_and_nothing_else_is() -> None:
    assert Request(DateRange(TODAY, TODAY)).is_snapshot(NOW)
    assert Request(DateRange(TODAY, TODAY)).is_snapshot(NOW.replace(hour=23, minute=59))
    assert not Request(DateRange(back(1), TODAY)).is_snapshot(NOW)
    assert not Request(DateRange(back(1), back(1))).is_snapshot(NOW)


def test_a_range_costs_one_call_for_each_coin_that_the_archive_does_not_cover() -> None:
    dates = DateRange(back(30), back(10))
    archive = {
        "covered": Coverage(back(30), back(10)),
        "late": Coverage(back(29), back(0)),
        "early": Coverage(back(364), back(11)),
    }
    plan = plan_charts(Request(dates), ["new", "covered", "late", "early"], archive, DEMO, NOW)
    assert plan.archived == ("covered",)
    assert [call.coin_id for call in plan.calls] == ["new", "late", "early"]
    assert plan.left == ()


def test_a_call_brings_a_year_even_where_a_day_is_asked_for() -> None:
    plan = plan_charts(Request(DateRange(back(1), back(1))), ["x"], {}, ANALYST, NOW)
    assert plan.calls == (ChartCall("x", 365),)


def test_a_longer_range_asks_for_as_many_days_as_it_needs() -> None:
    plan = plan_charts(Request(DateRange(back(1000), TODAY)), ["x"], {}, ANALYST, NOW)
    assert plan.calls == (ChartCall("x", 1001),)


def test_a_new_chart_reaches_as_far_back_as_the_archived_one_that_it_replaces() -> None:
    archive = {"x": Coverage(back(800), back(2))}
    plan = plan_charts(Request(DateRange(back(1), back(0))), ["x"], archive, ANALYST, NOW)
    assert plan.calls == (ChartCall("x", 801),)


def test_no_call_asks_for_more_days_than_the_plan_serves() -> None:
    archive = {"x": Coverage(back(800), back(2))}
    plan = plan_charts(Request(DateRange(back(364), back(0))), ["x"], archive, DEMO, NOW)
    assert plan.calls == (ChartCall("x", 365),)


def test_a_range_before_the_plans_history_is_refused_with_the_earliest_date() -> None:
    with pytest.raises(AcquisitionError, match=f"begin at {back(364)}"):
        plan_charts(Request(DateRange(back(365), TODAY)), ["x"], {}, DEMO, NOW)


def test_a_range_before_the_plans_history_is_free_where_the_archive_covers_it() -> None:
    archive = {"x": Coverage(back(800), TODAY)}
    plan = plan_charts(Request(DateRange(back(700), back(600))), ["x"], archive, DEMO, NOW)
    assert (plan.archived, plan.calls) == (("x",), ())


def test_today_is_not_asked_for_before_its_midnight_point_is_there() -> None:
    early = NOW.replace(hour=0, minute=9)
    archive = {"x": Coverage(back(364), back(1))}
    assert plan_charts(Request(DateRange(back(5), TODAY)), ["x"], archive, DEMO, early).calls == ()
    assert plan_charts(Request(DateRange(back(5), TODAY)), ["x"], archive, DEMO, NOW).calls != ()


def test_max_calls_leaves_the_least_important_coins_for_later() -> None:
    request = Request(DateRange(back(5), back(1)), max_calls=2)
    plan = plan_charts(request, ["a", "b", "c", "d"], {"a": Coverage(back(10), TODAY)}, DEMO, NOW)
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
        lambda: DateRange(TODAY, back(1)),
        lambda: Request(DateRange(TODAY, TODAY), asset_ids=("a",), top=1),
        lambda: Request(DateRange(TODAY, TODAY), top=0),
        lambda: Request(DateRange(TODAY, TODAY), max_calls=0),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(AcquisitionError):
        ask()


def test_a_slow_snapshot_begins_with_the_largest_coins() -> None:
    keyless = plan_snapshot(Request(DateRange(TODAY, TODAY)), active_coins=17_400, plan=PLANS["keyless"])
    assert (keyless.largest, keyless.calls, keyless.left) == (17_400, 70, 0)
    small = plan_snapshot(Request(DateRange(TODAY, TODAY)), active_coins=600, plan=PLANS["keyless"])
    assert small.largest is None


def test_a_coin_whose_last_chart_brought_nothing_is_not_asked_for_before_its_time() -> None:
    dates = DateRange(back(30), back(0))
    archive = {"ended": Coverage(back(364), back(20)), "short": Coverage(back(10), back(1))}
    plan = plan_charts(
        Request(dates), ["ended", "short", "nothing"], archive, DEMO, NOW, waiting={"ended", "short", "nothing"}
    )
    assert plan.archived == ("ended",)
    assert [call.coin_id for call in plan.calls] == ["short"]
    assert plan.waiting == ("nothing",)


def test_a_coin_that_left_the_list_is_asked_for_only_where_the_plan_serves_it() -> None:
    dates = DateRange(back(30), back(0))
    left_on = {"gone": back(10), "kept": back(10)}
    archive = {"kept": Coverage(back(364), back(5))}
    free = plan_charts(Request(dates), ["gone", "kept"], archive, DEMO, NOW, left_on=left_on)
    assert (free.archived, free.calls, free.unserved) == (("kept",), (), ("gone",))
    paid = plan_charts(Request(dates), ["gone", "kept"], archive, ANALYST, NOW, left_on=left_on)
    assert (paid.archived, [call.coin_id for call in paid.calls]) == (("kept",), ["gone"])


def test_a_plan_cut_to_fewer_calls_keeps_the_most_important_and_tells_of_the_others() -> None:
    plan = plan_charts(Request(DateRange(back(3), back(1))), ["a", "b", "c"], {}, DEMO, NOW).limited_to(1)
    assert [call.coin_id for call in plan.calls] == ["a"]
    assert plan.left == ("b", "c")
    assert plan.limited_to(5) is plan


@pytest.mark.parametrize("choice", [{"asset_ids": ("a",)}, {"top": 3}])
def test_completing_the_history_chooses_the_coins_itself(choice: dict[str, Any]) -> None:
    with pytest.raises(AcquisitionError, match="chooses the coins itself"):
        Request(DateRange(TODAY, TODAY), complete_history=True, **choice)
