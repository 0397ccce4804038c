"""Currencies on past dates."""

import sys
from datetime import datetime
from typing import Any

import click

from coingecko_pipeline.acquisition.currencies import due_currencies
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.dates import checked_dates
from coingecko_pipeline.cli.jobs import Outcome, run_job, running, take_missing_list
from coingecko_pipeline.cli.terminal import ERRORS, counted, tell
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import Settings, load_settings
from coingecko_pipeline.sources.session import utc_now

DATE = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--currency", "currencies", multiple=True, required=True, help="Its code, such as eur; can be repeated.")
@click.option("--from", "first", type=DATE, required=True, help="The first date (UTC).")
@click.option("--to", "last", type=DATE, required=True, help="The last date, included.")
def fx(currencies: tuple[str, ...], first: datetime, last: datetime) -> None:
    """Fetch what currencies cost in US dollars on past dates: a call for each, none for what was fetched before.

    Today's rates of some 70 currencies come with the daily run.
    """
    dates = checked_dates(first, last)
    settings = load_settings()
    with running(settings):
        if not take_missing_list(settings):
            sys.exit(1)
        outcome = take_currencies(settings, currencies, dates)
    sys.exit(0 if outcome.ok else 1)


def take_currencies(settings: Settings, currencies: tuple[str, ...] = (), dates: DateRange | None = None) -> Outcome:
    """Ask for the charts that some currencies lack, and tell what was stored and what it cost.

    Args:
        settings: What the resources are made from.
        currencies: Their codes; none for those of the setting CURRENCIES that are due.
        dates: The dates that are wanted; None for all that the plan serves.
    """
    config: dict[str, Any] = {"currencies": list(currencies)}
    if dates:
        config |= {"from_date": str(dates.first), "to_date": str(dates.last)}
    outcome = run_job("currency_charts_job", settings, ops={"coingecko__currency_charts": {"config": config}})
    facts: dict[str, Any] = dict(outcome.metadata.get("currency_charts", {}))
    if not facts:
        return outcome
    cost = f"{counted(facts['calls'], 'call')} and {counted(facts['credits'], 'credit')}"
    tell(f"Stored {counted(facts['rates_written'], 'rate')} of past dates for {cost}.")
    faulty: dict[str, str] = facts["currencies_faulty"]
    for currency, reason in faulty.items():
        tell(f"Nothing came of {currency}: {reason}", ERRORS)
    return Outcome(outcome.ok and not faulty, outcome.metadata)


def complete_currencies(settings: Settings) -> bool:
    """Complete the currencies of the setting CURRENCIES that are due; whether all went well."""
    if not settings.currencies:
        return True
    database = open_warehouse(settings)
    due, _ = due_currencies(settings.currencies, database, settings.plan, utc_now())
    database.dispose()
    if not due:
        return True
    with running(settings):
        return take_currencies(settings).ok
