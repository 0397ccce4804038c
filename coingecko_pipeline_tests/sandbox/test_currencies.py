"""Other currencies than the US dollar: their rates move, are the same for all coins, and are today's of the list."""

import re
from itertools import pairwise
from typing import Any

import pytest

from .asking import MIDNIGHT, NOON, Api, milliseconds


@pytest.fixture(scope="module")
def api() -> Api:
    return Api(coins=200)


def rates_of(api: Api, coin_id: str, currency: str) -> list[float]:
    dollars = api.chart(coin_id)["prices"]
    units = api.json(f"/coins/{coin_id}/market_chart", vs_currency=currency, days=365)["prices"]
    return [unit[1] / dollar[1] for unit, dollar in zip(units, dollars, strict=True)]


def test_a_rate_is_another_each_day_and_the_same_for_all_coins(api: Api) -> None:
    bitcoin = rates_of(api, "bitcoin", "eur")
    assert rates_of(api, "1move token", "eur") == pytest.approx(bitcoin, rel=1e-14)
    assert len(set(bitcoin)) == len(bitcoin)
    assert 0.7 < min(bitcoin) < max(bitcoin) < 1.1
    assert max(abs(after / before - 1) for before, after in pairwise(bitcoin)) < 0.02
    assert set(map(float, rates_of(api, "bitcoin", "bmd"))) == {1.0}


def test_market_caps_volumes_and_histories_are_in_that_currency(api: Api) -> None:
    rate = rates_of(api, "ethereum", "jpy")[-2]
    in_yen = api.json("/coins/ethereum/market_chart", vs_currency="jpy", days=365)
    in_dollars = api.chart("ethereum")
    for series in ("market_caps", "total_volumes"):
        assert in_yen[series][-2][1] == pytest.approx(in_dollars[series][-2][1] * rate)
    prices = api.json("/coins/ethereum/history", date="01-03-2026")["market_data"]["current_price"]
    assert prices["jpy"] == pytest.approx(in_yen["prices"][-2][1])
    assert len(prices) > 65


def test_a_cryptocurrency_costs_what_its_coin_does(api: Api) -> None:
    ether = api.json("/coins/bitcoin/market_chart", vs_currency="eth", days=100)["prices"]
    bitcoin, ethereum = (api.chart(coin_id, days=100)["prices"] for coin_id in ("bitcoin", "ethereum"))
    for unit, first, second in zip(ether, bitcoin, ethereum, strict=True):
        assert unit[1] == pytest.approx(first[1] / second[1])
    sats = api.json("/simple/price", ids="bitcoin", vs_currencies="sats,btc", precision="full")["bitcoin"]
    assert sats == {"sats": pytest.approx(1e8), "btc": pytest.approx(1.0)}


def test_the_exchange_rates_are_those_of_the_charts_and_of_the_pages() -> None:
    api = Api(at=MIDNIGHT)
    rates = api.json("/exchange_rates")["rates"]
    later = Api(at=NOON)
    stamp = milliseconds(MIDNIGHT)
    for currency in ("eur", "xau", "krw", "eth", "vef"):
        chart = later.json("/coins/bitcoin/market_chart", vs_currency=currency, days=2, interval="daily")["prices"]
        assert rates[currency]["value"] == pytest.approx(dict(chart)[stamp], abs=0.00051)
        row = api.json("/coins/markets", vs_currency=currency, ids="bitcoin", precision="full")[0]
        assert row["current_price"] == pytest.approx(dict(chart)[stamp])
        assert row["high_24h"] > row["low_24h"] > 0
    assert rates["btc"] == {"name": "Bitcoin", "unit": "BTC", "value": 1.0, "type": "crypto"}
    assert {rate["type"] for rate in rates.values()} == {"crypto", "fiat", "commodity"}
    assert 68 <= len(rates) <= 75


def test_every_rate_is_supported_and_no_other_currency(api: Api) -> None:
    supported = api.json("/simple/supported_vs_currencies")
    assert supported == list(api.json("/exchange_rates")["rates"])
    assert all(re.fullmatch("[a-z]{3,4}", code) for code in supported)
    for code in supported:
        assert api.get("/coins/bitcoin/market_chart", vs_currency=code, days=2).status_code == 200
    wrong: dict[str, Any] = {"vs_currency": "xxx", "days": 2}
    assert api.get("/coins/bitcoin/market_chart", **wrong).status_code == 422
    assert api.json("/simple/price", ids="bitcoin", vs_currencies="xxx") == {"bitcoin": {}}
