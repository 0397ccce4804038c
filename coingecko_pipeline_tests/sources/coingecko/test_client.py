import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.errors import (
    BadRequest,
    BrokenAnswer,
    CoinGeckoError,
    ConnectionFailed,
    KeyRejected,
    NotFound,
    RateLimited,
    ServiceUnavailable,
)
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.sources.retrying import MAX_WAIT_SECONDS, TRIES
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer

KEY = "CG-very-secret-key"
CHART = {"prices": [[0, 1.5]], "market_caps": [[0, 2]], "total_volumes": [[0, None]]}


def client_of(server: FakeServer, clock: FakeClock | None = None, plan: str = "demo", **options: Any) -> CoinGecko:
    clock = clock or FakeClock()
    key = SecretStr(KEY) if PLANS[plan].key_header else None
    return CoinGecko(PLANS[plan], key, clock=clock, now=clock.now, adapter=server, **options)


def test_the_key_travels_in_the_plans_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = FakeServer([Answer(b"Throttled", 429, {"Retry-After": "1"}), Answer([{"id": "bitcoin"}])])
    client_of(server).asset_list()
    assert [request.headers["x-cg-demo-api-key"] for request in server.requests] == [KEY, KEY]
    assert all(KEY not in (request.url or "") for request in server.requests)
    assert KEY not in caplog.text


def test_the_keyless_plan_sends_no_key() -> None:
    server = FakeServer([Answer([])])
    client_of(server, plan="keyless").asset_list()
    assert not [name for name in server.requests[0].headers if name.startswith("x-cg")]


@pytest.mark.parametrize(
    ("coin_id", "path"),
    [
        ("bitcoin", "bitcoin"),
        ("1move token", "1move%20token"),
        ("dps-doubloon ", "dps-doubloon%20"),
        ("boringdao-[old]", "boringdao-%5Bold%5D"),
        ("a/b", "a%2Fb"),
        ("a?b", "a%3Fb"),
        ("100%", "100%25"),
        ("ünï", "%C3%BCn%C3%AF"),
        ("beluga.fi", "beluga.fi"),
    ],
)
def test_an_id_is_quoted_whatever_it_holds(coin_id: str, path: str) -> None:
    server = FakeServer([Answer(CHART)])
    client_of(server).market_chart(coin_id, 365)
    assert server.paths == [f"/api/v3/coins/{path}/market_chart"]


@pytest.mark.parametrize("coin_id", [".", ".."])
def test_an_id_that_no_url_can_hold_is_refused_before_a_call(coin_id: str) -> None:
    server = FakeServer([])
    with pytest.raises(BadRequest, match="a URL has no such path"):
        client_of(server).market_chart(coin_id, 1)
    assert server.requests == []


def test_a_chart_is_kept_as_received_with_the_dates_that_it_covers() -> None:
    body = b'{"prices": [[0,1.50]],\n"market_caps":[],"total_volumes":[]}'
    chart = client_of(FakeServer([Answer(body)])).market_chart("bitcoin", 365)
    assert chart.body == body
    assert (chart.covers_from, chart.covers_to) == (date(2025, 3, 10), date(2026, 3, 9))


def test_a_chart_fetched_before_ten_past_midnight_does_not_cover_its_own_day() -> None:
    clock = FakeClock(datetime(2026, 3, 9, 0, 9, 59, tzinfo=UTC))
    assert client_of(FakeServer([Answer(CHART)]), clock).market_chart("x", 1).covers_to == date(2026, 3, 8)
    clock = FakeClock(datetime(2026, 3, 9, 0, 10, tzinfo=UTC))
    assert client_of(FakeServer([Answer(CHART)]), clock).market_chart("x", 1).covers_to == date(2026, 3, 9)


def test_market_pages_go_on_until_one_is_not_full() -> None:
    pages = [[{"id": f"{page}-{row}"} for row in range(size)] for page, size in enumerate((250, 250, 3))]
    server = FakeServer([Answer(page) for page in pages])
    assert list(client_of(server).market_pages()) == pages
    assert [query["page"] for query in server.queries()] == ["1", "2", "3"]
    assert {query["order"] for query in server.queries()} == {"id_asc"}


def test_the_largest_coins_take_only_the_pages_that_hold_them() -> None:
    pages = [[{"id": f"{page}-{row}"} for row in range(250)] for page in range(2)]
    server = FakeServer([Answer(page) for page in pages])
    brought = list(client_of(server).market_pages(largest=300))
    assert [len(page) for page in brought] == [250, 50]
    assert {query["order"] for query in server.queries()} == {"market_cap_desc"}


def test_chosen_coins_are_asked_for_in_urls_that_a_server_takes() -> None:
    server = FakeServer(lambda _request: Answer([]))
    ids = [f"{number:03}-{'x' * 60}" for number in range(300)]
    list(client_of(server).markets_of(ids))
    assert [coin for query in server.queries() for coin in query["ids"].split(",")] == ids
    assert max(len(request.url or "") for request in server.requests) < 8000


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "42"}, 42.0),
        ({"x-ratelimit-reset": "2026-03-09 03:28:00 +0000"}, 30.0),
    ],
)
def test_a_429_waits_as_long_as_the_server_says(headers: dict[str, str], wait: float) -> None:
    clock = FakeClock()
    client = client_of(FakeServer([Answer(b"", 429, headers), Answer([])]), clock)
    client.asset_list()
    assert clock.monotonic() == wait
    assert client.survived == {"RateLimited": 1}


