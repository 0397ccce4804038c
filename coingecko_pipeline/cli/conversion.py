"""An export's values in another currency: of which tables, at which rates, and what is told where there is none."""

from datetime import timedelta

import click
from sqlalchemy import Table, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.currencies import DOLLAR
from coingecko_pipeline.cli.terminal import ERRORS, counted
from coingecko_pipeline.export import Conversion, NothingToExport, Selection
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

AT_ONE_DATE = ("daily_market", "daily_market_clean", "global_market_daily")
"""Tables and views each of whose values in US dollars is one of its row's date."""


def checked_currency(currency: str | None, source: Source, table: Table) -> str | None:
    """The code of a currency in lower case; None for dollars.

    Args:
        currency: As given.
        source: Whose table it is.
        table: What is exported.

    Raises:
        click.UsageError: The table's values are of other moments, so that no date's rate fits them.
    """
    code = DOLLAR if currency is None else currency.strip().lower()
    if code == DOLLAR:
        return None
    if source is not COINGECKO or table.name not in AT_ONE_DATE:
        raise click.UsageError(
            f"--currency goes with {', '.join(AT_ONE_DATE)} of CoinGecko: other tables have values of more than one "
            "moment in a row, or none in dollars, so that no date's rate fits them."
        )
    return code


def read_conversion(currency: str, selection: Selection, database: Database) -> Conversion:
    """What converts the rows of a selection.

    Raises:
        NothingToExport: None of its dates has a rate.
    """
    rates = tables.fx_rates
    query = select(rates.c.date, rates.c.usd_per_unit).where(rates.c.currency == currency)
    if selection.first:
        query = query.where(rates.c.date >= selection.first)
    if selection.last:
        # The close of the last day is the row of the next.
        query = query.where(rates.c.date <= selection.last + timedelta(days=1))
    found = database.run_reading(lambda connection: connection.execute(query).all())
    if not found:
        raise NothingToExport(
            f"There is no rate of {currency!r} for {selection}: coingecko-pipeline fx --currency {currency} fetches "
            "those of past dates."
        )
    return Conversion(currency, {row.date: row.usd_per_unit for row in found})


def tell_lacking(conversion: Conversion) -> None:
    """Tell of which dates the values were left empty."""
    if not conversion.lacking:
        return
    first, last = min(conversion.lacking), max(conversion.lacking)
    ERRORS.print(
        f"The values of {counted(len(conversion.lacking), 'date')} from {first} to {last} are empty, since there is no "
        f"rate of {conversion.currency}: coingecko-pipeline fx --currency {conversion.currency} --from {first} --to "
        f"{last} fetches it.",
        highlight=False,
        soft_wrap=True,
    )
