"""Who tells of ticks: a schedule or a sensor that failed, or that was skipped for a reason that a person must mend."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from coingecko_pipeline.alerts import AlertChannel, AlertNotSent, tell_trouble
from coingecko_pipeline.orchestration.ticks import Tick, tick_logs
from coingecko_pipeline.orchestration.to_mend import read_to_mend

CALM = timedelta(hours=1)
"""A trouble that did not come back for so long is over, and told anew should it return: one that comes and goes within
minutes, as with a server that is restarted again and again, is told once."""

UNEXPECTED = "where the sentence above does not say it, read the tick's error in the UI."


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a tick.

    Attributes:
        kind: What a person has to mend, or the class of the error.
        reason: The sentence.
        advice: What to do next, as a sentence.
    """

    kind: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Told:
    """A trouble that was told and is not over.

    Attributes:
        kind: Of the trouble.
        reason: Of the trouble, when it was seen last.
        seen_at: The time of the latest tick that had it (seconds since 1970).
    """

    kind: str
    reason: str
    seen_at: float


@dataclass
class Reading:
    """How far the ticks were read: the sensor's cursor.

    Attributes:
        read: Of each schedule and sensor the number and the time of the latest tick that was looked at.
        told: Of each the trouble that was told and is not over.
    """

    read: dict[str, tuple[int, float]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str) -> "Reading":
        """The reading that a cursor has."""
        kept: Mapping[str, Any] = json.loads(cursor)
        return cls(
            {name: (number, at) for name, (number, at) in kept["read"].items()},
            {name: Told(**told) for name, told in kept["told"].items()},
        )

    @property
    def cursor(self) -> str:
        """As a cursor."""
        return json.dumps(asdict(self))

    def is_news(self, name: str, trouble: Trouble) -> bool:
        """Whether a trouble of a schedule or sensor was not told yet, nor the very same of another one."""
        known = self.told.get(name)
        if known and known.kind == trouble.kind:
            return False
        return (trouble.kind, trouble.reason) not in {(each.kind, each.reason) for each in self.told.values()}

    def note(self, tick: Tick, trouble: Trouble | None) -> None:
        """Remember that a tick was looked at, and what is wrong with it, if anything is."""
        self.read[tick.of] = (tick.number, tick.at)
        known = self.told.get(tick.of)
        if trouble:
            self.told[tick.of] = Told(trouble.kind, trouble.reason, tick.at)
        elif known and tick.at - known.seen_at >= CALM.total_seconds():
            del self.told[tick.of]


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts to ALERT_WEBHOOK_URL which schedule or sensor failed, or was skipped for a reason that a person "
    "must mend, and what to do: once, until it went well for an hour. Without that setting it sends nothing.",
)
def tick_alert_sensor(
    context: dg.SensorEvaluationContext,
    alerts: dg.ResourceParam[AlertChannel],
    now: dg.ResourceParam[Callable[[], datetime]],
) -> dg.SkipReason:
    """Tell of the ticks since the last evaluation; they count as told whether the webhook takes the alert or not.

    It needs no database but Dagster's, so that it can tell that the other one is away.
    """
    if not alerts.is_set:
        context.update_cursor("")
        return dg.SkipReason("ALERT_WEBHOOK_URL is not set: nothing is sent of the ticks.")
    logs = [log for log in tick_logs(context.instance) if log.name != context.sensor_name]
    if not context.cursor:
        read = {log.name: latest for log in logs if (latest := log.latest())}
        context.update_cursor(Reading(read).cursor)
        return dg.SkipReason("The ticks are read from now on.")
    reading = Reading.of(context.cursor)
    sent, unsent = 0, []
    for log in logs:
        for tick in log.ended_after(reading.read.get(log.name), now()):
            trouble = trouble_of(tick)
            if trouble and reading.is_news(tick.of, trouble):
                try:
                    alerts.post(_text(tick, trouble, alerts.ui_url))
                    sent += 1
                except AlertNotSent as error:
                    unsent.append(f"{error} It was about {tick.of}: {trouble.reason}")
            reading.note(tick, trouble)
    context.update_cursor(reading.cursor)
    return dg.SkipReason(" ".join([f"Alerts sent of ticks: {sent}.", *unsent]))


def trouble_of(tick: Tick) -> Trouble | None:
    """What is wrong with a tick; None where nothing is that a person has to mend."""
    if tick.error_class:
        return Trouble(tick.error_class, tick.error, UNEXPECTED)
    if marked := read_to_mend(tick.skip_reason):
        kind, reason = marked
        return Trouble(kind.value, reason, kind.advice)
    return None


def _text(tick: Tick, trouble: Trouble, ui_url: str) -> str:
    came = "failed" if tick.error_class else "was skipped"
    facts = [f"Why: {trouble.reason}", f"When: the tick of {tick.moment:%Y-%m-%d %H:%M:%S} UTC"]
    return tell_trouble(f"the {tick.kind} {tick.of} {came}", facts, trouble.advice, f"{ui_url}/automation")
