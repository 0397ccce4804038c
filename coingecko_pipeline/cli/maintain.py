"""Dagster's own database, kept small."""

from datetime import UTC, datetime, timedelta

import click

from coingecko_pipeline.cli.dagster_storage import read_dagster_bytes, told_bytes
from coingecko_pipeline.cli.instance import use_home
from coingecko_pipeline.cli.terminal import counted, tell, telling_time
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.settings import load_settings


@click.command()
def maintain() -> None:
    """Delete Dagster's records of runs that ended more than KEEP_EVENTS_DAYS ago.

    What its UI needs stays: the latest materialization of each asset and partition, the latest result of each check.
    maintenance_schedule does the same each night; this is for where no daemon runs.
    """
    settings = load_settings()
    home = use_home()
    before = datetime.now(UTC) - timedelta(days=settings.keep_events_days)
    with at_work("Deleting old records"), telling_time():
        # Dagster takes longer to load than most commands take.
        import dagster as dg

        from coingecko_pipeline.orchestration.retention import RetentionError, delete_old_records

        try:
            with dg.DagsterInstance.get() as instance:
                deleted = delete_old_records(instance, before)
        except RetentionError as error:
            raise click.ClickException(str(error)) from None
    runs, events, checks = (
        counted(deleted.runs, "run"),
        counted(deleted.events, "event"),
        counted(deleted.checks, "result"),
    )
    tell(
        f"Deleted {runs}, {events} and {checks} of checks, of before {before:%Y-%m-%d}. "
        f"Dagster's database has {told_bytes(read_dagster_bytes(home))}."
    )
