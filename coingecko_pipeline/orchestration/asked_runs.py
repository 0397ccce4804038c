"""Runs that a command asks for: which database the command meant, and whether somebody waits for them."""

from collections.abc import Mapping

import dagster as dg
from sqlalchemy.engine import URL

from coingecko_pipeline.sources.session import PATIENCE_SECONDS
from coingecko_pipeline.warehouse import Database, WarehouseError

DATABASE_TAG = "coingecko_pipeline/database"
"""On a run that a command asked for: where the command's own settings keep the data, without user and password."""

WAITED_FOR_TAG = "coingecko_pipeline/waited_for"
"""On a run that somebody waits for in front of a terminal: a network that is away ends it soon."""


def waited_for_tags(*, is_waited_for: bool) -> Mapping[str, str]:
    """The tags that say whether somebody waits for a run."""
    return {WAITED_FOR_TAG: "true"} if is_waited_for else {}


def patience_of(run: dg.DagsterRun | None) -> float | None:
    """Seconds for which a run tries a server that was never reached; None for as long as after any failure."""
    return PATIENCE_SECONDS if run and WAITED_FOR_TAG in run.tags else None


class AnotherDatabase(WarehouseError):
    """The run would work on another database than the command that asked for it."""


def database_tags(database: Database) -> Mapping[str, str]:
    """The tags that say which database a run is meant for."""
    return {DATABASE_TAG: _place(database.url)}


def assert_same_database(run: dg.DagsterRun, database: Database) -> None:
    """Refuse a run that a command asked for whose settings name another database.

    Args:
        run: Any run.
        database: The one that it would work on.

    Raises:
        AnotherDatabase: It is another one; nothing was done.
    """
    meant, found = run.tags.get(DATABASE_TAG), _place(database.url)
    if meant is not None and meant != found:
        raise AnotherDatabase(
            f"The command that asked for this run has {meant} as its DATABASE_URL, and the daemon at work on this "
            f"DAGSTER_HOME has {found}: give both the same one, or the command another DAGSTER_HOME."
        )


def _place(url: URL) -> str:
    place = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    return place.render_as_string()
