"""The 27 fields of a row of the market page: their digits, and how they fit one another and the charts."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coingecko_pipeline.sandbox.extremes import OUTSIDE_SHARE

from .asking import DAY_MS, MIDNIGHT, NOON, Api, milliseconds

EVERYTHING: dict[str, Any] = {"include_rehypothecated": "true", "precision": "full"}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api(coins=400, rehypothecated=40)


def everyone(api: Api, **params: Any) -> list[dict[str, Any]]:
    return [row for page in (1, 2) for row in api.markets(order="id_asc", page=page, **{**EVERYTHING, **params})]


def decimals(text: str) -> int:
    """How many decimals a number has as it is written."""
    digits, _, exponent = text.partition("e")
    return max(0, len(digits.partition(".")[2].rstrip("0")) - int(exponent or 0))


def prices_as_written(api: Api, **params: Any) -> dict[str, str]:
    text = api.get("/coins/markets", vs_currency="usd", order="id_asc", per_page=250, **params).text
    return dict(re.findall(r'"id":"([^"]+)","symbol":.*?"current_price":([^,]+),', text))


def test_a_row_has_27_fields_and_one_less_without_the_second_rank(api: Api) -> None:
    assert {len(row) for row in everyone(api)} == {27}
    assert {len(row) for row in api.markets()} == {26}


def test_a_price_has_as_many_digits_as_fit_it_unless_a_precision_is_asked_for(api: Api) -> None:
    told, whole = prices_as_written(api), prices_as_written(api, precision="full")
    three = prices_as_written(api, precision=3)
    seen = set()
    for coin_id, text in told.items():
        if text == "null":
            continue
        price = float(whole[coin_id])
        fit = next(
            fit
            for bound, fit in ((5e4, 0), (1.1, 2), (1, 3), (0.05, 6), (1e-6, 8), (1e-9, 12), (1e-12, 15), (0, 18))
            if price >= bound
        )
        seen.add(fit)
        assert decimals(text) <= fit
        assert abs(float(text) - price) <= 0.5000001 * 10.0**-fit
        assert abs(float(three[coin_id]) - price) <= 0.0005000001
        assert decimals(three[coin_id]) <= 3
    assert {0, 2, 6, 8} <= seen
    assert sum(told[coin_id] != whole[coin_id] for coin_id in told) > 200


def test_the_whole_price_is_the_charts_and_a_rounded_one_is_not() -> None:
    midnight, later = Api(at=MIDNIGHT), Api(at=MIDNIGHT + timedelta(hours=2))
    whole, told = midnight.markets(ids="bitcoin", precision="full")[0], midnight.markets(ids="bitcoin")[0]
    chart = later.chart("bitcoin", days=3, interval="daily")
    stamp = milliseconds(MIDNIGHT)
    assert dict(chart["prices"])[stamp] == whole["current_price"] != told["current_price"]
    assert told["current_price"] == round(whole["current_price"])
    assert dict(chart["market_caps"])[stamp] == whole["market_cap"]
    assert told["market_cap"] == round(whole["market_cap"])


def test_simple_price_rounds_the_price_alone(api: Api) -> None:
    asked = {"ids": "bitcoin", "vs_currencies": "usd", "include_market_cap": "true"}
    whole = api.json("/simple/price", **asked, precision="full")["bitcoin"]
    assert api.json("/simple/price", **asked)["bitcoin"] == {**whole, "usd": round(whole["usd"])}
    assert api.json("/simple/price", **asked, precision=4)["bitcoin"]["usd"] == round(whole["usd"], 4)


def test_a_precision_that_is_none_is_refused(api: Api) -> None:
    for wrong in ("19", "-1", "most"):
        assert api.get("/coins/markets", vs_currency="usd", precision=wrong).status_code == 422


def test_a_market_cap_is_the_price_times_the_coins_in_circulation(api: Api) -> None:
    compared = 0
    for row in everyone(api):
        if row["market_cap"]:
            compared += 1
            assert row["market_cap"] == pytest.approx(row["current_price"] * row["circulating_supply"], rel=1e-12)
        if row["fully_diluted_valuation"] is not None:
            assert row["fully_diluted_valuation"] == pytest.approx(row["current_price"] * row["total_supply"])
            assert row["circulating_supply"] <= row["total_supply"] <= (row["max_supply"] or math.inf)
    assert compared > 300
    assert 50 < sum(row["max_supply"] is None for row in everyone(api)) < 200


def test_supplies_grow_and_some_are_integers_beyond_64_bits(api: Api) -> None:
    later = {row["id"]: row for row in everyone(Api(coins=400, rehypothecated=40, at=NOON + timedelta(days=30)))}
    for row in everyone(api):
        if row["id"] in later and row["circulating_supply"]:
            assert 1.0 <= later[row["id"]]["circulating_supply"] / row["circulating_supply"] < 1.01
    text = api.get("/coins/markets", vs_currency="usd", ids="-3").text
    tiny = json.loads(text)[0]
    assert isinstance(tiny["circulating_supply"], int)
    assert tiny["circulating_supply"] > 2**64
    assert tiny["total_supply"] > 1e23


def test_high_and_low_hold_all_the_points_of_the_day_that_ended_but_for_some_ends() -> None:
    midnight, later = Api(at=MIDNIGHT, coins=1_000), Api(at=MIDNIGHT + timedelta(hours=1), coins=1_000)
    rows = [row for page in range(1, 5) for row in midnight.markets(page=page, precision="full")]
    end = milliseconds(MIDNIGHT)
    compared = outside = 0
    far = []
    for row in rows:
        points = dict(later.chart(row["id"], days=3, interval="daily")["prices"])
        if row["high_24h"] is None or end not in points or end - DAY_MS not in points:
            continue
        compared += 1
        high, low = row["high_24h"], row["low_24h"]
        ends = (points[end], points[end - DAY_MS])
        assert low <= high
        if low <= min(ends) and max(ends) <= high:
            between = later.chart(row["id"], days=2)["prices"]
            day = [price for stamp, price in between if end - DAY_MS <= stamp <= end]
            assert low <= min(day)
            assert max(day) <= high
        else:
            outside += 1
            far.append(max(max(ends) / high - 1.0, 1.0 - min(ends) / low))
    assert compared > 800
    assert 0.5 * OUTSIDE_SHARE < outside / compared < 1.6 * OUTSIDE_SHARE
    assert 0.0002 < sorted(far)[len(far) // 2] < 0.002


def test_the_extremes_of_a_life_hold_every_point_of_the_chart(api: Api) -> None:
    now = NOON.isoformat()[:19]
    for row in everyone(api)[::7]:
        prices = [price for _, price in api.chart(row["id"])["prices"]]
        if not prices or row["ath"] is None:
            continue
        assert row["atl"] <= min(prices)
        assert max(prices) <= row["ath"]
        assert row["atl"] <= row["low_24h"] if row["low_24h"] else True
        assert row["ath_date"][:19] <= now
        assert row["atl_date"][:19] <= now
        assert row["ath_change_percentage"] == pytest.approx((row["current_price"] / row["ath"] - 1) * 100, abs=1e-5)


def test_the_extremes_of_a_life_stay_until_they_are_passed() -> None:
    first = {row["id"]: row for row in everyone(Api(coins=400))}
    for row in everyone(Api(coins=400, at=NOON + timedelta(days=40))):
        if row["id"] in first and row["ath"] is not None and row["ath_date"] < f"{NOON - timedelta(days=40):%Y-%m-%d}":
            assert row["ath"] == first[row["id"]]["ath"]
            assert row["ath_date"] == first[row["id"]]["ath_date"]


def test_a_few_rows_tell_a_gain_and_those_of_the_dead_no_change(api: Api) -> None:
    rows = everyone(api)
    gains = [row["roi"] for row in rows if row["roi"] is not None]
    assert 5 < len(gains) < 60
    assert all(gain["currency"] in ("usd", "eth", "btc") for gain in gains)
    assert all(gain["times"] is None or gain["percentage"] == gain["times"] * 100 for gain in gains)
    dead = next(row for row in rows if row["id"] == "boringdao-[old]")
    assert dead["current_price"] is not None
    assert dead["high_24h"] is dead["low_24h"] is dead["price_change_24h"] is None
    assert datetime.fromisoformat(dead["last_updated"]) < datetime(2026, 1, 1, tzinfo=UTC)
    unknown = next(row for row in rows if row["id"] == "4")
    told = unknown.keys() - {"id", "symbol", "name", "image", "last_updated", "roi"}
    assert {unknown[name] for name in told} == {None}