def test_a_wait_is_told_with_its_length() -> None:
    told: list[float] = []
    server = FakeServer([Answer(b"", 429, {"Retry-After": "42"}), Answer([])])
    client_of(server, on_wait=lambda seconds, _reason: told.append(seconds)).asset_list()
    assert told == [42.0]


FAULTS = [
    Answer(b"error code: 1015", 429),
    Answer({"status": 500, "error": "Internal Server Error"}, 500),
    Answer(b"<html>", 503),
    Answer(b'[{"id": "bit', 200),
    Answer(b"<!DOCTYPE html><html></html>", 200),
    Answer(b"", 200),
    Answer({"status": {"error_code": 429}}, 200),
    Answer([{"symbol": "btc"}], 200),
    Answer(error=requests.ConnectTimeout("https://host/?x=secret")),
    Answer(error=requests.ConnectionError("reset")),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda answer: f"{answer.status}-{answer.body[:12]!r}")
def test_what_may_pass_is_tried_again_with_growing_waits(fault: Answer) -> None:
    clock = FakeClock()
    server = FakeServer([fault, fault, fault, Answer([{"id": "bitcoin"}])])
    assert client_of(server, clock).asset_list() == [{"id": "bitcoin"}]
    assert len(clock.sleeps) == 3
    assert all(2**tries / 2 <= wait <= 2**tries for tries, wait in enumerate(clock.sleeps, start=1))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(b"Throttled", 429), RateLimited),
        (Answer(b"", 502), ServiceUnavailable),
        (Answer(b"{", 200), BrokenAnswer),
        (Answer(error=requests.ReadTimeout("")), ConnectionFailed),
    ],
)
def test_trying_again_ends(answer: Answer, kind: type[CoinGeckoError]) -> None:
    clock = FakeClock()
    server = FakeServer(lambda _request: answer)
    with pytest.raises(kind):
        client_of(server, clock).asset_list()
    assert len(server.requests) == TRIES
    assert clock.monotonic() <= MAX_WAIT_SECONDS


def test_a_wait_beyond_all_patience_is_left_to_the_next_run() -> None:
    clock = FakeClock()
    server = FakeServer([Answer(b"", 429, {"Retry-After": "3600"})])
    with pytest.raises(RateLimited):
        client_of(server, clock).asset_list()
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer({"status": {"error_code": 10002}}, 401), KeyRejected),
        (Answer({"error": "coin not found"}, 404), NotFound),
        (Answer({"error": "Missing parameter ids"}, 422), BadRequest),
        (Answer(b"", 301, {"Location": "https://elsewhere"}), BadRequest),
    ],
)
def test_what_cannot_succeed_is_tried_once(answer: Answer, kind: type[CoinGeckoError]) -> None:
    server = FakeServer([answer])
    with pytest.raises(kind):
        client_of(server).asset_list()


def test_an_error_of_the_network_tells_no_url() -> None:
    server = FakeServer(lambda _request: Answer(error=requests.ConnectionError("https://host/?key=secret")))
    with pytest.raises(ConnectionFailed) as caught:
        client_of(server).asset_list()
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("body", [[], {"prices": []}, {**CHART, "prices": [[1]]}, {**CHART, "market_caps": None}])
def test_a_chart_of_another_shape_is_an_error(body: Any) -> None:
    with pytest.raises(BrokenAnswer):
        client_of(FakeServer(lambda _request: Answer(body))).market_chart("bitcoin", 1)


def test_every_answer_is_a_call_and_every_200_a_credit() -> None:
    server = FakeServer([Answer(b"", 500), Answer([]), Answer({"error": "coin not found"}, 404), Answer(CHART)])
    client = client_of(server)
    client.asset_list()
    with pytest.raises(NotFound):
        client.market_chart("gone", 1)
    client.market_chart("bitcoin", 1)
    assert dict(client.usage.calls) == {"coins/list": 2, "coins/market_chart": 2}
    assert dict(client.usage.credits) == {"coins/list": 1, "coins/market_chart": 1}


def test_a_call_without_an_answer_is_not_counted() -> None:
    client = client_of(FakeServer([Answer(error=requests.ConnectionError("")), Answer([])]))
    client.asset_list()
    assert client.usage.calls["coins/list"] == 1


def test_calls_keep_to_the_plan() -> None:
    clock = FakeClock()
    plan = replace(PLANS["demo"], calls_per_minute=2)
    server = FakeServer(lambda _request: Answer([]))
    client = CoinGecko(plan, SecretStr(KEY), clock=clock, now=clock.now, adapter=server)
    for _ in range(5):
        client.asset_list()
    assert clock.monotonic() >= 120.0


def test_where_an_answer_comes_from_is_told_before_it_is_used() -> None:
    origins: list[str] = []
    server = FakeServer([Answer([]), Answer([], headers={"x-sandbox": "synthetic"})])
    client = client_of(server, on_origin=origins.append)
    client.asset_list()
    client.asset_list()
    assert origins == ["live", "sandbox"]
