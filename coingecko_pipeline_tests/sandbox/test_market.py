"""The synthetic market: the same everywhere, and consistent across endpoints and dates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coingecko_pipeline.sandbox.market import DAY_MS, figures, quotes
from coingecko_pipeline.sandbox.universe import FIRST_DAY_NUMBER, Universe

from .asking import MIDNIGHT, NOON, Api, milliseconds

DAY_NUMBER = milliseconds(MIDNIGHT) // DAY_MS


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest.fixture(scope="module")
def universe() -> Universe:
    return Universe(seed=7, coins=17_400)


def by_stamp(points: list[tuple[int, Any]]) -> dict[int, Any]:
    return dict(points)


def test_the_same_seed_gives_the_same_answers_and_another_seed_gives_others() -> None:
    first, again, other = Api(seed=1), Api(seed=1), Api(seed=2)
    assert first.get("/coins/list").content == again.get("/coins/list").content
    assert first.chart("bitcoin") == again.chart("bitcoin")
    assert first.chart("bitcoin") != other.chart("bitcoin")
    assert first.ids() != other.ids()


def test_a_coin_has_the_same_figures_however_many_coins_there_are() -> None:
    assert Api(coins=3).chart("ethereum") == Api(coins=500).chart("ethereum")


def test_midnights_are_the_same_in_charts_ranges_and_histories_at_any_time(api: Api) -> None:
    later = Api(at=NOON + timedelta(days=17, hours=3))
    for coin_id in api.ids()[::9]:
        chart = api.chart(coin_id)
        prices = by_stamp(chart["prices"][:-1])
        caps, volumes = by_stamp(chart["market_caps"][:-1]), by_stamp(chart["total_volumes"][:-1])
        if coin_id in later.ids():
            shared = by_stamp(later.chart(coin_id, days=300)["prices"][:-1])
            assert {stamp: prices[stamp] for stamp in shared if stamp in prices} == {
                stamp: price for stamp, price in shared.items() if stamp in prices
            }
        span = {"from": milliseconds(NOON - timedelta(days=200)) // 1000, "to": milliseconds(NOON) // 1000 - 1}
        ranged = api.json(f"/coins/{coin_id}/market_chart/range", vs_currency="usd", **span)
        assert all(prices[stamp] == price for stamp, price in ranged["prices"])
        for stamp in list(prices)[::60]:
            date = datetime.fromtimestamp(stamp / 1000, UTC)
            market_data = api.json(f"/coins/{coin_id}/history", date=f"{date:%d-%m-%Y}")["market_data"]
            assert market_data["current_price"]["usd"] == prices[stamp]
            assert market_data["market_cap"]["usd"] == caps[stamp]
            assert market_data["total_volume"]["usd"] == volumes[stamp]


def test_the_market_page_at_exactly_midnight_shows_the_charts_point() -> None:
    page = Api(at=MIDNIGHT).markets(precision="full")
    later = Api(at=MIDNIGHT + timedelta(hours=9))
    compared = 0
    for row in page:
        chart = later.chart(row["id"], days=3, interval="daily")
        prices = by_stamp(chart["prices"])
        if milliseconds(MIDNIGHT) in prices and row["last_updated"].startswith("2026-03-01T00:00:00"):
            compared += 1
            assert row["current_price"] == prices[milliseconds(MIDNIGHT)]
            assert row["market_cap"] == by_stamp(chart["market_caps"])[milliseconds(MIDNIGHT)]
            assert row["total_volume"] == by_stamp(chart["total_volumes"])[milliseconds(MIDNIGHT)]
    assert compared > 180


def test_prices_page_and_totals_agree(api: Api) -> None:
    rows = api.markets(precision="full")
    prices = api.json(
        "/simple/price",
        ids=",".join(row["id"] for row in rows),
        vs_currencies="usd",
        include_market_cap="true",
        include_24hr_vol="true",
        precision="full",
    )
    for row in rows:
        assert prices[row["id"]].get("usd") == row["current_price"]
        assert prices[row["id"]].get("usd_market_cap") == row["market_cap"]
    totals = api.json("/global")["data"]
    assert totals["active_cryptocurrencies"] == 200
    assert totals["total_market_cap"]["usd"] == pytest.approx(sum(row["market_cap"] or 0 for row in rows))


@settings(max_examples=60)
@given(
    slot=st.integers(0, 499), day=st.integers(FIRST_DAY_NUMBER, FIRST_DAY_NUMBER + 9000), offset=st.integers(0, 86_399)
)
def test_a_value_is_the_same_bits_alone_and_among_all_coins_or_dates(slot: int, day: int, offset: int) -> None:
    keys = Universe(seed=3, coins=500).roster(day).keys
    everyone = figures(keys, np.arange(500))
    moment = day * DAY_MS + offset * 1000
    alone = quotes(everyone.one(slot), np.array([moment]))
    among_coins = quotes(everyone, np.array([moment]))
    among_dates = quotes(everyone.one(slot), np.arange(moment - 3 * DAY_MS, moment + 3 * DAY_MS + 1, DAY_MS))
    for name in ("price", "market_cap", "volume"):
        expected = getattr(alone, name)[0]
        np.testing.assert_array_equal(getattr(among_coins, name)[slot], expected)
        np.testing.assert_array_equal(getattr(among_dates, name)[3], expected)


def test_all_coins_spread_as_widely_as_real_ones(universe: Universe) -> None:
    of = figures(universe.roster(DAY_NUMBER).keys, np.arange(17_400))
    at = quotes(of, np.array([DAY_NUMBER * DAY_MS]))
    assert np.nanmin(at.price) < 1e-12
    assert np.nanmax(at.price) > 10_000
    assert np.count_nonzero(at.market_cap == 0) > 1_000
    assert np.count_nonzero(np.isnan(at.price)) > 20
    assert np.count_nonzero(np.isnan(at.volume)) > 50
    assert np.nanargmax(at.market_cap) == 0


def test_a_month_sees_coins_come_go_return_and_change_their_names(universe: Universe) -> None:
    before: dict[str, str] = {}
    ever: set[str] = set()
    come = gone = back = renamed = 0
    for day in range(DAY_NUMBER, DAY_NUMBER + 31):
        today = {coin.coin_id: coin.named(day)[1] for coin in universe.roster(day).coins}
        assert len(today) == 17_400
        if before:
            come += len(today.keys() - before.keys() - ever)
            back += len((today.keys() - before.keys()) & ever)
            gone += len(before.keys() - today.keys())
            renamed += sum(before.get(coin_id, name) != name for coin_id, name in today.items())
        ever |= today.keys()
        before = today
    assert come > 100
    assert gone > 100
    assert renamed > 30
    assert back >= 1


def test_every_coin_that_ever_was_is_found_by_its_id(universe: Universe) -> None:
    gone = universe.delisted(DAY_NUMBER)
    for coin in gone[::4000]:
        assert universe.find(coin.coin_id, DAY_NUMBER) == coin
        ended_on = universe.delisted_on(coin, DAY_NUMBER)
        assert ended_on is not None
        assert coin.born_on < ended_on <= DAY_NUMBER
        assert coin not in universe.roster(ended_on).coins
        assert coin in universe.roster(ended_on - 1).coins
    assert universe.find("no-such-coin", DAY_NUMBER) is None
    assert universe.find("amber-ape-zzz", DAY_NUMBER) is None


def test_the_list_holds_the_odd_ids_names_and_symbols(api: Api) -> None:
    entries = {entry["id"]: entry for entry in api.json("/coins/list", include_platform="true")}
    odd = {"1move token", "dps-doubloon ", "boringdao-[old]", "beluga.fi", "-3", "4", "69420", "inf", "true", "on", "_"}
    assert odd <= entries.keys()
    assert max(map(len, entries)) == 72
    assert max(len(entry["symbol"]) for entry in entries.values()) == 50
    assert entries["without-a-symbol"]["symbol"] == ""
    assert any(ord(letter) > 0xFFFF for entry in entries.values() for letter in entry["name"])
    assert len({entry["symbol"] for entry in entries.values()}) < len(entries)
    assert all(isinstance(entry["platforms"], dict) for entry in entries.values())


def test_the_market_page_has_nulls_zeros_and_stale_rows(api: Api) -> None:
    rows = {row["id"]: row for row in api.markets()}
    assert rows["4"]["current_price"] is None
    assert rows["69420"]["total_volume"] is None
    assert rows["beluga.fi"]["market_cap"] == 0
    assert rows["beluga.fi"]["market_cap_rank"] is None
    assert rows["-3"]["current_price"] < 2e-12
    assert rows["boringdao-[old]"]["last_updated"] < "2026"
    assert rows["on"]["last_updated"].startswith("2026-03-01T00:00:00")
    assert len({len(row["last_updated"]) for row in rows.values()}) == 4
    assert rows["bitcoin"]["market_cap_rank"] == 1


def test_pages_follow_the_order_asked_for_and_hold_every_coin_once(api: Api) -> None:
    pages = [api.markets(order="id_asc", per_page=60, page=page) for page in range(1, 6)]
    ids = [row["id"] for page in pages for row in page]
    assert ids == sorted(api.ids())
    assert pages[4] == []
    assert [row["id"] for row in api.markets(order="id_desc")] == ids[::-1]
    caps = [row["market_cap"] for row in api.markets(order="market_cap_desc") if row["market_cap"] is not None]
    assert caps == sorted(caps, reverse=True)
    volumes = [row["total_volume"] for row in api.markets(order="volume_asc") if row["total_volume"] is not None]
    assert volumes == sorted(volumes)
    chosen = api.markets(ids="dps-doubloon ,bitcoin,no-such-coin", order="id_asc")
    assert [row["id"] for row in chosen] == ["bitcoin", "dps-doubloon "]
    assert api.get("/coins/markets", vs_currency="usd", order="gecko_desc").status_code == 422
    assert len(api.get("/coins/markets", vs_currency="usd", per_page=9999).json()) == 200
