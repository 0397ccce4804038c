"""The roll-ups and measures by hand, where no daemon runs that would follow the markets."""

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from coingecko_pipeline.cli.dates import checked_dates
from coingecko_pipeline.cli.jobs import Outcome, run_job, running
from coingecko_pipeline.cli.terminal import counted, tell
from coingecko_pipeline.measures import MEASURES
from coingecko_pipeline.settings import Settings, load_settings
from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.sources.session import utc_now


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="Make anew from this date (UTC) on.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Up to this date, included.")
def measures(first: datetime | None, last: datetime | None) -> None:
    """Compute weeks, months, returns, the global market, candles and flags where the market has changed.

    With dates: make anew what the market of these dates goes into, changed or not. It costs no call. Where the daemon
    or the UI runs, what has changed is followed by itself.
    """
    settings = load_settings()
    config: dict[str, Any] = {}
    if first or last:
        earliest, today = datetime.combine(FIRST_DATE, datetime.min.time()), utc_now().replace(tzinfo=None)
        dates = checked_dates(first or earliest, last or today)
        rebuild = {"rebuild": {"from_date": str(dates.first), "to_date": str(dates.last)}}
        config = {f"{COINGECKO.name}__{derived.name}": {"config": rebuild} for derived in MEASURES}
    with running(settings):
        outcome = take_measures(settings, config)
    sys.exit(0 if outcome.ok else 1)


def take_measures(settings: Settings, config: Mapping[str, Any] | None = None) -> Outcome:
    """Run the measures' job, and tell what each table got.

    Args:
        settings: What the resources are made from.
        config: Config by op; by default what has changed is followed.
    """
    outcome = run_job("measures_job", settings, ops=config)
    for table, facts in outcome.metadata.items():
        what = "the whole table" if facts["whole_table"] else counted(facts["changes"], "change")
        tell(f"{table}: {counted(facts['rows_written'], 'row')} in {facts['seconds']:,.1f} s ({what}).")
    return outcome
