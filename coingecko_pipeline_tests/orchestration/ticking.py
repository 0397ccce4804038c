"""Ticks as Dagster's daemon leaves them: what a schedule or a sensor answered, or the error that it raised."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import serializable_error_info_from_exc_info

from coingecko_pipeline.definitions import build_definitions


@dataclass(frozen=True)
class Daemon:
    """Evaluates schedules and sensors and keeps their ticks.

    Attributes:
        instance: Where it keeps them.
    """

    instance: dg.DagsterInstance

    def turn(self, name: str, status: InstigatorStatus = InstigatorStatus.DECLARED_IN_CODE) -> InstigatorState:
        """What Dagster keeps of a schedule or a sensor that is on, or that a person turned on or off."""
        is_schedule = name.endswith("_schedule")
        repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("coingecko_pipeline"), "__repository__")
        state = InstigatorState(
            RemoteInstigatorOrigin(repository, name),
            InstigatorType.SCHEDULE if is_schedule else InstigatorType.SENSOR,
            status,
            ScheduleInstigatorData("0 0 * * *") if is_schedule else SensorInstigatorData(),
        )
        stored = self.instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
        if stored is None:
            return self.instance.add_instigator_state(state)
        return self.instance.update_instigator_state(state)

    def begin(self, name: str, at: datetime) -> InstigatorTick:
        """A tick that has begun."""
        state = self.turn(name)
        return self.instance.create_tick(
            TickData(
                state.instigator_origin_id,
                name,
                state.instigator_type,
                TickStatus.STARTED,
                at.timestamp(),
                selector_id=state.selector_id,
            )
        )

    def end(self, tick: InstigatorTick, answer: Callable[[], Any]) -> None:
        """End a tick with what was answered: a run request, or the reason to skip it, or an error."""
        try:
            answered = answer()
        except Exception:
            error = serializable_error_info_from_exc_info(sys.exc_info())
            ended = tick.with_status(TickStatus.FAILURE, error=error)
        else:
            message = getattr(answered, "skip_message", None)
            ended = tick.with_status(TickStatus.SKIPPED if message else TickStatus.SUCCESS)
            ended = ended.with_reason(message) if message else ended
        self.instance.update_tick(ended)

    def tick(self, name: str, at: datetime, answer: Callable[[], Any] | None = None, **resources: Any) -> None:
        """A whole tick.

        Args:
            name: The schedule or sensor.
            at: When it is evaluated.
            answer: Stands for its evaluation.
            resources: What it is evaluated with; by default those of the definitions.
        """
        self.end(self.begin(name, at), answer or (lambda: self._evaluate(name, at, resources)))

    def _evaluate(self, name: str, at: datetime, resources: dict[str, Any]) -> Any:
        repository = _repository()
        is_schedule = name.endswith("_schedule")
        definition = repository.get_schedule_def(name) if is_schedule else repository.get_sensor_def(name)
        every = {**repository.get_top_level_resources(), **resources}
        given: dict[str, Any] = {"resources": {key: every[key] for key in definition.required_resource_keys}}
        if is_schedule:
            context: Any = dg.build_schedule_context(
                self.instance, scheduled_execution_time=at, repository_def=repository, **given
            )
        else:
            context = dg.build_sensor_context(self.instance, repository_def=repository, sensor_name=name, **given)
        with context:
            return definition.evaluate_tick(context)


@cache
def _repository() -> dg.RepositoryDefinition:
    return build_definitions().get_repository_def()


def unreachable() -> None:
    """What the daemon raises where the code location is away."""
    raise DagsterUserCodeUnreachableError("Unable to reach the user code server for the sensor.")
