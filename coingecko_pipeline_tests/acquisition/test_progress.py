import logging

import pytest

from coingecko_pipeline.acquisition.progress import INTERVAL_SECONDS, LogProgress
from coingecko_pipeline_tests.fakes import FakeClock


def test_progress_is_told_at_most_once_in_an_interval_with_rate_and_time_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    progress = LogProgress(logging.getLogger("test"), clock.monotonic)
    progress.begin("Charts", 100, "calls")
    for _ in range(40):
        clock.sleep(INTERVAL_SECONDS / 20)
        progress.advance(1, 365)
    progress.end()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "Charts: 100 calls to go.",
        "Charts: 20 of 100 calls, 7300 rows, 80 a minute, about 60 s left.",
        "Charts: 40 of 100 calls, 14600 rows, 80 a minute, about 45 s left.",
        "Charts: 40 of 100 calls, 14600 rows done.",
    ]


def test_a_pause_is_told_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LogProgress(logging.getLogger("test")).pause(30, "CoinGecko answered 429")
    assert caplog.messages == ["Pausing for 30 s: CoinGecko answered 429."]


def test_a_rate_is_never_told_above_what_a_minute_can_have(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    progress = LogProgress(logging.getLogger("test"), clock.monotonic)
    progress.begin("The market", 75, "calls", 5)
    clock.sleep(INTERVAL_SECONDS)
    progress.advance(5, 1250)
    assert caplog.messages == [
        "The market: 75 calls to go, at most 5 a minute.",
        "The market: 5 of 75 calls, 1250 rows, 5 a minute, about 840 s left.",
    ]


def test_more_than_was_expected_is_never_more_than_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    progress = LogProgress(logging.getLogger("test"))
    progress.begin("The market", 1, "calls")
    progress.advance(2)
    progress.end()
    assert caplog.messages[-1] == "The market: 2 of 2 calls done."


def test_a_long_time_without_a_unit_done_is_told_nothing_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    progress = LogProgress(logging.getLogger("test"), clock.monotonic)
    progress.begin("Charts", 100, "coins")
    clock.sleep(10 * INTERVAL_SECONDS)
    progress.advance(0)
    assert caplog.messages == ["Charts: 100 coins to go."]
