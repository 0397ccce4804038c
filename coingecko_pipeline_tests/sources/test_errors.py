"""The errors of every source, and the sentences that they are told in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.sources.errors import (
    MESSAGE_LENGTH,
    AccessDenied,
    BadRequest,
    FailedAnswer,
    PermanentCall,
    RateLimited,
    RetriableCall,
    ServiceUnavailable,
    SourceError,
    error_of,
)
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS


def failed(status: int, body: bytes = b"", wait_seconds: float | None = None) -> FailedAnswer:
    return FailedAnswer("ExampleCoin", "the prices", status, body, wait_seconds)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, RateLimited),
        (500, ServiceUnavailable),
        (503, ServiceUnavailable),
        (403, AccessDenied),
        (301, BadRequest),
        (404, BadRequest),
        (422, BadRequest),
    ],
)
def test_the_status_tells_what_may_be_tried_again(status: int, kind: type[SourceError]) -> None:
    error = error_of(failed(status, b'{"error": "no luck"}'))
    assert type(error) is kind
    assert isinstance(error, RetriableCall if status == 429 or status >= 500 else PermanentCall)
    assert str(error).startswith(f"ExampleCoin answered {status} to the prices (no luck): ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": "id not found"}', "id not found"),
        (b'{"message": "slow down"}', "slow down"),
        (b'{"status": {"error_code": 429, "error_message": "slow\\ndown"}}', "slow down"),
        (b'{"status": 500, "error": "Internal Server Error"}', "Internal Server Error"),
        (b"Throttled\n", "Throttled"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"x" * 5000, "x" * MESSAGE_LENGTH),
        (b'{"error": "half a pair \\ud800"}', "half a pair ?"),
        (b"\xff\xfe", "�" * 2),
        (b'{"error": [1]}', ""),
        (b"[" * 100_000, ""),
        (b"9" * 5000, "9" * MESSAGE_LENGTH),
        (b"", ""),
    ],
)
def test_the_servers_words_are_told_in_one_short_line(body: bytes, message: str) -> None:
    assert failed(503, body).message == message


def test_a_wait_that_cannot_be_meant_is_told_with_what_to_do() -> None:
    told = str(error_of(failed(429, wait_seconds=864_000.0)))
    assert "It asks to wait 864,000 seconds, and at most 900 are waited: try again later" in told
    assert "asks to wait" not in str(error_of(failed(429, wait_seconds=LONGEST_WAIT_SECONDS)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "status", "message", "error_code", "error_message"]), inner, max_size=4
        )
    ),
)


@given(st.integers(min_value=100, max_value=599), st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_without_a_crash_and_the_sentence_can_be_stored(status: int, body: bytes) -> None:
    told = str(error_of(failed(status, body)))
    assert told.encode()
    assert "\n" not in told
