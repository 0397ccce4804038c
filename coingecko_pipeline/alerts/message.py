"""The text of an alert: what is wrong, why, what to do, and where to read on."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from coingecko_pipeline.orchestration.run_failures import RunFailure, figures_of

TEXT_LENGTH = 1_900
"""Characters of a text; Discord refuses more than 2,000, Slack cuts far later."""
REASON_LENGTH = 700
SHOWN = 3
"""Of steps, checks and tables so many; the run has them all."""

PARTITION = "dagster/partition"
RANGE_FIRST = "dagster/asset_partition_range_start"
RANGE_LAST = "dagster/asset_partition_range_end"
WILL_RETRY = "dagster/will_retry"

ASKS_FOR_MORE = re.compile(
    r"(?<=@)(?=(?:everyone|here|channel|all)\b)|(?=://)|(?<=\])(?=\()|(?<=\bwww)(?=\.)", re.IGNORECASE
)
"""Where Slack, Mattermost and Discord would call a whole channel or make a link, should a coin or a server be named so:
a space without width goes there."""


def tell_failure(
    run: dg.DagsterRun,
    failures: Sequence[RunFailure],
    tables: Sequence[dg.AssetKey],
    ended_at: datetime | None,
    ui_url: str,
) -> str:
    """The text of a run that failed.

    Args:
        run: The run.
        failures: What made it fail.
        tables: The Dagster assets that were not made.
        ended_at: When it failed; None where that is not known.
        ui_url: Where the UI is, without a slash at its end.
    """
    what = [_listed([table.to_user_string() for table in tables])] if tables else []
    steps = [failure.step for failure in failures if failure.step]
    lines = [
        f"*coingecko_pipeline: {_title(run)} failed*",
        f"What: {', '.join([*what, *_partitions(run), *([f'step {_listed(steps)}'] if steps else [])]) or 'the run'}",
        *(_reason(failure, named=len(failures) > 1) for failure in failures[:SHOWN]),
    ]
    if len(failures) > SHOWN:
        lines.append(f"… and {len(failures) - SHOWN} more.")
    if ended_at:
        lines.append(f"When: {_moment(ended_at)}")
    if WILL_RETRY in run.tags:
        again = run.tags[WILL_RETRY] == "true"
        lines.append("Dagster starts it again by itself." if again else "Dagster does not start it again by itself.")
    return _linked(lines, f"Run: {ui_url}/runs/{run.run_id}")


def tell_failed_checks(
    run: dg.DagsterRun, checks: Sequence[dg.AssetCheckEvaluation], ended_at: datetime | None, ui_url: str
) -> str:
    """The text of a run whose checks failed as errors.

    Args:
        run: The run.
        checks: Those checks.
        ended_at: When the run ended; None where that is not known.
        ui_url: Where the UI is, without a slash at its end.
    """
    tables = sorted({check.asset_key.to_user_string() for check in checks})
    lines = [
        f"*coingecko_pipeline: a check failed in {_title(run)}*",
        f"What: {', '.join([_listed(tables), *_partitions(run)])}",
        *(f"Why: {_short(f'{check.check_name} ({figures_of(check)})')}" for check in checks[:SHOWN]),
    ]
    if ended_at:
        lines.append(f"When: {_moment(ended_at)}")
    lines.append(
        "What to do: look at the examples on the asset's page, under Checks. The check is told again only after it has "
        "held; coingecko-pipeline status lists it until it does."
    )
    return _linked(lines, f"Run: {ui_url}/runs/{run.run_id}")


def tell_trouble(title: str, facts: Sequence[str], advice: str, link: str) -> str:
    """The text of what is wrong outside of a run.

    Args:
        title: What is wrong, in a few words.
        facts: Each a line: what, why, when. The first of many are told.
        advice: What to do next, as a sentence.
        link: Where to read on.
    """
    lines = [f"*coingecko_pipeline: {title}*", *map(_short, facts[:SHOWN])]
    if len(facts) > SHOWN:
        lines.append(f"… and {len(facts) - SHOWN} more.")
    return _linked([*lines, f"What to do: {_short(advice)}"], f"See: {link}")


def _title(run: dg.DagsterRun) -> str:
    # Dagster's own name of what was materialized without a job.
    return "a materialization" if run.job_name.startswith("__") else run.job_name


def _partitions(run: dg.DagsterRun) -> list[str]:
    if PARTITION in run.tags:
        return [f"partition {run.tags[PARTITION]}"]
    if RANGE_FIRST in run.tags and RANGE_LAST in run.tags:
        return [f"partitions {run.tags[RANGE_FIRST]} to {run.tags[RANGE_LAST]}"]
    return []


def _reason(failure: RunFailure, *, named: bool) -> str:
    where = f" ({failure.step})" if named and failure.step else ""
    return f"Why{where}: {_short(failure.reason)}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _short(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= REASON_LENGTH else f"{words[: REASON_LENGTH - 1]}…"


def _linked(lines: Sequence[str], link: str) -> str:
    """Escaped as Slack asks for, with the link whole and at its end."""
    link = f"\n{link}"
    words = ASKS_FOR_MORE.sub("\u200b", "\n".join(lines))
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    room = TEXT_LENGTH - len(link)
    if len(words) > room:
        words = re.sub(r"&[a-z]*$", "", words[: room - 1]) + "…"
    return words + link
