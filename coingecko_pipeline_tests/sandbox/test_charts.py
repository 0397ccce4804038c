"""Which points charts have."""

from datetime import timedelta

import pytest

from .asking import DAY_MS, MIDNIGHT, NOON, Api, milliseconds

TODAY = milliseconds(MIDNIGHT)


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


def test_a_year_has_365_midnights_and_a_point_for_now(api: Api) -> None:
    chart = api.chart("bitcoin", interval="daily")
    stamps = [stamp for stamp, _ in chart["prices"]]
    assert stamps == [*range(TODAY - 364 * DAY_MS, TODAY + 1, DAY_MS), milliseconds(NOON)]
    assert [stamp for stamp, _ in chart["market_caps"]] == [stamp for stamp, _ in chart["total_volumes"]] == stamps


@pytest.mark.parametrize(("minutes", "there"), [(1, False), (9.99, False), (10, True), (34, True)])
def test_the_chart_has_todays_midnight_from_ten_past(minutes: float, there: bool) -> None:
    now = MIDNIGHT + timedelta(minutes=minutes)
    stamps = [stamp for stamp, _ in Api(at=now).chart("bitcoin", days=5, interval="daily")["prices"]]
    assert (TODAY in stamps) is there
    assert stamps[-1] == milliseconds(now)
    assert TODAY - DAY_MS in stamps


@pytest.mark.parametrize(("minutes", "there"), [(34, False), (35, True)])
def test_range_and_history_have_todays_midnight_from_35_past(minutes: float, there: bool) -> None:
    now = MIDNIGHT + timedelta(minutes=minutes)
    api = Api(at=now)
    span = {"from": TODAY // 1000 - 100 * 86_400, "to": milliseconds(now) // 1000}
    ranged = api.json("/coins/bitcoin/market_chart/range", vs_currency="usd", **span)
    assert (TODAY in [stamp for stamp, _ in ranged["prices"]]) is there
    assert ("market_data" in api.json("/coins/bitcoin/history", date="01-03-2026")) is there


def test_only_a_range_that_reaches_to_now_has_a_point_for_now(api: Api) -> None:
    span = {"from": TODAY // 1000 - 100 * 86_400, "to": TODAY // 1000 + 3600}
    ranged = api.json("/coins/bitcoin/market_chart/range", vs_currency="usd", **span)
    assert [stamp % DAY_MS for stamp, _ in ranged["prices"]] == [0] * 101
    span["to"] = milliseconds(NOON) // 1000
    ranged = api.json("/coins/bitcoin/market_chart/range", vs_currency="usd", **span)
    assert ranged["prices"][-1][0] == milliseconds(NOON)


def test_granularity_follows_the_days_unless_daily_is_asked_for(api: Api) -> None:
    assert len(api.chart("bitcoin", days=1)["prices"]) in range(287, 291)
    hourly = api.chart("bitcoin", days=90)["prices"]
    assert len(hourly) in range(2159, 2163)
    assert all(stamp % DAY_MS for stamp, _ in hourly)
    assert len(api.chart("bitcoin", days=91)["prices"]) == 92
    assert len(api.chart("bitcoin", days=7, interval="daily")["prices"]) == 8


def test_dead_and_unknown_coins_have_empty_charts_and_no_history(api: Api) -> None:
    for coin_id in ("boringdao-[old]", "4"):
        assert api.chart(coin_id) == {"prices": [], "market_caps": [], "total_volumes": []}
        assert "market_data" not in api.json(f"/coins/{coin_id}/history", date="10-02-2026")


def test_some_charts_lack_days_and_some_have_null_market_caps(api: Api) -> None:
    stamps = [stamp for stamp, _ in api.chart("dps-doubloon ")["prices"][:-1]]
    missing = set(range(TODAY - 364 * DAY_MS, TODAY + 1, DAY_MS)) - set(stamps)
    assert 0 < len(missing) < 40
    caps = [cap for _, cap in api.chart("inf")["market_caps"]]
    assert 0 < caps.count(None) < 100
    assert {volume for _, volume in api.chart("69420")["total_volumes"]} == {None}
    assert {cap for _, cap in api.chart("_")["market_caps"]} == {0}


def test_young_coins_have_no_points_before_their_first_day() -> None:
    api = Api(coins=400)
    lengths = {len(api.chart(coin_id)["prices"]) for coin_id in api.ids()}
    assert 366 in lengths
    assert any(2 <= length < 300 for length in lengths)


def test_a_coin_that_is_delisted_answers_404_on_free_plans_and_its_history_on_paid_ones() -> None:
    free, paid = Api(coins=2_000), Api(coins=2_000, plan="analyst")
    key = {"x-cg-pro-api-key": "CG-any"}
    gone = paid.get("/coins/list", headers=key, status="inactive").json()
    assert {entry["id"] for entry in gone}.isdisjoint(free.ids())
    recently = Api(coins=2_000, at=NOON - timedelta(days=60))
    coin_id = next(entry["id"] for entry in gone if entry["id"] in set(recently.ids()))
    assert free.get(f"/coins/{coin_id}/market_chart", vs_currency="usd", days=90, interval="daily").status_code == 404
    chart = paid.get(f"/coins/{coin_id}/market_chart", headers=key, vs_currency="usd", days=90, interval="daily").json()
    before = recently.chart(coin_id, days=20, interval="daily")
    assert chart["prices"][-1][0] % DAY_MS == 0
    assert before["prices"][-2] in chart["prices"]
