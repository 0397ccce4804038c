"""The roll-ups and measures by hand, where no daemon runs that would follow the markets."""

import sys
import time
from datetime import datetime
from typing import Any

import click

from coingecko_pipeline.cli.dates import checked_dates
from coingecko_pipeline.cli.instance import use_home
from coingecko_pipeline.cli.runs import run_job
from coingecko_pipeline.cli.terminal import CONSOLE, counted
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.measures import MEASURES
from coingecko_pipeline.orchestration.resources import utc_now
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE
from coingecko_pipeline.sources.registry import COINGECKO


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="Make anew from this date (UTC) on.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Up to this date, included.")
def measures(first: datetime | None, last: datetime | None) -> None:
    """Compute weeks, months, returns, the global market, candles and flags where the market has changed.

    With dates: make anew what the market of these dates goes into, changed or not. It costs no call. Where the daemon
    or the UI runs, what has changed is followed by itself.
    """
    began = time.monotonic()
    settings = load_settings()
    config: dict[str, Any] = {}
    if first or last:
        earliest, today = datetime.combine(FIRST_DATE, datetime.min.time()), utc_now().replace(tzinfo=None)
        dates = checked_dates(first or earliest, last or today)
        rebuild = {"rebuild": {"from_date": str(dates.first), "to_date": str(dates.last)}}
        config = {f"{COINGECKO.name}__{derived.name}": {"config": rebuild} for derived in MEASURES}
    open_warehouse(settings).dispose()
    use_home()
    outcome = run_job("measures_job", settings, ops=config)
    for table, facts in outcome.metadata.items():
        what = "the whole table" if facts["whole_table"] else counted(facts["changes"], "change")
        CONSOLE.print(
            f"{table}: {counted(facts['rows_written'], 'row')} in {facts['seconds']:,.1f} s ({what}).", highlight=False
        )
    CONSOLE.print(f"The whole command took {time.monotonic() - began:,.1f} s.", highlight=False)
    sys.exit(0 if outcome.ok else 1)
