from datetime import UTC, datetime

import pytest
from requests.structures import CaseInsensitiveDict

from coingecko_pipeline.sources.coingecko.errors import (
    AccessDenied,
    BadRequest,
    HistoryLimit,
    KeyRejected,
    NotFound,
    NotInPlan,
    PermanentError,
    RateLimited,
    RetriableError,
    ServiceUnavailable,
    error_of,
)
from coingecko_pipeline.sources.errors import wait_asked_for
from coingecko_pipeline_tests.recordings import recordings_dir

NOW = datetime(2026, 3, 9, 3, 27, 30, tzinfo=UTC)

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


def test_every_recorded_error_body_is_known_here() -> None:
    assert {path.name for path in (recordings_dir() / "errors").iterdir()} == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_error_is_told_apart(name: str) -> None:
    status, kind = RECORDED[name]
    body = (recordings_dir() / "errors" / name).read_bytes()
    error = error_of("the market chart of 'bitcoin'", status, {}, body, NOW)
    assert type(error) is kind
    assert str(error).startswith(f"CoinGecko answered {status} to the market chart of 'bitcoin'")
    assert "\n" not in str(error)


def test_the_tree_tells_what_may_be_tried_again() -> None:
    assert issubclass(RateLimited, RetriableError)
    assert issubclass(ServiceUnavailable, RetriableError)
    for kind in (KeyRejected, NotInPlan, HistoryLimit, AccessDenied, NotFound, BadRequest):
        assert issubclass(kind, PermanentError)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b'{"status":{}}', b'{"error":null}', b"\xff\xfe", b'{"error":[1]}']
)
def test_any_other_body_is_read_without_a_crash(body: bytes) -> None:
    assert isinstance(error_of("the list", 503, {}, body, NOW), ServiceUnavailable)
    assert isinstance(error_of("the list", 429, {}, body, NOW), RateLimited)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "60"}, 60.0),
        ({"retry-after": "7", "x-ratelimit-reset": "2026-03-09 03:29:00 +0000"}, 7.0),
        ({"x-ratelimit-reset": "2026-03-09 03:28:00 +0000"}, 30.0),
        ({"x-ratelimit-reset": "2026-03-09 03:27:00 +0000"}, 0.0),
        ({"Retry-After": "Mon, 09 Mar 2026 03:28:30 GMT"}, 60.0),
        ({"Date": "Mon, 09 Mar 2026 03:27:55 GMT", "x-ratelimit-reset": "2026-03-09 03:28:00 +0000"}, 5.0),
        ({"x-ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_what_the_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked_for(CaseInsensitiveDict(headers), NOW) == seconds
