"""Injected faults: every kind, its share, and that it repeats itself."""

import json
import re
from datetime import timedelta

import pytest
import requests

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sandbox.faults import BODIES, HEADERS, KINDS

from .asking import NOON, Answer, Api, HandClock


def failing(kind: str, path: str = "/coins/list") -> Answer:
    return Api(faults={kind: 1.0}).get(path)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("body", BODIES)
def test_a_429_has_the_header_and_the_body_of_its_kind(header: str, body: str) -> None:
    answer = failing(f"429-{header}-{body}")
    assert answer.status_code == 429
    assert ("retry-after" in answer.headers) is (header == "retry-after")
    assert ("x-ratelimit-reset" in answer.headers) is (header == "reset")
    if header == "reset":
        assert answer.headers["x-ratelimit-reset"] == f"{NOON + timedelta(minutes=1):%Y-%m-%d %H:%M:%S} +0000"
    match body:
        case "json":
            assert answer.json()["status"]["error_code"] == 429
        case "text":
            assert answer.text == "Throttled"
        case "empty":
            assert answer.content == b""
        case "html":
            assert answer.text.startswith("<!DOCTYPE html>")
            assert answer.headers["content-type"].startswith("text/html")


def test_a_429_without_further_words_takes_every_header_and_body() -> None:
    api = Api(faults={"429": 1.0})
    answers = [api.get("/ping") for _ in range(24)]
    seen = {("retry-after" in a.headers, "x-ratelimit-reset" in a.headers, a.content) for a in answers}
    assert len(seen) == 12
    assert len({a.content for a in [failing_again(Api(faults={"429-bare": 1.0}), n) for n in range(4)]}) == 4


def failing_again(api: Api, times: int) -> Answer:
    for _ in range(times):
        api.get("/ping")
    return api.get("/ping")


def test_server_errors_have_their_bodies() -> None:
    assert failing("500").json() == {"status": 500, "error": "Internal Server Error"}
    assert failing("500").status_code == 500
    assert (failing("503").status_code, failing("503").text) == (503, "Service Unavailable")


def test_bodies_with_status_200_can_be_cut_empty_or_a_page() -> None:
    cut = failing("cut-json")
    assert cut.status_code == 200
    assert int(cut.headers["content-length"]) == len(cut.content) > 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.content)
    page, empty = failing("html-200"), failing("empty-200")
    assert (page.status_code, page.text[:9]) == (200, "<!DOCTYPE")
    assert (empty.status_code, empty.content) == (200, b"")


def test_a_time_out_hangs_until_the_client_goes_away_and_the_server_still_stops() -> None:
    with RunningSandbox(SandboxOptions(coins=5, faults={"timeout": 1.0}, clock=HandClock(NOON))) as sandbox:
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{sandbox.url}/ping", timeout=0.2)
        assert [call.status for call in sandbox.calls] == [None]


def test_faults_hit_their_share_of_calls_and_the_same_ones_again() -> None:
    shares = {"500": 0.2, "503": 0.1}
    first, again = Api(faults=shares, coins=1), Api(faults=shares, coins=1)
    statuses = [first.get("/ping").status_code for _ in range(500)]
    assert statuses == [again.get("/ping").status_code for _ in range(500)]
    assert statuses != [Api(faults=shares, coins=1, seed=5).get("/ping").status_code for _ in range(500)]
    assert statuses.count(500) in range(75, 126)
    assert statuses.count(503) in range(30, 71)


def test_every_answer_says_that_it_comes_from_the_sandbox() -> None:
    for kind in KINDS:
        if kind != "timeout":
            assert failing(kind, "/ping").headers["x-sandbox"] == "synthetic"
    assert Api().get("/nothing").headers["x-sandbox"] == "synthetic"
    assert Api().get("/ping", headers={"x-cg-pro-api-key": "x"}).headers["x-sandbox"] == "synthetic"


def test_error_times_are_the_sandboxs_own() -> None:
    body = Api().get("/coins/bitcoin/market_chart", vs_currency="usd", days="max").json()
    assert re.fullmatch(r"2026-03-01T12:00:00\.000\+00:00", body["error"]["status"]["timestamp"])
