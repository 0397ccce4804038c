"""What a server asks to wait, read from headers that may say anything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from coingecko_pipeline.sources.waiting import MOST_SECONDS_READ, wait_asked_for

NOW = datetime(2026, 3, 9, 3, 27, 30, tzinfo=UTC)
RESET = "2026-03-09 03:28:00 +0000"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "60"}, 60.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"retry-after": "7", "x-ratelimit-reset": RESET}, 7.0),
        ({"x-ratelimit-reset": RESET}, 30.0),
        ({"x-ratelimit-reset": "2026-03-09 03:27:00 +0000"}, 0.0),
        ({"Retry-After": "Mon, 09 Mar 2026 03:28:30 GMT"}, 60.0),
        ({"Date": "Mon, 09 Mar 2026 03:27:55 GMT", "x-ratelimit-reset": RESET}, 5.0),
        ({"x-ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_what_the_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked_for(CaseInsensitiveDict(headers), NOW) == seconds


@pytest.mark.parametrize("text", ["9" * 30, "9" * 400, "9" * 5000, "1" + "0" * 309 + ".5"])
def test_a_huge_number_is_a_long_wait_and_no_error(text: str) -> None:
    assert wait_asked_for({"Retry-After": text}, NOW) == MOST_SECONDS_READ


@pytest.mark.parametrize(
    "text", ["²", "٣", "-5", "1e9", "inf", "nan", "soon", "12 seconds", "Mon, 09 Mar 2026 03:28:30 +99999999999999"]
)
def test_what_is_neither_a_number_nor_a_date_is_ignored(text: str) -> None:
    assert wait_asked_for({"Retry-After": text}, NOW) is None
    assert wait_asked_for({"Retry-After": text, "x-ratelimit-reset": RESET}, NOW) == 30.0


HEADER = st.text(max_size=40) | st.from_regex(r"\d{1,400}", fullmatch=True) | st.datetimes().map(str)


@given(st.dictionaries(st.sampled_from(["Retry-After", "x-ratelimit-reset", "Date"]), HEADER))
def test_no_header_raises_and_no_wait_is_endless(headers: dict[str, str]) -> None:
    seconds = wait_asked_for(headers, NOW)
    assert seconds is None or 0 <= seconds <= MOST_SECONDS_READ
