"""Running a job for a command. Dagster is loaded when the first one runs: it takes longer than most commands."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coingecko_pipeline.acquisition.universe import count_active
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.instance import use_home
from coingecko_pipeline.cli.terminal import tell, telling_time
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        ok: The run succeeded, and no check failed with the severity of an error.
        metadata: Of each materialized table, by its name; of a range what holds for the whole run.
    """

    ok: bool
    metadata: Mapping[str, Mapping[str, Any]]

    def and_then(self, run: Callable[[], "Outcome"]) -> "Outcome":
        """The outcome of this run and of one that looks at what it stored; of this one alone where that is nothing."""
        if not self.metadata:
            return self
        other = run()
        return Outcome(self.ok and other.ok, {**self.metadata, **other.metadata})


@contextmanager
def running(
    settings: Settings,
    open_database: Callable[[Settings], Database] = open_warehouse,
    home: Callable[[], Path] = use_home,
) -> Iterator[None]:
    """The time in which a command runs jobs: what it does is shown, and how long it took is told at the end.

    Args:
        settings: Whose database can be used, or nothing is begun.
        open_database: Refuses a database that cannot.
        home: Puts the home of Dagster's instance in use.

    Raises:
        click.ClickException: The database cannot be used.
        WarehouseError: It cannot be reached, or its tables are of another version.
        SettingsError: DAGSTER_HOME cannot be used.
    """
    with at_work("Opening the database"):
        open_database(settings).dispose()
        home()
        with telling_time():
            yield


def take_missing_list(settings: Settings) -> bool:
    """Take the list of coins where there is none; whether there is one now."""
    database = open_warehouse(settings)
    try:
        if count_active(database):
            return True
    finally:
        database.dispose()
    tell("There are no coins yet: taking the asset list first.")
    return run_job("asset_list_job", settings).ok


def run_job(
    name: str,
    settings: Settings,
    dates: DateRange | None = None,
    ops: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run a job and tell what it did.

    A job that uses a key or remakes tables waits for its turn: in the queue of a daemon that is at work on the
    instance, which then does the run, else here.

    Args:
        name: The job's name.
        settings: What the resources are made from.
        dates: The partitions; None for a job without any.
        ops: Config by op.

    Raises:
        click.Abort: The process was told to end. What was committed stays.
    """
    with at_work("Loading Dagster") as view:
        from coingecko_pipeline.cli.runs import run

        return run(view, name, settings, dates, ops or {})
