"""Coins that stand for others: listed as any other, and on the market page only where they are asked for."""

from typing import Any

import pytest

from coingecko_pipeline.sandbox import rehypothecated_beside
from coingecko_pipeline.sandbox.names import REHYPOTHECATED
from coingecko_pipeline.sandbox.universe import REHYPOTHECATED_FROM, Universe

from .asking import NOON, Api, milliseconds

WITH: dict[str, Any] = {"include_rehypothecated": "true"}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api(coins=200, rehypothecated=40)


def test_they_are_listed_as_any_other_and_left_off_the_pages_unless_asked_for(api: Api) -> None:
    regular, everyone = api.markets(order="id_asc"), api.markets(order="id_asc", **WITH)
    assert (len(regular), len(everyone)) == (200, 240)
    assert [row["id"] for row in everyone] == sorted(api.ids())
    left_out = {row["id"] for row in everyone} - {row["id"] for row in regular}
    assert {coin.coin_id for coin in REHYPOTHECATED} <= left_out
    assert all("market_cap_rank_with_rehypothecated" not in row for row in regular)
    assert api.get("/coins/markets", vs_currency="usd", **WITH).headers["total"] == "240"
    assert api.get("/coins/markets", vs_currency="usd").headers["total"] == "200"


def test_they_have_a_rank_among_all_coins_only_and_the_others_have_both(api: Api) -> None:
    rows = [row for row in api.markets(order="market_cap_desc", **WITH) if row["market_cap"]]
    assert [row["market_cap_rank_with_rehypothecated"] for row in rows] == list(range(1, len(rows) + 1))
    regular = [row["id"] for row in api.markets() if row["market_cap"]]
    ranked = [row["id"] for row in rows if row["market_cap_rank"] is not None]
    assert ranked == regular
    assert [row["market_cap_rank"] for row in rows if row["id"] in set(regular)] == list(range(1, len(regular) + 1))
    assert 0 < sum(row["market_cap_rank"] is None for row in rows[:100]) < 40


def test_an_id_alone_does_not_bring_them(api: Api) -> None:
    asked = "bitcoin,wrapped-bitcoin,staked-ether"
    assert [row["id"] for row in api.markets(ids=asked)] == ["bitcoin"]
    assert len(api.markets(ids=asked, **WITH)) == 3


def test_they_have_charts_and_move_as_what_they_stand_for(api: Api) -> None:
    assert api.chart("wrapped-bitcoin")["prices"] == api.chart("bitcoin")["prices"]
    assert api.chart("wrapped-bitcoin")["market_caps"] != api.chart("bitcoin")["market_caps"]
    assert api.json("/simple/price", ids="weth", vs_currencies="usd").keys() == {"weth"}


def test_the_totals_are_without_them_and_the_count_of_coins_is_with_them(api: Api) -> None:
    totals = api.json("/global")["data"]
    assert totals["active_cryptocurrencies"] == 240
    caps = sum(row["market_cap"] or 0 for row in api.markets())
    assert totals["total_market_cap"]["usd"] == pytest.approx(caps)


def test_they_change_nothing_of_the_regular_coins(api: Api) -> None:
    without = Api(coins=200)
    assert api.markets(order="id_asc") == without.markets(order="id_asc")
    assert api.chart("dps-doubloon ") == without.chart("dps-doubloon ")
    more = Api(coins=300, rehypothecated=30)
    assert set(more.ids()) - set(Api(coins=300).ids()) < set(api.ids())


def test_they_come_and_go_too_and_are_found_by_their_ids() -> None:
    universe, day = Universe(seed=7, coins=100, rehypothecated=1_300), milliseconds(NOON) // 86_400_000
    gone = [coin for coin in universe.delisted(day) if coin.slot >= REHYPOTHECATED_FROM]
    assert len(gone) > 500
    for coin in [*gone[::97], *universe.roster(day).coins[100::97]]:
        assert coin.rehypothecated
        assert universe.find(coin.coin_id, day) == coin
    assert len({coin.coin_id for coin in universe.roster(day).coins}) == 1_400
    assert universe.find("wrapped-cat-100zzz", day) is None


def test_as_many_fit_as_the_real_list_has() -> None:
    assert rehypothecated_beside(17_400) == 1_300
    assert rehypothecated_beside(200) == 15
    assert rehypothecated_beside(5) == 6
