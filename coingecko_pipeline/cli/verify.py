"""What is stored beside what was received, and what was computed beside what it is computed from."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

import click
from rich.table import Table

from coingecko_pipeline.agreement.comparison import verify_agreement
from coingecko_pipeline.cli.dates import checked_dates
from coingecko_pipeline.cli.stored import open_stored
from coingecko_pipeline.cli.terminal import CONSOLE, counted
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.market.differences import KINDS, RowDifferences
from coingecko_pipeline.market.pages import PageDifferences, verify_pages
from coingecko_pipeline.market.verify import Differences, verify_market
from coingecko_pipeline.measures import ALWAYS, MEASURES, Comparing, DerivedDifferences, Span, verify_measure
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.tables.agreement import source_agreement
from coingecko_pipeline.warehouse import Database, StatementRefused, WarehouseError


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="The first date (UTC); all by default.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="The last date, included.")
@click.option("--asset", "asset_ids", multiple=True, help="Only this coin, by its id; can be repeated.")
@click.option("--repair", is_flag=True, help="Write what differs, as it is made again.")
def verify(first: datetime | None, last: datetime | None, asset_ids: tuple[str, ...], repair: bool) -> None:
    """Make every table again beside what is stored, and compare the two bit for bit.

    The daily market is made from the archived charts, the whole rows from the pages that are kept; weeks, months,
    returns, the global market, the bars of hours and the agreement of two sources from the markets as they are stored.
    Lists the rows that are missing, different and surplus. It costs no call. The exit code is 1 where something
    differs and was not repaired.
    """
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together.")
    dates = checked_dates(first, last) if first and last else None
    settings = load_settings()
    database = open_stored(settings)
    try:
        with _bar("daily_market", "coins") as tell:
            market = verify_market(database, dates, asset_ids, repair=repair, on_coins=tell)
        show_market(market, repaired=repair)
        with _bar("market_snapshots", "pages") as tell:
            pages = verify_pages(database, dates, asset_ids, repair=repair, on_pages=tell)
        show_pages(pages, repaired=repair)
        span = Span(dates.first, dates.last) if dates else ALWAYS
        derived = compare_derived(database, Comparing(span, asset_ids, repair, settings.measures_memory_mb))
    finally:
        database.dispose()
    show_derived(derived, repaired=repair)
    is_clean = market.is_clean and pages.is_clean and all(found.is_clean for found in derived.values())
    if is_clean:
        CONSOLE.print("Nothing differs.", style="green")
    sys.exit(0 if is_clean or repair else 1)


def compare_derived(database: Database, options: Comparing) -> Mapping[str, DerivedDifferences]:
    """Compare every table that is computed inside the database, by its name.

    Args:
        database: The main one.
        options: What is compared.

    Raises:
        WarehouseError: The account may not do it.
    """
    comparisons: dict[str, Callable[[Comparing], DerivedDifferences]] = {
        **{measure.name: partial(verify_measure, database, measure) for measure in MEASURES},
        source_agreement.name: partial(verify_agreement, database, COINPAPRIKA.name),
    }
    found = {}
    for name, compare in comparisons.items():
        try:
            with _bar(name, "parts") as tell:
                found[name] = compare(replace(options, on_parts=tell))
        except StatementRefused as refused:
            raise WarehouseError(
                f"{name} is compared by an account that may create temporary tables, and change rows that differ: "
                f"use the one of the runs ({refused})"
            ) from refused
    return found


@contextmanager
def _bar(table: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for one table, which is told how many units are done, and of how many."""
    with at_work(f"Comparing {table}") as progress:
        done = 0

        def tell(compared: int, of: int) -> None:
            nonlocal done
            if not done:
                progress.begin(f"Comparing {table}", of, unit)
            progress.advance(compared - done)
            done = compared

        try:
            yield tell
        finally:
            if done:
                progress.end()


def show_market(found: Differences, *, repaired: bool) -> None:
    """Print what differs in the daily market, by kind."""
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
    _show(tables={"daily_market": found}, repaired=repaired)


def show_pages(found: PageDifferences, *, repaired: bool) -> None:
    """Print what differs between the whole rows and the pages that are kept."""
    if found.pages:
        CONSOLE.print(
            f"Compared {counted(found.rows, 'row')} of market_snapshots with {counted(found.pages, 'page')} as "
            "received.",
            highlight=False,
        )
    _show(tables={"market_snapshots": found}, repaired=repaired)


def show_derived(found: Mapping[str, DerivedDifferences], *, repaired: bool) -> None:
    """Print what differs in the tables that are computed, by table and kind."""
    for name, each in found.items():
        if each.parts or each.waiting:
            CONSOLE.print(f"Compared {counted(each.rows, 'row')} of {name} with the market.", highlight=False)
        if each.waiting:
            CONSOLE.print(
                f"Not compared: {counted(each.waiting, 'part')} of {name}, since changes wait to be followed. The "
                "daemon, `coingecko-pipeline measures` or `--repair` follows them.",
                highlight=False,
            )
    if never := [name for name, each in found.items() if not each.was_made]:
        CONSOLE.print(f"Never computed: {', '.join(never)}.", highlight=False)
    _show(found, repaired=repaired)


def _show(tables: Mapping[str, RowDifferences], *, repaired: bool) -> None:
    if all(found.is_clean for found in tables.values()):
        return
    shown = Table(title="What was repaired" if repaired else "What differs")
    for column in ("table", "kind", "rows", "for example"):
        shown.add_column(column, justify="right" if column == "rows" else "left")
    for name, found in tables.items():
        for kind in KINDS:
            if number := getattr(found, kind):
                shown.add_row(name, kind, f"{number:,}", ", ".join(found.examples[kind][:3]))
    CONSOLE.print(shown)
