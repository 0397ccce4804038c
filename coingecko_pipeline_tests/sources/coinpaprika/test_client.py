"""CoinPaprika's client on bodies as its API reference 1.7.10 describes them."""

from contextlib import suppress
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.sources import AssetList, Opening
from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline.sources.coinpaprika.errors import PlanExceeded
from coingecko_pipeline.sources.coinpaprika.responses import MARKET_FIELDS
from coingecko_pipeline.sources.coinpaprika.responses import QUOTE as QUOTE_PATH
from coingecko_pipeline.sources.errors import AccessDenied, BadRequest, BrokenAnswer, RedirectRefused, SourceError
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.sources.test_market_page import ENTRY, JSON

COINS = [
    {
        "id": "btc-bitcoin",
        "name": "Bitcoin",
        "symbol": "BTC",
        "rank": 1,
        "is_new": False,
        "is_active": True,
        "type": "coin",
    },
    {"id": "old-coin", "name": "Old", "symbol": "OLD", "rank": 0, "is_new": False, "is_active": False, "type": "token"},
    {"id": "odd-coin", "name": "", "symbol": "", "rank": 0, "is_new": True, "is_active": True, "type": "token"},
]


QUOTE = {"price": 107077.69661924685, "volume_24h": 23175936198.9, "market_cap": 2129051326372}


def ticker(coin_id: str, **quote: Any) -> dict[str, Any]:
    return {
        "id": coin_id,
        "name": "Bitcoin",
        "symbol": "BTC",
        "rank": 1,
        "total_supply": 19883231,
        "max_supply": 21000000,
        "beta_value": 0.879448,
        "first_data_at": "2010-07-17T00:00:00Z",
        "last_updated": "2025-06-25T10:47:48Z",
        "quotes": {"USD": {**QUOTE, **quote}},
    }


def client_of(server: FakeServer, clock: FakeClock | None = None) -> CoinPaprika:
    clock = clock or FakeClock()
    return CoinPaprika(Opening(now=clock.now, sleep=clock.sleep, adapter=server))


def test_the_list_is_the_active_coins() -> None:
    server, clock = FakeServer([Answer(COINS)]), FakeClock()
    entries: list[dict[str, Any]] = [
        {"id": "btc-bitcoin", "symbol": "BTC", "name": "Bitcoin"},
        {"id": "odd-coin", "symbol": None, "name": None},
    ]
    assert client_of(server, clock).asset_list() == AssetList(entries, clock.now(), clock.now())
    assert [request.url for request in server.requests] == ["https://api.coinpaprika.com/v1/coins"]


def test_the_market_is_one_call_and_one_page() -> None:
    server, clock = FakeServer([Answer([ticker("btc-bitcoin"), ticker("eth-ethereum", price=1)])]), FakeClock()
    (page,) = client_of(server, clock).market_pages()
    frame = page.frame
    assert (page.asked_at, page.answered_at, page.set_aside) == (clock.now(), clock.now(), {})
    assert list(frame["asset_id"]) == ["btc-bitcoin", "eth-ethereum"]
    assert list(frame["price_usd"]) == [107077.69661924685, 1.0]
    assert (frame["volume_24h_usd"][0], frame["market_cap_usd"][0]) == (23175936198.9, 2129051326372.0)
    assert frame["observed_at"][0] == pd.Timestamp("2025-06-25T10:47:48Z")
    assert server.paths == ["/v1/tickers"]


@pytest.mark.parametrize("missing", ["", None])
def test_a_missing_value_is_not_a_number_however_it_is_written(missing: str | None) -> None:
    body = {**ticker("a", price=missing, volume_24h=missing, market_cap=missing), "last_updated": missing}
    (page,) = client_of(FakeServer([Answer([body])])).market_pages()
    assert page.frame.iloc[0, 1:].isna().all()
    assert page.set_aside == {}


@pytest.mark.parametrize("value", [True, "12.5", "N/A", {}, -1])
def test_a_value_that_is_no_number_is_null_and_counted(value: Any) -> None:
    (page,) = client_of(FakeServer([Answer([ticker("a", price=value), ticker("b")])])).market_pages()
    assert page.frame["price_usd"].isna().tolist() == [True, False]
    assert page.set_aside == {"quotes.USD.price": 1}


def test_an_entry_without_an_id_or_a_quote_costs_the_others_nothing() -> None:
    without_quote = {**ticker("b"), "quotes": {"BTC": {}}}
    (page,) = client_of(FakeServer([Answer([ticker("a"), {"id": ""}, without_quote])])).market_pages()
    assert page.frame["price_usd"].tolist()[0] == 107077.69661924685
    assert page.frame.iloc[1, 1:4].isna().all()
    assert page.set_aside == {
        "id": 1,
        **{field.path: 1 for field in MARKET_FIELDS.values() if field.path.startswith(QUOTE_PATH)},
    }


