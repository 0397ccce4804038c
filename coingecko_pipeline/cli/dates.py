"""The dates that are given as options."""

from datetime import UTC, datetime

import click

from coingecko_pipeline.archive.dates import BackwardsDates, DateRange
from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE


def checked_dates(first: datetime, last: datetime) -> DateRange:
    """The dates of two options.

    Raises:
        click.UsageError: They are in the wrong order, before CoinGecko's first date or not yet begun.
    """
    today = datetime.now(UTC).date()
    if last.date() > today:
        raise click.BadParameter(f"{last.date()} has not begun; the latest date is {today} (UTC).", param_hint="--to")
    if first.date() < FIRST_DATE:
        raise click.BadParameter(f"CoinGecko's first date is {FIRST_DATE}.", param_hint="--from")
    try:
        return DateRange(first.date(), last.date())
    except BackwardsDates as error:
        raise click.UsageError(str(error)) from None
