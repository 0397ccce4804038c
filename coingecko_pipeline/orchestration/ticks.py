"""The ticks of schedules and sensors, as Dagster keeps them.

Dagster 1.13 has no public name for their types; they are used here alone, and its libraries are pinned together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorTick, TickStatus

from coingecko_pipeline.orchestration.run_failures import innermost

WAITED_FOR = timedelta(hours=1)
"""A tick that has not ended is waited for so long: the daemon that evaluated it may be gone."""
TICKS_READ = 500
"""Of each schedule and sensor the latest ticks at most: four hours of one that is evaluated twice a minute."""

UNREACHABLE = "DagsterUserCodeUnreachableError"
"""The daemon's error where the code location was away for a moment, as in an upgrade; the tick is evaluated again."""


@dataclass(frozen=True)
class Tick:
    """A tick that has ended.

    Attributes:
        of: The name of the schedule or sensor.
        kind: schedule or sensor.
        number: Ascending as the ticks began.
        at: When it began; of a schedule the time that it is of (seconds since 1970).
        error_class: The class of the error that made it fail; None where it did not fail.
        error: The sentence of that error.
        skip_reason: Why it was skipped; None where it was not, or does not say.
    """

    of: str
    kind: str
    number: int
    at: float
    error_class: str | None = None
    error: str = ""
    skip_reason: str | None = None

    @property
    def moment(self) -> datetime:
        """When it began (UTC)."""
        return datetime.fromtimestamp(self.at, UTC)


@dataclass(frozen=True)
class TickLog:
    """The ticks of a schedule or sensor that ever was on.

    Attributes:
        instance: Where they are.
        state: Dagster's record of it.
    """

    instance: dg.DagsterInstance
    state: InstigatorState

    @property
    def name(self) -> str:
        """The name of the schedule or sensor."""
        return self.state.instigator_name

    def latest(self) -> tuple[int, float] | None:
        """The number and the time of the latest tick; None where there is none."""
        ticks = self.instance.get_ticks(self.state.instigator_origin_id, self.state.selector_id, limit=1)
        return (ticks[0].tick_id, ticks[0].timestamp) if ticks else None

    def ended_after(self, read: tuple[int, float] | None, now: datetime) -> Iterator[Tick]:
        """The ticks after one, in their order, up to the first that has not ended.

        Args:
            read: The number and the time of that one; None for all.
            now: The current UTC time, aware.
        """
        number, at = read or (0, None)
        ticks = self.instance.get_ticks(
            self.state.instigator_origin_id,
            self.state.selector_id,
            # The time of that one may be of its neighbours too, and is kept to the microsecond at best.
            after=None if at is None else at - 1,
            limit=TICKS_READ,
        )
        oldest = (now - WAITED_FOR).timestamp()
        for tick in sorted(ticks, key=lambda each: each.tick_id):
            if tick.tick_id <= number:
                continue
            if tick.timestamp > oldest and (tick.status == TickStatus.STARTED or _is_unreachable(tick)):
                return
            yield self._tick(tick)

    def _tick(self, tick: InstigatorTick) -> Tick:
        kind = self.state.instigator_type.value.lower()
        error = tick.error if tick.status == TickStatus.FAILURE and not _is_unreachable(tick) else None
        if error is None:
            skip_reason = tick.skip_reason if tick.status == TickStatus.SKIPPED else None
            return Tick(self.name, kind, tick.tick_id, tick.timestamp, skip_reason=skip_reason)
        first = error
        while first.cause:
            first = first.cause
        return Tick(self.name, kind, tick.tick_id, tick.timestamp, first.cls_name or "error", innermost(error))


def tick_logs(instance: dg.DagsterInstance) -> Sequence[TickLog]:
    """The ticks of each schedule and sensor that ever was on."""
    return [TickLog(instance, state) for state in instance.all_instigator_state()]


def is_turned_on(instance: dg.DagsterInstance, name: str) -> bool:
    """Whether a person turned on a schedule or sensor that is off by default."""
    return any(
        state.instigator_name == name and state.status == InstigatorStatus.RUNNING
        for state in instance.all_instigator_state()
    )


def _is_unreachable(tick: InstigatorTick) -> bool:
    return tick.status == TickStatus.FAILURE and tick.error is not None and tick.error.cls_name == UNREACHABLE
