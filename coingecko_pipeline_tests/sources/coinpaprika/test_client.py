"""CoinPaprika's client on bodies as its API reference 1.7.10 describes them."""

import math
from typing import Any

import pandas as pd
import pytest
import requests

from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline.sources.coinpaprika.client import TIMEOUT_SECONDS
from coingecko_pipeline.sources.coinpaprika.errors import (
    BrokenAnswer,
    CallRefused,
    CoinPaprikaError,
    ConnectionFailed,
    PlanExceeded,
    RateLimited,
    ServiceUnavailable,
)
from coingecko_pipeline.sources.retrying import TRIES
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer

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


def client_of(server: FakeServer, clock: FakeClock | None = None, **options: Any) -> CoinPaprika:
    clock = clock or FakeClock()
    return CoinPaprika(now=clock.now, sleep=clock.sleep, adapter=server, **options)


def test_the_list_is_the_active_coins() -> None:
    server = FakeServer([Answer(COINS)])
    assert client_of(server).asset_list() == [
        {"id": "btc-bitcoin", "symbol": "BTC", "name": "Bitcoin"},
        {"id": "odd-coin", "symbol": None, "name": None},
    ]
    assert [request.url for request in server.requests] == ["https://api.coinpaprika.com/v1/coins"]


def test_the_market_is_one_call_and_one_frame() -> None:
    server = FakeServer([Answer([ticker("btc-bitcoin"), ticker("eth-ethereum", price=1)])])
    (frame,) = client_of(server).market_pages()
    assert list(frame["asset_id"]) == ["btc-bitcoin", "eth-ethereum"]
    assert list(frame["price_usd"]) == [107077.69661924685, 1.0]
    assert (frame["volume_24h_usd"][0], frame["market_cap_usd"][0]) == (23175936198.9, 2129051326372.0)
    assert frame["observed_at"][0] == pd.Timestamp("2025-06-25T10:47:48Z")
    assert server.paths == ["/v1/tickers"]


@pytest.mark.parametrize("missing", ["", None])
def test_a_missing_value_is_not_a_number_however_it_is_written(missing: str | None) -> None:
    body = {**ticker("a", price=missing, volume_24h=missing, market_cap=missing), "last_updated": missing}
    (frame,) = client_of(FakeServer([Answer([body])])).market_pages()
    assert all(math.isnan(frame[name][0]) for name in ("price_usd", "volume_24h_usd", "market_cap_usd"))
    assert pd.isna(frame["observed_at"][0])


FAULTS = [
    (Answer({"error": "too many requests"}, 429), RateLimited),
    (Answer({"error": "internal"}, 500), ServiceUnavailable),
    (Answer(b"<html>", 502), ServiceUnavailable),
    (Answer(b'[{"id": "btc', 200), BrokenAnswer),
    (Answer({"error": "no list"}, 200), BrokenAnswer),
    (Answer([], 200), BrokenAnswer),
    (Answer([{"id": ""}], 200), BrokenAnswer),
    (Answer([{"id": "a", "quotes": {"BTC": {}}}], 200), BrokenAnswer),
    (Answer([ticker("a", price="dear")], 200), BrokenAnswer),
    (Answer([ticker("a", price=True)], 200), BrokenAnswer),
    (Answer(error=requests.ConnectTimeout("https://host/?x=secret")), ConnectionFailed),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
def test_what_may_pass_is_tried_again_and_ends(fault: Answer, kind: type[CoinPaprikaError]) -> None:
    clock = FakeClock()
    client = client_of(FakeServer([fault, fault, Answer([ticker("btc-bitcoin")])]), clock)
    (frame,) = client.market_pages()
    assert len(frame) == 1
    assert len(clock.sleeps) == 2
    assert client.survived == {kind.__name__: 2}
    server = FakeServer(lambda _request: fault)
    with pytest.raises(kind) as caught:
        list(client_of(server).market_pages())
    assert len(server.requests) == TRIES
    assert "secret" not in str(caught.value)


def test_a_list_that_does_not_say_who_is_active_is_broken() -> None:
    server = FakeServer([Answer([{"id": "a"}]), Answer(COINS)])
    client = client_of(server)
    assert len(client.asset_list()) == 2
    assert client.survived == {"BrokenAnswer": 1}


def test_a_429_waits_as_long_as_the_server_says() -> None:
    clock = FakeClock()
    client_of(FakeServer([Answer(b"", 429, {"Retry-After": "42"}), Answer(COINS)]), clock).asset_list()
    assert clock.sleeps == [42.0]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer({"error": "payment required"}, 402),
            PlanExceeded,
            "402 to the list of coins (payment required): the",
        ),
        (Answer(b"<html>", 403), CallRefused, "403 to the list of coins (an HTML page): this address is blocked"),
        (Answer({"error": "id not found"}, 404), CallRefused, "check COINPAPRIKA_BASE_URL"),
        (Answer(b"", 301, {"Location": "https://elsewhere"}), CallRefused, "301 to the list of coins: the call was"),
    ],
)
def test_what_cannot_succeed_is_tried_once(answer: Answer, kind: type[CoinPaprikaError], words: str) -> None:
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


def test_where_an_answer_comes_from_is_told_before_it_is_used() -> None:
    origins: list[str] = []
    server = FakeServer([Answer(COINS), Answer(COINS, headers={"x-sandbox": "synthetic"})])
    client = client_of(server, on_origin=origins.append)
    client.asset_list()
    client.asset_list()
    client.close()
    assert origins == ["live", "sandbox"]


def test_a_call_has_time_limits_and_follows_no_redirect() -> None:
    told: dict[str, Any] = {}

    class Watching(FakeServer):
        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            told.update(options)
            return super().send(request, *args, **options)

    client_of(Watching([Answer(COINS)])).asset_list()
    assert told["timeout"] == TIMEOUT_SECONDS
