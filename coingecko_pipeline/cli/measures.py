"""The roll-ups and measures by hand, where no daemon runs that would follow the daily market."""

import sys
from datetime import UTC, date, datetime

import click
import dagster as dg

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.commands import checked_dates
from coingecko_pipeline.cli.instance import use_home
from coingecko_pipeline.cli.runs import run_job
from coingecko_pipeline.cli.terminal import CONSOLE, counted
from coingecko_pipeline.orchestration.resources import open_warehouse
from coingecko_pipeline.partitions import DAILY, MONTHLY, WEEKLY, dates_of, key_of
from coingecko_pipeline.settings import load_settings


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first date (UTC).")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last date, included.")
def measures(first: datetime, last: datetime) -> None:
    """Compute weeks, months, returns and the global market anew where the market of these dates goes into them.

    It costs no call. Where the daemon or the UI runs, this happens by itself.
    """
    dates = checked_dates(first, last)
    settings = load_settings()
    open_warehouse(settings).dispose()
    use_home()
    ok = True
    for job, parts in (
        ("weekly_market_job", periods_of(WEEKLY, dates)),
        ("monthly_market_job", periods_of(MONTHLY, dates)),
        # An old price can be the highest of all later dates, so they are computed up to today.
        ("daily_measures_job", DateRange(dates.first, datetime.now(UTC).date())),
    ):
        if parts is None:
            continue
        outcome = run_job(job, settings, parts)
        for table, facts in outcome.metadata.items():
            CONSOLE.print(f"Computed {table} from {parts.first}: {counted(facts['rows_written'], 'row')}.")
        ok = outcome.ok and ok
    sys.exit(0 if ok else 1)


def periods_of(definition: dg.TimeWindowPartitionsDefinition, dates: DateRange) -> DateRange | None:
    """The first dates of the first and the last whole period that some dates go into; None where there is none."""
    days = DAILY.get_partition_keys_in_range(dg.PartitionKeyRange(key_of(dates.first), key_of(dates.last)))
    periods = dg.TimeWindowPartitionMapping().get_downstream_partitions_for_partitions(
        DAILY.subset_with_partition_keys(days), DAILY, definition
    )
    keys = sorted(periods.get_partition_keys(), key=date.fromisoformat)
    return DateRange(*dates_of(dg.PartitionKeyRange(keys[0], keys[-1]))) if keys else None
