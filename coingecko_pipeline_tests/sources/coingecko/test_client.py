import gzip
import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from coingecko_pipeline.sources import AssetList, MarketPage
from coingecko_pipeline.sources.coingecko import ChartAnswer, CoinGecko
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE, latest_complete_date
from coingecko_pipeline.sources.coingecko.errors import (
    BadRequest,
    BrokenAnswer,
    KeyRejected,
    NotFound,
    RateLimited,
    SourceError,
)
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.sources.errors import RedirectRefused
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.recordings import recordings_dir
from coingecko_pipeline_tests.sources.test_market_page import ENTRY

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


@pytest.mark.parametrize("coin_id", [".", "..", "", "half a pair \ud800"])
def test_an_id_that_no_url_can_hold_is_refused_before_a_call(coin_id: str) -> None:
    server = FakeServer([])
    with pytest.raises(BadRequest, match="no path of a URL can hold that id"):
        client_of(server).market_chart(coin_id, 1)
    assert server.requests == []


def test_a_chart_is_given_as_received_with_what_was_asked_and_when() -> None:
    body = b'{"prices": [[0,1.50]],\n"market_caps":[],"total_volumes":[]}'
    clock = FakeClock()
    chart = client_of(FakeServer([Answer(body)]), clock).market_chart("bitcoin", 365)
    assert chart == ChartAnswer("bitcoin", 365, body, clock.now(), clock.now())


def test_a_charts_moments_are_taken_after_the_limiters_wait() -> None:
    clock = FakeClock(datetime(2026, 3, 8, 23, 59, 30, tzinfo=UTC))

    def answer(_request: requests.PreparedRequest) -> Answer:
        clock.sleep(2)
        return Answer(CHART)

    client = CoinGecko(
        replace(PLANS["keyless"], calls_per_minute=1), clock=clock, now=clock.now, adapter=FakeServer(answer)
    )
    client.market_chart("bitcoin", 1)
    chart = client.market_chart("ether", 1)
    assert chart.asked_at == datetime(2026, 3, 9, 0, 0, 31, tzinfo=UTC)
    assert chart.answered_at == datetime(2026, 3, 9, 0, 0, 33, tzinfo=UTC)


def test_the_last_complete_date_is_todays_from_ten_past_midnight_on() -> None:
    assert latest_complete_date(datetime(2026, 3, 9, 0, 9, 59, tzinfo=UTC)) == date(2026, 3, 8)
    assert latest_complete_date(datetime(2026, 3, 9, 0, 10, tzinfo=UTC)) == date(2026, 3, 9)


BROKEN_CHARTS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"prices": []}',
    b'{"prices": [], "total_volumes": [], "market_caps": null}',
    b'{"prices": {}, "total_volumes": [], "market_caps": []}',
    b'{"status": {"error_code": 429}}',
    b"<!DOCTYPE html>",
    b"[" * 100_000,
    b'{"prices": [[0, ' + b"9" * 5_000 + b']], "total_volumes": [], "market_caps": []}',
]


@pytest.mark.parametrize("body", BROKEN_CHARTS, ids=lambda body: str(body[:20]))
def test_a_broken_chart_is_asked_for_three_times_and_then_told_with_what_came(body: bytes) -> None:
    client = client_of(FakeServer(lambda _request: Answer(body)))
    with pytest.raises(BrokenAnswer) as caught:
        client.market_chart("bitcoin", 1)
    assert caught.value.body == body
    assert client.usage.credits == {"coins/market_chart": 3}


def test_a_broken_chart_that_comes_whole_the_third_time_is_whole() -> None:
    server = FakeServer([Answer(b"{"), Answer(b""), Answer(CHART)])
    assert client_of(server).market_chart("bitcoin", 1).body == Answer(CHART).body


@pytest.mark.parametrize("points", [[[0]], [[0, "x"]], [{}], [None, 1], [[0, 1e308 * 10]]])
def test_a_charts_points_are_not_looked_at(points: list[Any]) -> None:
    body = Answer({**CHART, "prices": points}).body
    assert client_of(FakeServer([Answer(body)])).market_chart("bitcoin", 1).body == body


