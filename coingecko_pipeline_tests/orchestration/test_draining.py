"""The runs at work before an upgrade."""

from collections.abc import Callable

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from coingecko_pipeline.orchestration.draining import END_SECONDS, drain
from coingecko_pipeline_tests.fakes import FakeClock

STARTED, CANCELING = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


class Passing(FakeClock):
    """Time in which something happens at a moment."""

    def __init__(self, at: float, act: Callable[[], object]) -> None:
        super().__init__()
        self._at, self._act = at, act
        self._acted = False

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.monotonic() >= self._at and not self._acted:
            self._acted = True
            self._act()


def begin(instance: dg.DagsterInstance) -> dg.DagsterRun:
    run: dg.DagsterRun = create_run_for_test(instance, job_name="market_charts_job", status=STARTED)
    return run


def test_a_run_that_ends_in_time_is_waited_for_and_left_alone(instance: dg.DagsterInstance) -> None:
    run, told = begin(instance), list[str]()
    clock = Passing(60.0, lambda: instance.report_run_failed(run))
    assert drain(instance, 600.0, told.append, clock.monotonic, clock.sleep) == []
    assert clock.monotonic() == 60.0
    assert told == [f"Waiting for market_charts_job ({run.run_id[:8]})."]


def test_a_run_that_takes_too_long_is_told_to_end(instance: dg.DagsterInstance) -> None:
    run, told = begin(instance), list[str]()

    def end() -> None:
        assert status_of(instance, run) == CANCELING
        instance.report_run_canceled(run)

    clock = Passing(606.0, end)
    assert drain(instance, 600.0, told.append, clock.monotonic, clock.sleep) == []
    assert told[-1] == f"Ending market_charts_job ({run.run_id[:8]})."


def test_a_run_that_does_not_end_is_told(instance: dg.DagsterInstance) -> None:
    run = begin(instance)
    clock = FakeClock()
    assert drain(instance, 0.0, lambda _: None, clock.monotonic, clock.sleep) == [run.run_id]
    assert clock.monotonic() >= END_SECONDS


def test_what_waits_in_the_queue_stays_there(instance: dg.DagsterInstance) -> None:
    run = create_run_for_test(instance, job_name="market_charts_job", status=dg.DagsterRunStatus.NOT_STARTED)
    clock = FakeClock()
    assert drain(instance, 600.0, lambda _: None, clock.monotonic, clock.sleep) == []
    assert clock.monotonic() == 0.0
    assert status_of(instance, run) == dg.DagsterRunStatus.NOT_STARTED
