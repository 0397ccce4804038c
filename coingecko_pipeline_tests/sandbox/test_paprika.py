"""CoinPaprika's view of the sandbox's market."""

from collections import Counter
from typing import Any

import pytest

from coingecko_pipeline.sandbox.paprika import (
    DISAGREEMENTS,
    INACTIVE,
    LISTED_TWICE,
    MOST_TICKERS,
    NOT_LISTED,
    ONLY_HERE,
    SPELT_ALIKE,
    SPELT_OTHERWISE,
)

from .asking import MIDNIGHT, NOON, Api

FIELDS = {
    "coins": {"id": str, "name": str, "symbol": str, "rank": int, "is_new": bool, "is_active": bool, "type": str},
    "tickers": {"id": str, "name": str, "symbol": str, "rank": int, "first_data_at": str, "last_updated": str},
}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api(coins=300)


def coins(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get_path("/v1/coins").json()
    return found


def tickers(api: Api) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in api.get_path("/v1/tickers").json()}


def test_both_answers_have_the_documented_fields(api: Api) -> None:
    for endpoint, fields in FIELDS.items():
        answer = api.get_path(f"/v1/{endpoint}")
        assert (answer.status_code, answer.headers["x-sandbox"]) == (200, "synthetic")
        for entry in answer.json():
            assert all(type(entry[name]) is kind for name, kind in fields.items())
    for entry in tickers(api).values():
        assert {"price", "volume_24h", "market_cap"} <= entry["quotes"]["USD"].keys()


def test_every_id_is_there_once_and_the_tickers_are_the_active_coins(api: Api) -> None:
    listed = Counter(entry["id"] for entry in coins(api))
    assert set(listed.values()) == {1}
    assert {entry["id"] for entry in coins(api) if not entry["is_active"]} == {
        paprika_id for paprika_id, *_ in INACTIVE
    }
    assert {entry["id"] for entry in coins(api) if entry["is_active"]} == tickers(api).keys()
    assert sum(paprika_id.startswith("only") for paprika_id in listed) == ONLY_HERE


def test_the_free_plan_brings_the_largest_coins_only() -> None:
    brought = Api(coins=4_000).get_path("/v1/tickers").json()
    assert len(brought) == MOST_TICKERS
    caps = [entry["quotes"]["USD"]["market_cap"] or 0 for entry in brought]
    assert caps == sorted(caps, reverse=True)
    assert [entry["rank"] for entry in brought] == list(range(1, MOST_TICKERS + 1))


def test_prices_are_the_same_but_for_a_little_noise_and_the_planted_disagreements(api: Api) -> None:
    theirs: dict[tuple[str, str], list[float]] = {}
    for entry in tickers(api).values():
        quote = entry["quotes"]["USD"]
        theirs.setdefault((entry["symbol"], entry["name"]), []).append(quote["price"])
    far: dict[str, float] = {}
    compared = 0
    for row in api.markets(order="market_cap_desc", precision="full")[:100]:
        prices = theirs.get((row["symbol"].upper(), row["name"]), [])
        if len(prices) == 1:
            compared += 1
            difference = prices[0] / row["current_price"] - 1.0
            # A coin that is not listed there can have a namesake, whose price is another.
            if 0.01 < abs(difference) < 0.2:
                far[row["id"]] = difference
    assert compared > 50
    assert far == pytest.approx(dict(DISAGREEMENTS))


@pytest.mark.parametrize("moment", [MIDNIGHT, NOON, MIDNIGHT.replace(year=2019), MIDNIGHT.replace(year=2030)])
def test_what_disagrees_is_among_the_hundred_largest_on_every_date(moment: Any) -> None:
    largest = {row["id"] for row in Api(coins=2_000, at=moment).markets(order="market_cap_desc")[:100]}
    assert DISAGREEMENTS.keys() <= largest