def test_a_recorded_chart_is_given_byte_for_byte() -> None:
    body = gzip.decompress((recordings_dir() / "market_chart/2023-08-15/cardano.json.gz").read_bytes())
    assert client_of(FakeServer([Answer(body)])).market_chart("cardano", 365).body == body


def ids_of(pages: Iterable[MarketPage]) -> list[list[str]]:
    return [page.frame["asset_id"].tolist() for page in pages]


def full_pages(count: int) -> list[list[dict[str, Any]]]:
    return [[{"id": f"{page}-{row}"} for row in range(PAGE_SIZE)] for page in range(count)]


def test_market_pages_go_on_until_one_brings_nothing_new_whether_they_are_full_or_not() -> None:
    pages = [*full_pages(1), [{"id": "alone"}], *full_pages(3)[1:], [{"id": "last"}], []]
    server = FakeServer([Answer(page) for page in pages])
    assert ids_of(client_of(server).market_pages()) == [[row["id"] for row in page] for page in pages]
    assert [query["page"] for query in server.queries()] == ["1", "2", "3", "4", "5", "6"]
    assert {query["order"] for query in server.queries()} == {"id_asc"}


def test_the_largest_coins_take_only_the_pages_that_hold_them() -> None:
    server = FakeServer([Answer(page) for page in full_pages(2)])
    brought = ids_of(client_of(server).market_pages(largest=300))
    assert [len(page) for page in brought] == [250, 50]
    assert {query["order"] for query in server.queries()} == {"market_cap_desc"}


@pytest.mark.parametrize("largest", [None, 50_000])
def test_a_server_that_ignores_the_page_is_asked_twice(largest: int | None) -> None:
    (page,) = full_pages(1)
    server = FakeServer(lambda _request: Answer(page))
    list(client_of(server).market_pages(largest=largest, max_calls=200))
    assert len(server.requests) == 2


def test_no_more_pages_are_asked_for_than_is_said() -> None:
    server = FakeServer([Answer(page) for page in full_pages(3)])
    assert len(list(client_of(server).market_pages(max_calls=2))) == 2
    assert list(client_of(server).market_pages(max_calls=0)) == []
    assert len(server.requests) == 2


def test_a_pages_moments_are_its_own() -> None:
    clock = FakeClock()

    pages = iter([*full_pages(1), [{"id": "last"}]])

    def answer(_request: requests.PreparedRequest) -> Answer:
        clock.sleep(10)
        return Answer(next(pages))

    first, second = client_of(FakeServer(answer), clock).market_pages(max_calls=2)
    assert (first.answered_at - first.asked_at).total_seconds() == 10
    assert second.asked_at == first.answered_at


def test_an_entry_of_a_page_that_cannot_be_used_is_counted_and_the_walk_goes_on() -> None:
    (page,) = full_pages(1)
    page[7:10] = [{"id": None}, {"id": "x" * 192}, "coin"]  # type: ignore[list-item]
    page[20]["current_price"] = "12.5"
    page[21]["total_volume"] = -1
    page[22]["market_cap"] = True
    server = FakeServer([Answer(page), Answer([{"id": "last"}])])
    first, second = client_of(server).market_pages(max_calls=2)
    assert len(first.frame) == PAGE_SIZE - 3
    assert first.set_aside == {"id": 3, "current_price": 1, "total_volume": 1, "market_cap": 1}
    assert second.set_aside == {}


def test_a_page_that_is_no_list_is_broken() -> None:
    with pytest.raises(BrokenAnswer, match=r"200 to page 1 of the markets \(no\): that is an error"):
        list(client_of(FakeServer(lambda _request: Answer({"error": "no"}))).market_pages())


def test_the_recorded_pages_are_walked_to_the_end() -> None:
    names = [f"coins_markets/2025-02-14/page_{page:02}.json.gz" for page in range(1, 13)]
    bodies = [gzip.decompress((recordings_dir() / name).read_bytes()) for name in names]
    server = FakeServer([*(Answer(body) for body in bodies), Answer([])])
    pages = list(client_of(server).market_pages())
    assert sum(len(page.frame) for page in pages) == 3000
    assert sum((page.set_aside for page in pages), Counter()) == {}


