"""What the database holds, how complete it is, and what was spent."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import click
from rich.table import Table
from rich.text import Text
from sqlalchemy import case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.outlook import Outlook, read_outlook
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.cli.demo_market import chosen_settings
from coingecko_pipeline.cli.demo_place import demo_option
from coingecko_pipeline.cli.storage_size import dagster_home, read_dagster_bytes, told_bytes
from coingecko_pipeline.cli.stored import open_stored
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS
from coingecko_pipeline.market.check_results import StoredCheck, read_checks
from coingecko_pipeline.market.counts import count_by_date
from coingecko_pipeline.market.revisions import read_revisions
from coingecko_pipeline.market.verify import count_unwritten
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES
from coingecko_pipeline.tables import stored_origin
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.size import read_bytes


@dataclass(frozen=True)
class Status:
    """What a warehouse holds; dates are UTC, shares are of 1.

    Attributes:
        database: Its address without a password.
        origin: Whether the data are live or of the sandbox; None where there are none.
        plan: The CoinGecko plan of the settings.
        coins_active: Coins of the latest list.
        coins_gone: Coins that earlier lists had.
        first_date: The earliest date with rows.
        last_date: The latest date with rows.
        dates: Dates with rows.
        dates_missing: Dates between the first and the last without any row.
        rows: Rows of daily_market.
        chart_rows: Those of them with the exact values of 00:00 UTC.
        chart_share: The share of those.
        latest_coverage: The share of the active coins that have a row on the latest date.
        charts_archived: Coins of which the archive has values.
        answers_to_write: Archived answers whose rows are still to be written.
        values_revised: Values of settled days that CoinGecko has changed since the first chart.
        revised_on: The day on which the latest of them was seen; None where there is none.
        month_first: The first day of the running billing month.
        month_last: Its last day.
        credits_per_month: What the plan includes; None where none are counted.
        credits_spent: Credits spent in it so far.
        credits_reserved: Credits that its daily and hourly snapshots still need.
        credits_left: What is left of it for history; None where none are counted.
        history: How complete the history is; None before the first list of coins.
        failed_checks: The checks that did not hold when they were last evaluated, errors first.
        backup_at: When the latest dump by `make backup` was taken; None where none was.
        backup_bytes: Its size.
        bytes: What the tables of all sources take on disk.
        dagster_bytes: What Dagster's own database takes; None where that cannot be told.
    """

    database: str
    origin: str | None
    plan: str
    coins_active: int
    coins_gone: int
    first_date: date | None
    last_date: date | None
    dates: int
    dates_missing: int
    rows: int
    chart_rows: int
    chart_share: float
    latest_coverage: float
    charts_archived: int
    answers_to_write: int
    values_revised: int
    revised_on: date | None
    month_first: date
    month_last: date
    credits_per_month: int | None
    credits_spent: int
    credits_reserved: int
    credits_left: int | None
    history: Outlook | None
    failed_checks: Sequence[StoredCheck]
    backup_at: datetime | None
    backup_bytes: int | None
    bytes: int
    dagster_bytes: int | None


def read_status(database: Database, plan: Plan) -> Status:
    """Read what a warehouse holds.

    Args:
        database: The warehouse.
        plan: The CoinGecko plan of the settings.
    """
    assets = tables.assets
    coins = select(func.count(case((assets.c.is_active, 1))), func.count()).select_from(assets)
    active, ever = database.run_reading(lambda connection: connection.execute(coins).one())
    days = count_by_date(database)
    first, last = min(days, default=None), max(days, default=None)
    rows = sum(day.rows for day in days.values())
    exact = sum(day.exact for day in days.values())
    on_last = days[last].rows if last else 0
    now = datetime.now(UTC)
    budget = read_budget(database, plan, now.date())
    revisions = read_revisions(database, limit=0)
    coverage = read_coverage(database)
    dumps = select(tables.backups).order_by(tables.backups.c.taken_at.desc()).limit(1)
    backup = database.run_reading(lambda connection: connection.execute(dumps).first())
    return Status(
        database=database.masked_url,
        origin=stored_origin(database),
        plan=plan.name,
        coins_active=active,
        coins_gone=ever - active,
        first_date=first,
        last_date=last,
        dates=len(days),
        dates_missing=(last - first).days + 1 - len(days) if first and last else 0,
        rows=rows,
        chart_rows=exact,
        chart_share=exact / rows if rows else 0.0,
        latest_coverage=on_last / active if active else 0.0,
        charts_archived=sum(bool(known.points) for known in coverage.values()),
        answers_to_write=count_unwritten(database),
        values_revised=revisions.values,
        revised_on=revisions.latest.date() if revisions.latest else None,
        month_first=budget.month.first,
        month_last=budget.month.last,
        credits_per_month=budget.credits,
        credits_spent=budget.spent,
        credits_reserved=budget.reserved,
        credits_left=budget.left,
        history=read_outlook(database, plan, now, coverage) if active else None,
        failed_checks=read_checks(database, failed=True),
        backup_at=backup.taken_at if backup else None,
        backup_bytes=backup.bytes if backup else None,
        bytes=read_bytes(database, *(source.name for source in SNAPSHOT_SOURCES)),
        dagster_bytes=read_dagster_bytes(dagster_home()),
    )


def show_status(status: Status) -> None:
    """Print a status as a table."""
    table = Table(title=f"{status.database} ({status.origin or 'empty'})", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("coins, active and gone", f"{status.coins_active:,} and {status.coins_gone:,}")
    table.add_row("dates", f"{status.first_date} to {status.last_date}" if status.first_date else "none")
    table.add_row("dates with rows, and missing between", f"{status.dates:,} and {status.dates_missing:,}")
    table.add_row("rows", f"{status.rows:,}")
    table.add_row("exact rows (from charts)", f"{status.chart_rows:,} ({status.chart_share:.1%})")
    table.add_row("active coins with a row on the latest date", f"{status.latest_coverage:.1%}")
    table.add_row("coins with charts kept", f"{status.charts_archived:,}")
    if status.answers_to_write:
        table.add_row("archived answers whose rows are still to be written", f"{status.answers_to_write:,}")
    if status.values_revised:
        revised = f"{status.values_revised:,}, the latest on {status.revised_on}"
        table.add_row("values of days that were over and that CoinGecko changed", revised)
    if status.history:
        _add_history(table, status.history)
    month = f"{status.month_first} to {status.month_last}"
    of = f" of {status.credits_per_month:,}" if status.credits_per_month else ""
    table.add_row(f"credits spent, {month} (plan {status.plan})", f"{status.credits_spent:,}{of}")
    if status.credits_left is not None:
        table.add_row("credits reserved for its snapshots", f"{status.credits_reserved:,}")
        table.add_row("credits left for history", f"{status.credits_left:,}")
    if status.backup_at and status.backup_bytes is not None:
        hours = (datetime.now(UTC) - status.backup_at).total_seconds() / 3600
        table.add_row("latest backup", f"{hours:,.0f} hours ago, {status.backup_bytes / 1e6:,.1f} MB")
    sizes = f"{told_bytes(status.bytes)} and {told_bytes(status.dagster_bytes)}"
    table.add_row("size on disk, and that of Dagster's own database", sizes)
    CONSOLE.print(table)
    for check in status.failed_checks:
        _tell_failed(check)


def _tell_failed(check: StoredCheck) -> None:
    label = Text("Check failed:", "bold red") if check.is_error else Text("Check warns:", "yellow")
    detail = f" ({check.detail})" if check.detail else ""
    told = f" {check.asset}: {check.check_name}{detail}, on {check.evaluated_at:%Y-%m-%d %H:%M} UTC."
    CONSOLE.print(label.append(told, "default"), highlight=False, soft_wrap=True)


def _add_history(table: Table, history: Outlook) -> None:
    table.add_row(f"coins that lack no day since {history.earliest}", f"{history.completeness:.1%}")
    table.add_row(
        "coins never fetched, and with days missing",
        f"{history.coins_never_fetched:,} and {history.coins_missing_days:,}",
    )
    if history.coins_never_fetched or history.coins_missing_days:
        table.add_row("no day missing any more, at this pace", str(history.complete_on or "never: too few credits"))
    table.add_row("coins whose newest rows are snapshots", f"{history.coins_with_snapshots:,}")
    if history.coins_not_served:
        table.add_row("gone coins with days missing that the plan does not serve", f"{history.coins_not_served:,}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
@demo_option
def status(as_json: bool, on_demo: bool) -> None:
    """Tell what the database holds, how complete it is, what was spent this month, and which checks do not hold."""
    settings = chosen_settings(on_demo=on_demo)
    with ERRORS.status("Reading what is stored"):
        database = open_stored(settings)
        found = read_status(database, settings.plan)
        database.dispose()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), default=str, indent=2))
    else:
        show_status(found)
