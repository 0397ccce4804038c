"""Runs that a daemon does for a command."""

from collections.abc import Callable

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.types import DaemonHeartbeat

from coingecko_pipeline.acquisition.progress import LogProgress, ReplayedProgress
from coingecko_pipeline.cli.queued import DaemonGone, follow
from coingecko_pipeline.orchestration.run_failures import was_interrupted
from coingecko_pipeline_tests.fakes import FakeClock


class Watched:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def begin(self, what: str, total: int, unit: str, per_minute: int | None = None) -> None:
        self.told.append(("begin", what, total, unit, per_minute))

    def advance(self, units: int = 1, rows: int = 0) -> None:
        self.told.append(("advance", units, rows))

    def pause(self, seconds: float, reason: str) -> None:
        self.told.append(("pause", seconds, reason))

    def end(self) -> None:
        self.told.append(("end",))


def heard(instance: dg.DagsterInstance, at: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(at, "QUEUED_RUN_COORDINATOR", "some-id", []))


def sleeping(*acts: Callable[[], object]) -> Callable[[float], None]:
    """A sleep that does one thing after the other."""
    left = list(acts)

    def sleep(_seconds: float) -> None:
        left.pop(0)()

    return sleep


def nothing(_event: dg.DagsterEvent) -> None:
    """What is made of an event that does not matter here."""


def interrupt() -> None:
    raise KeyboardInterrupt


def test_progress_is_replayed_by_the_lines_of_its_log(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    clock, watched = FakeClock(), Watched()
    caplog.set_level(logging.INFO)
    log = LogProgress(logging.getLogger("a run"), clock.monotonic)
    log.begin("Charts for 2026-01-01 to 2026-01-31", 261, "calls", 30)
    for _ in range(3):
        clock.sleep(10.0)
        log.advance(50, 18_250)
    log.pause(30.0, "CoinGecko answered 429")
    log.advance(100)
    log.end()
    replayed = ReplayedProgress(watched)
    for line in ["Something else: 3 of them.", *caplog.messages]:
        replayed.read(line)
    assert watched.told == [
        ("begin", "Charts for 2026-01-01 to 2026-01-31", 261, "calls", 30),
        ("advance", 100, 36_500),
        ("pause", 30.0, "CoinGecko answered 429"),
        ("advance", 150, 18_250),
        ("end",),
    ]


def test_a_run_is_followed_to_its_end_with_its_events_and_its_progress(instance: dg.DagsterInstance) -> None:
    @dg.op
    def work(context: dg.OpExecutionContext) -> None:
        progress = LogProgress(context.log)
        progress.begin("Charts", 2, "calls")
        progress.advance(2)
        progress.end()

    @dg.job
    def charts() -> None:
        work()

    result = charts.execute_in_process(instance=instance)
    watched = Watched()
    taken: list[dg.DagsterEvent] = []
    events = follow(instance, result.run_id, watched, taken.append, lambda _: None, sleeping())
    assert taken == events
    assert [event.event_type for event in events] == [event.event_type for event in result.all_events]
    assert watched.told == [("begin", "Charts", 2, "calls", None), ("advance", 2, 0), ("end",)]


def test_a_run_that_no_daemon_takes_any_more_is_taken_back(instance: dg.DagsterInstance) -> None:
    run = create_run_for_test(instance, job_name="daily_market_job", status=dg.DagsterRunStatus.NOT_STARTED)
    heard(instance, 0.0)
    with pytest.raises(DaemonGone):
        follow(instance, run.run_id, Watched(), nothing, lambda _: None, sleeping())
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.CANCELED


def test_ending_the_command_ends_a_run_in_the_queue(instance: dg.DagsterInstance) -> None:
    run = create_run_for_test(instance, job_name="daily_market_job", status=dg.DagsterRunStatus.NOT_STARTED)
    heard(instance, 4e9)
    told: list[str] = []
    events = follow(instance, run.run_id, Watched(), nothing, told.append, sleeping(interrupt))
    assert was_interrupted(events)
    assert told == [f"The daemon has the run {run.run_id} in its queue."]


def test_ending_the_command_tells_a_run_at_work_to_end_and_waits_for_it(instance: dg.DagsterInstance) -> None:
    run = create_run_for_test(instance, job_name="daily_market_job", status=dg.DagsterRunStatus.STARTED)
    told: list[str] = []

    def end() -> None:
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        assert found.status == dg.DagsterRunStatus.CANCELING
        instance.report_run_canceled(run)

    events = follow(instance, run.run_id, Watched(), nothing, told.append, sleeping(interrupt, end))
    assert was_interrupted(events)
    assert told == [f"Ending the run {run.run_id} (Ctrl-C again leaves it alone)."]


def test_a_second_interruption_leaves_the_run_alone(instance: dg.DagsterInstance) -> None:
    run = create_run_for_test(instance, job_name="daily_market_job", status=dg.DagsterRunStatus.STARTED)
    with pytest.raises(KeyboardInterrupt):
        follow(instance, run.run_id, Watched(), nothing, lambda _: None, sleeping(interrupt, interrupt))