def test_an_id_that_no_url_can_hold_is_left_out_of_the_chosen_coins() -> None:
    server = FakeServer([Answer([{"id": "bitcoin"}])])
    assert ids_of(client_of(server).markets_of(["bitcoin", "half a pair \ud800", ""])) == [["bitcoin"]]
    assert [query["ids"] for query in server.queries()] == ["bitcoin"]


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


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_is_told_with_its_length_and_counted_down(status: int) -> None:
    told: list[tuple[float, str]] = []
    server = FakeServer([Answer(b"", status, {"Retry-After": "142"}), Answer([])])
    client_of(server, on_wait=lambda seconds, reason: told.append((seconds, reason))).asset_list()
    assert told == [(seconds, f"CoinGecko answered {status}") for seconds in (142, 82, 22)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer({"status": {"error_code": 10002}}, 401), KeyRejected),
        (Answer({"error": "coin not found"}, 404), NotFound),
        (Answer({"error": "Missing parameter ids"}, 422), BadRequest),
        (Answer(b"", 301, {"Location": "https://elsewhere"}), RedirectRefused),
        (Answer({"status": {"error_code": 10002, "error_message": "API Key Missing"}}), KeyRejected),
        (Answer({"error": "coin not found"}), NotFound),
    ],
)
def test_what_cannot_succeed_is_tried_once(answer: Answer, kind: type[SourceError]) -> None:
    server = FakeServer([answer])
    with pytest.raises(kind):
        client_of(server).asset_list()


def test_every_answer_is_a_call_and_every_200_a_credit() -> None:
    server = FakeServer([Answer(b"", 500), Answer([]), Answer({"error": "coin not found"}, 404), Answer(CHART)])
    client = client_of(server)
    client.asset_list()
    with pytest.raises(NotFound):
        client.market_chart("gone", 1)
    client.market_chart("bitcoin", 1)
    assert dict(client.usage.calls) == {"coins/list": 2, "coins/market_chart": 2}
    assert dict(client.usage.credits) == {"coins/list": 1, "coins/market_chart": 1}


def test_calls_keep_to_the_plan() -> None:
    clock = FakeClock()
    plan = replace(PLANS["demo"], calls_per_minute=2)
    server = FakeServer(lambda _request: Answer([]))
    client = CoinGecko(plan, SecretStr(KEY), clock=clock, now=clock.now, adapter=server)
    for _ in range(5):
        client.asset_list()
    assert clock.monotonic() >= 120.0


def test_a_wait_of_ten_days_ends_the_call_at_once_and_holds_no_other_back() -> None:
    clock = FakeClock()
    client = client_of(FakeServer([Answer(b"", 429, {"Retry-After": "864000"}), Answer([])]), clock)
    with pytest.raises(RateLimited, match="It asks to wait 864,000 seconds"):
        client.asset_list()
    client.asset_list()
    assert clock.sleeps == []


def test_the_list_knows_when_it_was_asked_for_and_when_it_came() -> None:
    clock = FakeClock()
    listed = client_of(FakeServer([Answer([{"id": "bitcoin"}])]), clock).asset_list()
    assert listed == AssetList([{"id": "bitcoin"}], clock.now(), clock.now())


@pytest.mark.parametrize("used", [True, -1, "5", 1.5, None])
def test_what_is_no_number_of_credits_is_broken(used: Any) -> None:
    with pytest.raises(BrokenAnswer):
        client_of(FakeServer(lambda _request: Answer({"current_total_monthly_calls": used}))).credits_used()


@given(ENTRY | st.lists(ENTRY, max_size=3))
def test_any_json_of_an_answer_is_a_result_or_an_error_of_the_tree(document: Any) -> None:
    client = client_of(FakeServer(lambda _request: Answer(document)))
    for call in (
        lambda: list(client.market_pages()),
        lambda: list(client.markets_of(["bitcoin"])),
        lambda: client.market_chart("bitcoin", 1),
        client.credits_used,
        client.asset_list,
    ):
        with suppress(SourceError):
            call()
