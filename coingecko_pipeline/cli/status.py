"""What the database holds, how complete it is, what was spent, and what is due, in words."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

import click
from rich.table import Table
from rich.text import Text

from coingecko_pipeline.cli.dagster_storage import dagster_home, told_bytes
from coingecko_pipeline.cli.demo_market import chosen_settings
from coingecko_pipeline.cli.demo_place import DEMO_HOME, demo_option
from coingecko_pipeline.cli.stored import open_stored
from coingecko_pipeline.cli.stored_status import Due, Status, read_status
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS, NAME, counted, tell
from coingecko_pipeline.market.check_results import StoredCheck
from coingecko_pipeline.orchestration.derived_tables import AGREEMENT, REPORT

NAME_WIDTH = 24
"""Columns that the names of all parts take, so that what is told of them stands below each other."""

WORDS = {"success": "succeeded", "failure": "failed", "canceled": "was ended", "started": "is at work"}
"""What Dagster calls how a run is, and what is told."""

Lines = Iterator[tuple[str, str]]
"""What is told, each with its name."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
@demo_option
def status(as_json: bool, on_demo: bool) -> None:
    """Tell what the database holds, how complete it is, what was spent, what is due next, and which checks fail."""
    settings = chosen_settings(on_demo=on_demo)
    with ERRORS.status("Reading what is stored"):
        database = open_stored(settings)
        found = read_status(database, settings.plan, dagster_home(DEMO_HOME if on_demo else None))
        database.dispose()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), default=str, indent=2))
    else:
        show_status(found)


def show_status(status: Status) -> None:
    """Print a status, part by part."""
    tell(Text(f"{status.database} ({status.origin or 'empty'}), on the plan {status.plan}", "bold"))
    parts = {
        "The market": _market(status),
        "Coins that lack no day": _history(status),
        f"Credits from {status.month_first} to {status.month_last}": _credits(status),
        "Due next": _due(status.due) if status.due else iter(()),
        "Last runs": _runs(status),
        "On disk": _sizes(status),
    }
    for title, lines in parts.items():
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=NAME_WIDTH, no_wrap=True)
        table.add_column()
        for name, told in lines:
            table.add_row(f"  {name}", told)
        if table.row_count:
            tell(Text(title, "cyan"))
            CONSOLE.print(table, highlight=False)
    for check in status.failed_checks:
        _tell_failed(check)


def _market(status: Status) -> Lines:
    yield "coins", f"{status.coins_active:,} active" + (f", {status.coins_gone:,} gone" if status.coins_gone else "")
    if status.first_date and status.last_date:
        missing = f"{counted(status.dates_missing, 'date')} between without any row" if status.dates_missing else ""
        dates = f"{status.first_date} to {status.last_date}, {counted(status.dates, 'date')} with rows"
        yield "dates", ", ".join(filter(None, (dates, missing)))
    yield (
        "rows",
        f"{status.rows:,}: {status.chart_rows:,} exact from charts ({status.chart_share:.1%}), "
        f"{status.snapshot_rows:,} from snapshots",
    )
    if status.last_date:
        yield str(status.last_date), f"{status.latest_coverage:.1%} of the active coins have a row"
    yield "charts kept", f"of {counted(status.charts_archived, 'coin')}"
    if status.answers_to_write:
        yield "to be written", f"the rows of {counted(status.answers_to_write, 'archived chart')}"
    if status.values_revised:
        yield (
            "revised",
            f"{counted(status.values_revised, 'value')} of days that were over, the latest on {status.revised_on}",
        )


def _history(status: Status) -> Lines:
    history = status.history
    if history is None or status.last_year is None:
        return
    dates = status.last_year.dates
    yield f"last {(dates.last - dates.first).days + 1} days", f"{status.last_year.share:.1%}"
    # Years that are equally complete are one line.
    for share, years in groupby(status.years, lambda year: f"{year.share:.1%}"):
        of_one_share = list(years)
        first, last = of_one_share[-1].dates.first, of_one_share[0].dates.last
        part = "" if (first.month, first.day) == (1, 1) else f", from {first}"
        yield f"{first.year}" if first.year == last.year else f"{first.year} to {last.year}", f"{share}{part}"
    if history.coins_never_fetched:
        yield "never asked for", counted(history.coins_never_fetched, "coin")
    if history.coins_missing_days:
        yield "with days missing", counted(history.coins_missing_days, "coin")
    if history.coins_with_snapshots:
        yield "newest days snapshots", f"of {counted(history.coins_with_snapshots, 'coin')}, until their next chart"
    if history.coins_not_served:
        yield "gone, and not served", f"{counted(history.coins_not_served, 'coin')} that this plan has no charts of"
    if history.coins_never_fetched or history.coins_missing_days:
        by = f"by {history.complete_on} at this pace" if history.complete_on else "never: the plan has too few credits"
        yield "history complete", by
    else:
        yield "history complete", "now"


def _credits(status: Status) -> Lines:
    of = f" of {status.credits_per_month:,}" if status.credits_per_month else "; this plan counts none"
    yield "spent", f"{status.credits_spent:,}{of}"
    if status.credits_left is not None:
        yield "kept for snapshots", f"{status.credits_reserved:,}"
        yield "left for history", f"{status.credits_left:,}"


def _due(due: Due) -> Lines:
    today = datetime.now(UTC).date()
    yield "snapshot", f"of {due.snapshot_of}, at 00:00 UTC" if due.snapshot_of > today else f"of {today}: {NAME} daily"
    if due.history_calls:
        yield "history", f"{counted(due.history_calls, 'call')} today: {NAME} complete"
    else:
        yield "history", due.history_reason
    made_by = {REPORT: "report", AGREEMENT: "agreement"}
    for command, lagging in groupby(sorted(due.derived, key=made_by.keys().__contains__), made_by.get):
        yield "lags behind", f"{', '.join(lagging)}: {NAME} {command or 'measures'}"


def _runs(status: Status) -> Lines:
    for run in status.last_runs:
        took = "" if run.seconds is None else f" after {run.seconds:,.0f} s"
        yield f"{run.began_at:%Y-%m-%d %H:%M} UTC", f"{run.job} {WORDS.get(run.status, run.status)}{took}"


def _sizes(status: Status) -> Lines:
    for name, size in status.bytes_of.items():
        yield name, told_bytes(size)
    yield "Dagster's own", told_bytes(status.dagster_bytes)
    if status.backup_at and status.backup_bytes is not None:
        hours = (datetime.now(UTC) - status.backup_at).total_seconds() / 3600
        yield "latest backup", f"{told_bytes(status.backup_bytes)}, {hours:,.0f} hours ago"


def _tell_failed(check: StoredCheck) -> None:
    label = Text("Check failed:", "bold red") if check.is_error else Text("Check warns:", "yellow")
    detail = f" ({check.detail})" if check.detail else ""
    told = f" {check.asset}: {check.check_name}{detail}, on {check.evaluated_at:%Y-%m-%d %H:%M} UTC."
    tell(label.append(told, "default"))
