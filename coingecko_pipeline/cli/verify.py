"""What is stored beside what was received."""

import sys
from datetime import datetime

import click
from rich.table import Table

from coingecko_pipeline.cli.dates import checked_dates
from coingecko_pipeline.cli.terminal import CONSOLE, watching
from coingecko_pipeline.market.verify import Differences, verify_market
from coingecko_pipeline.orchestration.resources import open_warehouse
from coingecko_pipeline.settings import load_settings


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="The first date (UTC); all by default.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="The last date, included.")
@click.option("--asset", "asset_ids", multiple=True, help="Only this coin, by its id; can be repeated.")
@click.option("--repair", is_flag=True, help="Write what differs, as the archive makes it.")
def verify(first: datetime | None, last: datetime | None, asset_ids: tuple[str, ...], repair: bool) -> None:
    """Make the daily market again from the archived charts, beside the table, and compare the two bit for bit.

    Lists the rows that are missing, different and surplus. It costs no call. The exit code is 1 where something
    differs and was not repaired.
    """
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together.")
    dates = checked_dates(first, last) if first and last else None
    database = open_warehouse(load_settings())
    try:
        with watching() as progress:
            done = 0

            def tell(compared: int, of: int) -> None:
                nonlocal done
                if not done:
                    progress.begin("Comparing", of, "coins")
                progress.advance(compared - done)
                done = compared

            found = verify_market(database, dates, asset_ids, repair=repair, on_coins=tell)
            if done:
                progress.end()
    finally:
        database.dispose()
    show(found, repaired=repair)
    sys.exit(0 if found.is_clean or repair else 1)


def show(found: Differences, *, repaired: bool) -> None:
    """Print what differs, by kind."""
    CONSOLE.print(f"Compared {found.rows:,} rows of {found.coins:,} coins with the archive.", highlight=False)
    if found.unwritten:
        CONSOLE.print(
            f"{found.unwritten:,} archived answers wait to be written; the next run that asks for charts writes them.",
            highlight=False,
        )
    if found.unproven:
        CONSOLE.print(
            f"{found.unproven:,} rows of charts are of dates that no archived answer has spoken for: they stay.",
            highlight=False,
        )
    if found.is_clean:
        CONSOLE.print("[green]Nothing differs.[/]")
        return
    table = Table(title="daily_market: " + ("was repaired" if repaired else "differs"))
    for name in ("kind", "rows", "for example"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for kind, count in (("missing", found.missing), ("different", found.different), ("surplus", found.surplus)):
        if count:
            table.add_row(kind, f"{count:,}", ", ".join(found.examples[kind][:3]))
    CONSOLE.print(table)
