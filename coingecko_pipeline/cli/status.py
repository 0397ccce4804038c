"""What the database holds, how complete it is, and what was spent."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime

import click
from rich.table import Table
from sqlalchemy import case, func, select

from coingecko_pipeline.acquisition.usage import spent_since
from coingecko_pipeline.cli.terminal import CONSOLE
from coingecko_pipeline.coingecko.plans import Plan
from coingecko_pipeline.resources import open_warehouse
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline.warehouse import Database, stored_origin, tables


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
        charts_archived: Coins whose chart is kept.
        calls_this_month: Calls that were answered in this calendar month.
        credits_this_month: Credits that they cost.
        credits_per_month: What the plan includes; None where none are counted.
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
    calls_this_month: int
    credits_this_month: int
    credits_per_month: int | None


def read_status(database: Database, plan: Plan) -> Status:
    """Read what a warehouse holds.

    Args:
        database: The warehouse.
        plan: The CoinGecko plan of the settings.
    """
    market, assets, charts = tables.daily_market, tables.assets, tables.raw_market_charts
    by_date = select(market.c.date, market.c.source, func.count().label("coins")).group_by(
        market.c.date, market.c.source
    )
    with database.connect() as connection:
        counted = connection.execute(by_date).all()
        active, ever = connection.execute(
            select(func.count(case((assets.c.is_active, 1))), func.count()).select_from(assets)
        ).one()
        archived = connection.execute(select(func.count()).select_from(charts)).scalar_one()
    days = {row.date for row in counted}
    first, last = min(days, default=None), max(days, default=None)
    rows = sum(row.coins for row in counted)
    exact = sum(row.coins for row in counted if row.source == tables.CHART)
    on_last = sum(row.coins for row in counted if row.date == last)
    spent = spent_since(database, datetime.now(UTC).date().replace(day=1))
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
        charts_archived=archived,
        calls_this_month=spent.calls,
        credits_this_month=spent.credits,
        credits_per_month=plan.credits_per_month,
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
    table.add_row("charts kept", f"{status.charts_archived:,}")
    table.add_row("calls this month", f"{status.calls_this_month:,}")
    of = f" of {status.credits_per_month:,}" if status.credits_per_month else ""
    table.add_row(f"credits this month (plan {status.plan})", f"{status.credits_this_month:,}{of}")
    CONSOLE.print(table)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def status(as_json: bool) -> None:
    """Tell what the database holds, how complete it is, and what was spent this month."""
    settings = load_settings()
    database = open_warehouse(settings)
    found = read_status(database, settings.plan)
    database.dispose()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), default=str, indent=2))
    else:
        show_status(found)