def test_the_planted_names_are_as_they_are_told(api: Api) -> None:
    names = {row["id"]: (row["symbol"].upper(), row["name"]) for row in api.markets()}
    listed = Counter((entry["symbol"], entry["name"]) for entry in coins(api) if entry["is_active"])
    assert all(listed[names[coin]] == 2 for coin in LISTED_TWICE)
    assert all(listed[names[coin]] == 0 for coin in NOT_LISTED | SPELT_OTHERWISE.keys() | SPELT_ALIKE.keys())
    assert all(listed[names[coin][0], name] == 1 for coin, name in {**SPELT_OTHERWISE, **SPELT_ALIKE}.items())


def test_it_asks_for_no_key_and_counts_toward_no_plan_of_coingecko() -> None:
    api = Api(plan="demo", coins=50, calls_per_minute=2)
    for _ in range(5):
        assert api.get_path("/v1/tickers").status_code == 200
    assert api.get("/ping").status_code == 200
    paid = Api(plan="analyst", coins=50)
    assert paid.get_path("/v1/coins").status_code == 200
    assert paid.get("/key", {"x-cg-pro-api-key": "CG-any"}).json()["current_total_monthly_calls"] == 0


def test_missing_values_are_empty_strings(api: Api) -> None:
    values = [value for entry in tickers(api).values() for value in entry["quotes"]["USD"].values()]
    assert "" in values


def test_a_ticker_has_the_whole_row_of_the_reference(api: Api) -> None:
    entry = tickers(api)["btc-bitcoin"]
    assert entry.keys() == {
        "id", "name", "symbol", "rank", "total_supply", "max_supply", "beta_value", "first_data_at", "last_updated",
        "quotes",
    }  # fmt: skip
    assert entry["quotes"]["USD"].keys() == {
        "price", "volume_24h", "volume_24h_change_24h", "market_cap", "market_cap_change_24h", "percent_change_15m",
        "percent_change_30m", "percent_change_1h", "percent_change_6h", "percent_change_12h", "percent_change_24h",
        "percent_change_7d", "percent_change_30d", "percent_change_1y", "ath_price", "ath_date",
        "percent_from_price_ath",
    }  # fmt: skip
    for other in tickers(api).values():
        assert other["quotes"]["USD"].keys() == entry["quotes"]["USD"].keys()
        assert isinstance(other["total_supply"], int)
    row = api.markets(ids="bitcoin", precision="full")[0]
    assert entry["quotes"]["USD"]["percent_change_24h"] == pytest.approx(row["price_change_percentage_24h"], abs=0.006)
    assert entry["total_supply"] == int(row["total_supply"])
    quote = tickers(Api(at=MIDNIGHT, coins=300))["btc-bitcoin"]["quotes"]["USD"]
    prices = [price for _, price in api.chart("bitcoin", days=30, interval="daily")["prices"][:-1]]
    assert quote["percent_change_7d"] == pytest.approx((prices[-1] / prices[-8] - 1) * 100, abs=0.006)


def test_the_contracts_are_those_of_the_same_coins(api: Api) -> None:
    listed = {entry["id"]: entry["platforms"] for entry in api.json("/coins/list", include_platform="true")}
    platforms = api.get_path("/v1/contracts").json()
    assert {"eth-ethereum", "sol-solana"} <= set(platforms)
    contracts = api.get_path("/v1/contracts/eth-ethereum").json()
    assert all(set(entry) == {"address", "id", "type", "active"} for entry in contracts)
    known = {address.lower() for each in listed.values() if (address := each.get("ethereum"))}
    active = [entry for entry in contracts if entry["active"]]
    assert {entry["address"].lower() for entry in active} <= known
    assert len(active) > 40
    assert {entry["id"] for entry in contracts if not entry["active"]} == {paprika_id for paprika_id, *_ in INACTIVE}
    assert any(entry["address"] != entry["address"].lower() for entry in active)
    coin = next(entry for entry in active if entry["address"].lower() == listed["usd-coin"]["ethereum"])
    assert coin["id"] == next(each["id"] for each in coins(api) if each["name"] == SPELT_OTHERWISE["usd-coin"])
    for platform in platforms:
        assert api.get_path(f"/v1/contracts/{platform}").status_code == 200
    assert api.get_path("/v1/contracts/no-such-chain").status_code == 404
