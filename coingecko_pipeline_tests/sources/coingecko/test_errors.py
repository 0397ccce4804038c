import json

import pytest
from hypothesis import given

from coingecko_pipeline.sources.coingecko.errors import (
    AccessDenied,
    BadRequest,
    BrokenAnswer,
    HistoryLimit,
    KeyRejected,
    NotFound,
    NotInPlan,
    PermanentCall,
    RateLimited,
    RetriableCall,
    ServiceUnavailable,
    SourceError,
    error_of,
)
from coingecko_pipeline.sources.errors import FailedAnswer
from coingecko_pipeline_tests.recordings import recordings_dir
from coingecko_pipeline_tests.sources.test_errors import JSON

RECORDED = {
    "401_10002_ping_bad_demo_key_2024-01-09.json": (401, KeyRejected),
    "403_endpoint_unavailable_madjin_2023-03-30.json": (403, ServiceUnavailable),
    "422_missing_date_history_2021.json": (422, BadRequest),
    "422_missing_ids_simple_price_2021.json": (422, BadRequest),
    "422_missing_vs_currency_market_chart_2021.json": (422, BadRequest),
    "500_ohlc_2021.json": (500, ServiceUnavailable),
    "quoted_400_10011_demo_key_on_pro_host_2025-09-01.json": (400, KeyRejected),
    "quoted_401_10005_pro_only.json": (401, NotInPlan),
    "quoted_401_10012_range_limit_2024-04-20.json": (401, HistoryLimit),
    "quoted_403_cloudflare_html_head_2022-04.html": (403, AccessDenied),
    "quoted_404_coin_not_found.json": (404, NotFound),
    "quoted_404_old_2022-04.json": (404, NotFound),
    "quoted_429_cloudflare_1015_plain.txt": (429, RateLimited),
    "quoted_429_status_2022-09-29.json": (429, RateLimited),
    "quoted_429_throttled_plain.txt": (429, RateLimited),
}


def failed(status: int, body: bytes) -> FailedAnswer:
    return FailedAnswer("CoinGecko", "the market chart of 'bitcoin'", status, body)


@pytest.mark.parametrize(
    "body",
    [b"<html>404 Not Found</html>", b'{"error": "Incorrect path. Please check https://www.coingecko.com/api/"}', b""],
)
def test_a_404_that_is_of_no_coin_is_of_the_address(body: bytes) -> None:
    error = error_of(failed(404, body))
    assert type(error) is BadRequest
    assert "there is nothing at that address; check COINGECKO_BASE_URL, which ends with /api/v3" in str(error)


def test_every_recorded_error_body_is_known_here() -> None:
    assert {path.name for path in (recordings_dir() / "errors").iterdir()} == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_error_is_told_apart(name: str) -> None:
    status, kind = RECORDED[name]
    error = error_of(failed(status, (recordings_dir() / "errors" / name).read_bytes()))
    assert type(error) is kind
    assert str(error).startswith(f"CoinGecko answered {status} to the market chart of 'bitcoin'")
    assert "\n" not in str(error)


def test_the_tree_tells_what_may_be_tried_again() -> None:
    assert issubclass(RateLimited, RetriableCall)
    assert issubclass(ServiceUnavailable, RetriableCall)
    for kind in (KeyRejected, NotInPlan, HistoryLimit, AccessDenied, NotFound, BadRequest):
        assert issubclass(kind, PermanentCall)


def test_a_limit_that_another_status_hides_is_a_limit() -> None:
    assert type(error_of(failed(400, b'{"error": {"status": {"error_code": 429}}}'))) is RateLimited


@pytest.mark.parametrize("name", [name for name in RECORDED if name.endswith(".json")])
def test_a_recorded_error_with_status_200_is_no_answer_and_never_loses_its_words(name: str) -> None:
    status, kind = RECORDED[name]
    error = error_of(failed(200, (recordings_dir() / "errors" / name).read_bytes()))
    told_by_its_body = status not in (403, 422)
    assert type(error) is kind if told_by_its_body else isinstance(error, (BrokenAnswer, kind))
    assert str(error).startswith("CoinGecko answered 200 to the market chart of 'bitcoin' (")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b'{"status":{}}', b'{"error":null}', b"\xff\xfe", b"[" * 100_000]
)
def test_any_other_body_is_read_without_a_crash(body: bytes) -> None:
    assert isinstance(error_of(failed(503, body)), ServiceUnavailable)
    assert isinstance(error_of(failed(429, body)), RateLimited)


@given(JSON)
def test_any_json_of_a_failure_is_an_error_of_the_tree(document: object) -> None:
    for status in (200, 400, 401, 403, 404, 422, 429, 500):
        assert isinstance(error_of(failed(status, json.dumps(document).encode())), SourceError)
