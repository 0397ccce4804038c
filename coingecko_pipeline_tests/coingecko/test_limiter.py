import threading

import pytest

from coingecko_pipeline.coingecko.limiter import RateLimiter
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
    times = call_times(RateLimiter(calls_per_minute, clock), clock, 3 * calls_per_minute + 1)
    for earlier, later in zip(times, times[calls_per_minute:], strict=False):
        assert later - earlier >= 60.0


def test_calls_below_the_limit_never_wait() -> None:
    clock = FakeClock()
    call_times(RateLimiter(100, clock), clock, 100)
    assert clock.sleeps == []


def test_the_window_slides_so_a_slot_is_free_a_minute_after_its_call() -> None:
    clock = FakeClock()
    limiter = RateLimiter(2, clock)
    limiter.acquire()
    clock.sleep(40)
    limiter.acquire()
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(61.0, abs=0.01)


def test_a_pause_holds_every_call_back_and_is_told_once() -> None:
    clock = FakeClock()
    told: list[tuple[float, str]] = []
    limiter = RateLimiter(100, clock, lambda seconds, reason: told.append((seconds, reason)))
    limiter.pause(30, "429")
    limiter.pause(10, "429")
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(30.0)
    assert told == [(30, "429")]


def test_threads_share_one_window() -> None:
    clock = FakeClock()
    limiter = RateLimiter(50, clock)
    threads = [threading.Thread(target=call_times, args=(limiter, clock, 10)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.sleeps == []
    limiter.acquire()
    assert clock.monotonic() >= 60.0
