"""Steps that are interrupted: in their work, in the IO manager's write, in a pause before the next try."""

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.retries import InterruptibleRetries
from coingecko_pipeline.orchestration.run_failures import was_interrupted
from coingecko_pipeline.sources.errors import ConnectionFailed
from coingecko_pipeline_tests.instances import empty_instance


class Pauses(InterruptibleRetries):
    """Retries whose pauses take no time, and do something else in it."""

    def pause(self, seconds: float) -> None:
        pauses.append(seconds)
        in_pause()


pauses: list[float] = []


def in_pause() -> None:
    """What happens in a pause; a test replaces its content through `happening`."""
    for act in happening:
        act()


happening: list[Callable[[], Any]] = []


@pytest.fixture(autouse=True)
def _nothing_happens() -> Iterator[None]:
    pauses.clear()
    happening.clear()
    yield
    happening.clear()


class Writing(dg.IOManager):
    """An IO manager that does something while it writes."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:  # noqa: ARG002
        self._act()

    def load_input(self, context: dg.InputContext) -> object:
        raise NotImplementedError


def materialize(
    work: Callable[[], Any], in_write: Callable[[], Any] = lambda: None, tries: int = 3
) -> tuple[dg.ExecuteInProcessResult, int]:
    """Materialize an asset that does some work, and a second one after it; how often the work was begun."""
    begun = 0

    @dg.asset(retry_policy=Pauses(max_retries=tries, delay=60, backoff=dg.Backoff.EXPONENTIAL))
    def first() -> int:
        nonlocal begun
        begun += 1
        work()
        return 1

    @dg.asset(deps=[first])
    def second() -> None:
        """Comes after it."""

    with empty_instance() as instance:
        resources = {"io_manager": Writing(in_write)}
        result = dg.materialize([first, second], instance=instance, resources=resources, raise_on_error=False)
    return result, begun


def fail() -> None:
    raise ConnectionFailed("There was no answer.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_of_the_work_ends_the_run_and_not_only_the_try(number: signal.Signals) -> None:
    result, begun = materialize(lambda: signal.raise_signal(number))
    assert not result.success
    assert was_interrupted(result.all_events)
    assert begun == 1
    assert not pauses


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_of_the_write_ends_the_run(number: signal.Signals) -> None:
    result, begun = materialize(lambda: None, lambda: signal.raise_signal(number))
    assert was_interrupted(result.all_events)
    assert begun == 1


def test_an_interruption_of_the_pause_before_the_next_try_ends_the_run() -> None:
    happening.append(lambda: signal.raise_signal(signal.SIGINT))
    result, begun = materialize(fail)
    assert was_interrupted(result.all_events)
    assert (begun, pauses) == (1, [60.0])


def test_what_may_pass_is_tried_again_after_pauses_that_grow_and_fails_without_one_more() -> None:
    result, begun = materialize(fail)
    assert not result.success
    assert not was_interrupted(result.all_events)
    assert begun == 4
    assert pauses == [60.0, 180.0, 420.0]


def test_a_step_that_succeeds_at_a_later_try_succeeds() -> None:
    tries = iter(range(3))

    def work() -> None:
        if next(tries) < 2:
            fail()

    result, begun = materialize(work)
    assert result.success
    assert begun == 3


def test_a_log_that_cannot_be_written_does_not_keep_a_step_from_being_tried_again() -> None:
    class Away(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
            raise OSError("the storage is away")

    log, away = logging.getLogger("coingecko_pipeline.orchestration.retries"), Away()
    log.addHandler(away)
    try:
        _, begun = materialize(fail)
    finally:
        log.removeHandler(away)
    assert begun == 4


def test_a_storage_of_dagster_that_is_away_is_waited_for() -> None:
    def log_a_line() -> None:
        with permanent_failures():
            away = OperationalError("INSERT", None, OSError("connection refused"))
            raise LookupError("too many retries for DB connection") from away

    _, begun = materialize(log_a_line)
    assert begun == 4