@pytest.mark.parametrize(
    "body", [{"error": "no list"}, [], [{"id": ""}], ["btc"], [{"id": "a"}], [{"id": "a", "quotes": {"BTC": {}}}]]
)
def test_tickers_without_a_coin_in_dollars_are_broken(body: Any) -> None:
    client = client_of(FakeServer([Answer(body), Answer([ticker("btc-bitcoin")])]))
    (page,) = client.market_pages()
    assert len(page.frame) == 1
    assert client.survived == {"BrokenAnswer": 1}


def test_a_list_that_does_not_say_who_is_active_is_broken() -> None:
    server = FakeServer([Answer([{"id": "a"}]), Answer(COINS)])
    client = client_of(server)
    assert len(client.asset_list().entries) == 2
    assert client.survived == {"BrokenAnswer": 1}


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer({"error": "payment required"}, 402),
            PlanExceeded,
            "402 to the list of coins (payment required): the",
        ),
        (Answer(b"<html>", 403), AccessDenied, "403 to the list of coins (an HTML page): this address or key is"),
        (Answer({"error": "id not found"}, 404), BadRequest, "check COINPAPRIKA_BASE_URL"),
        (
            Answer(b"", 301, {"Location": "https://elsewhere"}),
            RedirectRefused,
            "301 to the list of coins: it",
        ),
    ],
)
def test_what_cannot_succeed_is_tried_once(answer: Answer, kind: type[SourceError], words: str) -> None:
    server = FakeServer([answer])
    with pytest.raises(kind) as caught:
        client_of(server).asset_list()
    assert words in str(caught.value)


def test_every_answer_is_a_call_and_every_200_a_credit() -> None:
    server = FakeServer([Answer(b"", 500), Answer(COINS), Answer([ticker("a")])])
    client = client_of(server)
    client.asset_list()
    list(client.market_pages())
    assert dict(client.usage.calls) == {"coins": 2, "tickers": 1}
    assert dict(client.usage.credits) == {"coins": 1, "tickers": 1}
    assert client.plan.name == "coinpaprika"


@given(ENTRY | st.lists(ENTRY | st.fixed_dictionaries({"id": st.just("a"), "quotes": JSON}), max_size=3))
def test_any_json_of_an_answer_is_a_result_or_an_error_of_the_tree(document: Any) -> None:
    client = client_of(FakeServer(lambda _request: Answer(document)))
    with suppress(SourceError):
        list(client.market_pages())
    with suppress(SourceError):
        client.asset_list()


def test_what_stays_broken_is_told_with_what_came() -> None:
    with pytest.raises(BrokenAnswer) as caught:
        list(client_of(FakeServer(lambda _request: Answer([]))).market_pages())
    assert caught.value.body == b"[]"


def test_the_chains_are_one_call_and_so_are_the_contracts_of_each() -> None:
    omg = {"address": "0xd26114cd6ee289accf82350c8d8487fedb8a0c07", "id": "omg-omg", "type": "ERC20", "active": True}
    answers = [
        Answer(["eth-ethereum", "a/b", 7, "", "eth-ethereum"]),
        Answer([omg, {**omg, "active": False}]),
        Answer([]),
    ]
    server, clock = FakeServer(answers), FakeClock()
    client = client_of(server, clock)
    assert client.platforms() == ["eth-ethereum", "a/b"]
    assert client.contracts("eth-ethereum") == ([omg], clock.now())
    assert client.contracts("a/b") == ([], clock.now())
    assert server.paths == ["/v1/contracts", "/v1/contracts/eth-ethereum", "/v1/contracts/a%2Fb"]
    assert client.usage.calls == {"contracts": 1, "contracts/{platform}": 2}


@pytest.mark.parametrize("body", [{}, [], [7], "text", None])
def test_chains_without_an_id_are_no_answer(body: Any) -> None:
    server = FakeServer(lambda _request: Answer(body))
    with pytest.raises(BrokenAnswer, match="without the id of a chain"):
        client_of(server).platforms()


@pytest.mark.parametrize("body", [{}, [7], [{"id": "a"}], [{"address": "0x1"}], "text", None])
def test_contracts_without_an_address_and_an_id_are_no_answer_and_asked_for_twice(body: Any) -> None:
    server = FakeServer(lambda _request: Answer(body))
    with pytest.raises(BrokenAnswer, match="CoinPaprika answered a chain's contracts"):
        client_of(server).contracts("eth-ethereum")
    assert len(server.paths) == 2


def test_contracts_that_are_no_json_are_no_answer() -> None:
    server = FakeServer(lambda _request: Answer(b"<html>"))
    with pytest.raises(BrokenAnswer, match="a body that is no JSON"):
        client_of(server).contracts("eth-ethereum")
