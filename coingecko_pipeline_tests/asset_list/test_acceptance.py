from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from coingecko_pipeline.asset_list.acceptance import Acceptance, RefusedList, judge
from coingecko_pipeline.asset_list.refused import forget_refused_list, keep_refused_list, read_refused_list
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.recordings import load

NOW = datetime(2026, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def coins(first: int, last: int) -> frozenset[str]:
    return frozenset(f"c{number}" for number in range(first, last))


def refused(ids: frozenset[str], before: timedelta = DAY) -> RefusedList:
    return RefusedList(ids, NOW - before)


@pytest.mark.parametrize(
    ("listed", "earlier", "accept", "expected"),
    [
        (coins(0, 100), None, False, Acceptance.WHOLE),
        (coins(20, 200), None, False, Acceptance.WHOLE),
        (coins(21, 200), None, False, Acceptance.SHRUNKEN),
        (coins(21, 200), None, True, Acceptance.ACCEPTED),
        (coins(0, 100), None, True, Acceptance.WHOLE),
        (coins(0, 0), None, False, Acceptance.EMPTY),
        (coins(0, 0), refused(coins(0, 0)), True, Acceptance.EMPTY),
        (coins(0, 70), refused(coins(0, 70)), False, Acceptance.CONFIRMED),
        (coins(0, 70), refused(coins(0, 73)), False, Acceptance.CONFIRMED),
        (coins(0, 70), refused(coins(0, 75)), False, Acceptance.SHRUNKEN),
        (coins(0, 70), refused(coins(30, 100)), False, Acceptance.SHRUNKEN),
        (coins(0, 70), refused(coins(0, 70), timedelta(minutes=10)), False, Acceptance.CONFIRMED),
        (coins(0, 70), refused(coins(0, 70), timedelta(minutes=9)), False, Acceptance.SHRUNKEN),
    ],
)
def test_a_list_is_taken_or_refused(
    listed: frozenset[str], earlier: RefusedList | None, accept: bool, expected: Acceptance
) -> None:
    assert judge(listed, NOW, coins(0, 100), earlier, accept) is expected


def test_any_list_is_taken_where_no_coin_is_known() -> None:
    assert judge(coins(0, 1), NOW, frozenset(), None, accept_shrunken=False) is Acceptance.WHOLE


def test_the_recorded_lists_of_following_days_agree_and_those_of_other_years_do_not() -> None:
    days = ("2025-09-04", "2025-09-05", "2025-09-07", "2025-09-10", "2025-09-12")
    near = [*pairwise(days), ("2026-02-02", "2026-02-03")]
    ids = {day: frozenset(entry["id"] for entry in load(f"coins_list/{day}.json.gz")) for pair in near for day in pair}
    assert all(refused(ids[first]).agrees_with(ids[second]) for first, second in near)
    assert not refused(ids["2025-09-12"]).agrees_with(ids["2026-02-02"])


def test_the_refused_list_is_kept_until_it_is_forgotten(database: Database) -> None:
    assert read_refused_list(database) is None
    keep_refused_list(database, {"a", "a ", "A"}, NOW - DAY)
    keep_refused_list(database, {"b", "b "}, NOW)
    assert read_refused_list(database) == RefusedList(frozenset({"b", "b "}), NOW)
    forget_refused_list(database)
    assert read_refused_list(database) is None
