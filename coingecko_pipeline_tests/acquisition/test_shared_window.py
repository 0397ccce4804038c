"""The shared window on real databases: what one process called and was told counts for all."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.shared_window import FORGET_EVERY, SharedWindow
from coingecko_pipeline.sources.limiter import WINDOW_SECONDS, RateLimiter
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import FakeClock
from coingecko_pipeline_tests.running import rows_of


def window_of(database: Database, clock: FakeClock, plan: str = "demo") -> SharedWindow:
    return SharedWindow(database, plan, clock.now)


def test_two_runs_share_one_rate(database: Database) -> None:
    clock = FakeClock()
    limiters = [RateLimiter("CoinGecko", 10, clock, window=window_of(database, clock)) for _ in range(2)]
    times = []
    for number in range(45):
        limiters[number % 2].acquire()
        times.append(clock.monotonic())
    assert times[9] == 0.0
    assert all(later - earlier >= 60.0 for earlier, later in zip(times, times[10:], strict=False))
    assert times[40] == pytest.approx(4 * WINDOW_SECONDS, abs=0.1)


def test_a_slot_is_free_as_soon_as_its_call_leaves_the_window(database: Database) -> None:
    clock = FakeClock()
    limiter = RateLimiter("CoinGecko", 2, clock, window=window_of(database, clock))
    limiter.acquire()
    clock.sleep(40)
    limiter.acquire()
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(WINDOW_SECONDS, abs=0.01)
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(40 + WINDOW_SECONDS, abs=0.01)


def test_a_pause_holds_every_process_and_a_shorter_one_changes_nothing(database: Database) -> None:
    clock = FakeClock()
    told: list[str] = []
    refused, other = window_of(database, clock), window_of(database, clock)
    refused.pause(30)
    refused.pause(10)
    limiter = RateLimiter("CoinGecko", 100, clock, lambda _seconds, reason: told.append(reason), other)
    limiter.acquire()
    assert clock.monotonic() == pytest.approx(30.0, abs=0.01)
    assert told == ["another call on this plan was answered 429"]
    assert other.paused_for() == 0.0


@pytest.mark.parametrize("seconds", [864_000.0, 1e9, float("inf")])
def test_no_pause_is_longer_than_the_bound(database: Database, seconds: float) -> None:
    clock = FakeClock()
    window = window_of(database, clock)
    window.pause(seconds)
    assert window.paused_for() == LONGEST_WAIT_SECONDS
    assert window.take(1, 1) == (0, LONGEST_WAIT_SECONDS)
    clock.sleep(LONGEST_WAIT_SECONDS)
    assert window_of(database, clock).take(1, 1) == (1, 0.0)


def test_a_pause_of_ten_days_that_an_earlier_version_stored_holds_nobody(database: Database) -> None:
    clock = FakeClock()
    window = window_of(database, clock)
    window.pause(1)
    ten_days = clock.now() + timedelta(days=10)
    stored = update(tables.api_rate).values(paused_until=ten_days)
    database.run_in_transaction(lambda connection: connection.execute(stored))
    assert window.paused_for() == 0.0
    assert window.take(1, 1) == (1, 0.0)
    window.pause(30)
    assert window.paused_for() == 30.0


def test_plans_have_a_rate_each(database: Database) -> None:
    clock = FakeClock()
    assert window_of(database, clock).take(1, 1) == (1, 0.0)
    assert window_of(database, clock, "analyst").take(1, 1) == (1, 0.0)
    assert window_of(database, clock).take(1, 1) == (0, WINDOW_SECONDS)


def test_a_changed_limit_holds_at_once(database: Database) -> None:
    clock = FakeClock()
    window = window_of(database, clock)
    assert window.take(5, 5) == (5, 0.0)
    assert window.take(5, 1)[0] == 0
    assert window.take(8, 1)[0] == 1
    assert window.take(2, 1)[0] == 0


def test_as_many_calls_as_there_is_room_for_are_let_through_at_once(database: Database) -> None:
    clock = FakeClock()
    window = window_of(database, clock)
    assert window.take(10, 4) == (4, 0.0)
    clock.sleep(20)
    assert window.take(10, 16) == (6, 0.0)
    granted, wait = window.take(10, 16)
    assert (granted, wait) == (0, WINDOW_SECONDS - 20)
    clock.sleep(WINDOW_SECONDS - 20)
    assert window.take(10, 16) == (4, 0.0)
    clock.sleep(20)
    assert window.take(10, 16) == (6, 0.0)
    assert window.take(3, 16)[0] == 0


def test_calls_of_the_past_are_forgotten(database: Database) -> None:
    clock = FakeClock()
    window = window_of(database, clock)
    for _ in range(3 * FORGET_EVERY):
        assert window.take(1000, 1)[0] == 1
        clock.sleep(1)
    assert rows_of(database, "SELECT calls FROM api_rate") == [(3 * FORGET_EVERY,)]
    assert rows_of(database, "SELECT COUNT(*) FROM api_recent_calls")[0][0] < 2 * FORGET_EVERY


def test_a_clock_that_was_set_back_blocks_nothing(database: Database) -> None:
    ahead, right = FakeClock(datetime(2026, 3, 9, 5, tzinfo=UTC)), FakeClock(datetime(2026, 3, 9, 3, tzinfo=UTC))
    assert window_of(database, ahead).take(1, 1)[0] == 1
    assert window_of(database, right).take(1, 1)[0] == 1


PROGRAM = """
import sys
from coingecko_pipeline.acquisition.shared_window import SharedWindow
from coingecko_pipeline.warehouse import Database
window = SharedWindow(Database(sys.argv[1]), "demo")
print(sum(window.take(40, 3)[0] for _ in range(10)))
"""


def test_processes_at_once_never_take_more_than_the_limit_together(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    began = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, url], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    taken = [int(process.communicate()[0]) for process in began]
    assert [process.returncode for process in began] == [0, 0, 0]
    # Three times 30 are wanted; the 40 of a minute are given out, one number each.
    assert sum(taken) == 40
    numbers = [number for (number,) in rows_of(database, "SELECT number FROM api_recent_calls ORDER BY number")]
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
    granted, wait = SharedWindow(database, "demo").take(40, 1)
    assert granted == 0
    assert 0 < wait <= WINDOW_SECONDS
