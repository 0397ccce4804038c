"""What made a run fail, in the words that a user reads: for the terminal and for alerts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

FAILED_CHECKS = "failed_checks"
"""In the metadata of a step's failure: how many checks made it fail, whose own results tell why."""
BLOCKED = "DagsterAssetCheckFailedError"
"""The class of Dagster's own error where a check that blocks failed."""
NEWLY_FAILED = "newly_failed"
"""In the metadata of a check that fails as an error: whether it held, or was a warning, when it was last evaluated."""


@dataclass(frozen=True)
class RunFailure:
    """One thing that made a run fail.

    Attributes:
        step: The step that failed; None where the run failed outside its steps.
        reason: The sentence of the error that began it.
        is_of_checks: Whether all that failed is checks, whose results tell it too.
    """

    step: str | None
    reason: str
    is_of_checks: bool = False


def failures_of(events: Iterable[dg.DagsterEvent]) -> Iterator[RunFailure]:
    """Each step that failed, or the run itself where it failed before its first step or its process died.

    Args:
        events: Of one run, in their order.
    """
    told = False
    for event in events:
        if event.is_step_failure:
            told = True
            data = event.step_failure_data
            if (told_by_us := data.user_failure_data) and told_by_us.description:
                yield RunFailure(event.step_key, told_by_us.description, FAILED_CHECKS in told_by_us.metadata)
            else:
                blocked = data.error is not None and data.error.cls_name == BLOCKED
                reason = innermost(data.error) if data.error else "the step failed"
                yield RunFailure(event.step_key, reason, blocked)
        elif event.event_type == dg.DagsterEventType.RUN_FAILURE and not told:
            # A run that is ended from outside, as by the daemon's run monitoring, has a message alone.
            error = event.job_failure_data.error if event.event_specific_data else None
            yield RunFailure(None, innermost(error) if error else (event.message or "the run failed"))


def was_interrupted(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run ended because its process was told to: by Ctrl-C, by a signal, or from the UI.

    Args:
        events: Of one run.
    """
    return any(
        event.event_type == dg.DagsterEventType.RUN_CANCELED
        or (event.is_step_failure and getattr(event.step_failure_data.error_source, "name", "") == "INTERRUPT")
        for event in events
    )


def failed_checks_of(events: Iterable[dg.DagsterEvent]) -> Iterator[dg.AssetCheckEvaluation]:
    """Each check that does not hold, whether as a warning or as an error."""
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                yield check


def innermost(error: Any) -> str:
    """The words of the error that began it, without the name of its class."""
    while error.cause:
        error = error.cause
    message: str = error.message.strip()
    name, _, words = message.partition(": ")
    return words if name.endswith(error.cls_name or " ") else message


def figures_of(check: dg.AssetCheckEvaluation | dg.AssetCheckResult) -> str:
    """What a check found: its figures and short texts, on one line."""
    return ", ".join(
        f"{name} {_short(value.value)}"
        for name, value in check.metadata.items()
        if isinstance(value.value, int | float | str) and "\n" not in str(value.value) and name != NEWLY_FAILED
    )


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
