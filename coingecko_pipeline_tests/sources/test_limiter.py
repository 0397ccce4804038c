import threading

import pytest

from coingecko_pipeline.sources.limiter import (
    LEARN_AFTER,
    TOLD_FROM_SECONDS,
    WINDOW_SECONDS,
    ProcessWindow,
    RateLimiter,
)
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS
from coingecko_pipeline_tests.fakes import FakeClock


def call_times(limiter: RateLimiter, clock: FakeClock, calls: int) -> list[float]:
    times = []
    for _ in range(calls):
        limiter.acquire()
        times.append(clock.monotonic())
    return times


@pytest.mark.parametrize("calls_per_minute", [1, 5, 100, 500])
def test_no_60_seconds_ever_hold_more_calls_than_the_plan_allows(calls_per_minute: int) -> None:
    clock = FakeClock()
    times = call_times(RateLimiter("ExampleCoin", calls_per_minute, clock), clock, 3 * calls_per_minute + 1)
    for earlier, later in zip(times, times[calls_per_minute:], strict=False):
        assert later - earlier >= 60.0


def test_calls_below_the_limit_never_wait() -> None:
    clock = FakeClock()
    call_times(RateLimiter("ExampleCoin", 100, clock), clock, 100)
    assert clock.sleeps == []


def test_the_window_slides_so_a_slot_is_free_a_minute_after_its_call() -> None:
    clock = FakeClock()
    limiter = RateLimiter("ExampleCoin", 2, clock)
    limiter.acquire()
    clock.sleep(40)
    limiter.acquire()
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(61.0, abs=0.01)


def test_a_pause_holds_every_call_back_and_is_told_once() -> None:
    clock = FakeClock()
    told: list[tuple[float, str]] = []
    limiter = RateLimiter("ExampleCoin", 100, clock, lambda seconds, reason: told.append((seconds, reason)))
    limiter.refused(30)
    limiter.refused(10)
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(30.0)
    assert told == [(30, "ExampleCoin answered 429")]


def test_a_long_pause_is_counted_down_once_a_minute() -> None:
    clock = FakeClock()
    told: list[tuple[float, str]] = []
    limiter = RateLimiter("ExampleCoin", 100, clock, lambda seconds, reason: told.append((seconds, reason)))
    limiter.refused(200)
    limiter.acquire()
    assert told == [(seconds, "ExampleCoin answered 429") for seconds in (200, 140, 80, 20)]
    clock.sleep(1)
    limiter.sleep(120)
    assert len(told) == 4, "a pause that is over is told no more"


def test_a_wait_for_the_plans_own_rate_is_told_where_it_is_long_enough_to_be_seen() -> None:
    clock = FakeClock()
    told: list[tuple[float, str]] = []
    limiter = RateLimiter("ExampleCoin", 5, clock, lambda seconds, reason: told.append((seconds, reason)))
    call_times(limiter, clock, 6)
    assert told == [(WINDOW_SECONDS, "the 5 calls a minute of this plan are made")]
    clock.sleep(TOLD_FROM_SECONDS)
    call_times(limiter, clock, 4)
    clock.sleep(WINDOW_SECONDS - TOLD_FROM_SECONDS)
    call_times(limiter, clock, 1)
    assert len(told) == 1, "a second is not told"


def test_a_window_is_never_paused_for_longer_than_the_bound() -> None:
    clock = FakeClock()
    window = ProcessWindow(clock)
    for seconds in (864_000.0, 1e300, float("inf")):
        window.pause(seconds)
    assert window.paused_for() == LONGEST_WAIT_SECONDS
    assert window.take(1, 1) == (0, LONGEST_WAIT_SECONDS)


@pytest.mark.parametrize("seconds", [LONGEST_WAIT_SECONDS + 1, 864_000.0, 1e9])
def test_a_wait_that_cannot_be_meant_holds_no_other_call_back(seconds: float) -> None:
    clock = FakeClock()
    told: list[float] = []
    limiter = RateLimiter("ExampleCoin", 100, clock, lambda wait, _reason: told.append(wait))
    limiter.refused(seconds)
    limiter.acquire()
    assert clock.sleeps == told == []


def test_threads_share_one_window() -> None:
    clock = FakeClock()
    limiter = RateLimiter("ExampleCoin", 50, clock)
    threads = [threading.Thread(target=call_times, args=(limiter, clock, 10)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.sleeps == []
    limiter.acquire()
    assert clock.monotonic() >= 60.0


def test_a_pause_that_another_process_was_told_of_is_told_once() -> None:
    clock = FakeClock()
    told: list[tuple[float, str]] = []
    window = ProcessWindow(clock)
    limiter = RateLimiter("ExampleCoin", 100, clock, lambda seconds, reason: told.append((seconds, reason)), window)
    window.pause(20)
    call_times(limiter, clock, 3)
    assert clock.monotonic() == pytest.approx(20.0)
    assert told == [(20, "another call on this plan was answered 429")]


def test_refusals_in_a_row_lower_the_rate_to_what_was_answered_for_ten_minutes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    limiter = RateLimiter("ExampleCoin", 100, clock)
    for _ in range(30):
        limiter.acquire()
        limiter.answered()
    call_times(limiter, clock, LEARN_AFTER)
    for _ in range(LEARN_AFTER):
        limiter.refused(60)
    assert limiter.limit == 30
    assert "ExampleCoin answers 30 calls a minute, not 100" in caplog.text
    assert "set EXAMPLECOIN_CALLS_PER_MINUTE=30" in caplog.text
    clock.sleep(61)
    times = call_times(limiter, clock, 61)
    assert times[30] - times[0] == times[60] - times[30] == WINDOW_SECONDS
    clock.sleep(600)
    assert limiter.limit == 100


def test_refusals_between_answers_and_before_the_first_one_lower_nothing() -> None:
    limiter = RateLimiter("ExampleCoin", 100, FakeClock())
    for _ in range(2 * LEARN_AFTER):
        limiter.refused(1)
    assert limiter.limit == 100
    for _ in range(LEARN_AFTER):
        limiter.answered()
        limiter.refused(1)
    assert limiter.limit == 100
