"""The tables, created or brought to this version."""

import click
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.cli.terminal import CONSOLE, counted
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.market.charts import ChartWriter
from coingecko_pipeline.market.verify import count_unwritten
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES
from coingecko_pipeline.tables import SOURCE_TABLES, migrate, open_database
from coingecko_pipeline.warehouse import Database, DatabaseUnavailable, StatementRefused


@click.command("migrate")
def migrate_command() -> None:
    """Create the tables in the database that DATABASE_URL names, or change them to this version.

    The tables of the second source are in a database of their own beside it.
    """
    settings = load_settings()
    migrate_all(open_database(settings.database_url.get_secret_value()))


def migrate_all(database: Database) -> None:
    """Bring the tables of every source to this version, tell it, and close the database.

    Args:
        database: The main one, with a user who may change tables.

    Raises:
        WarehouseError: The main database cannot be reached, or its tables are newer.
    """
    revision = migrate(database)
    CONSOLE.print(f"{database.masked_url} is at version {revision}.", highlight=False, soft_wrap=True)
    for source in SNAPSHOT_SOURCES:
        _migrate_schema(database, source)
    if waiting := count_unwritten(database):
        _write_archived(database, waiting)
    database.dispose()


def _write_archived(database: Database, answers: int) -> None:
    """Write the rows of archived charts that have none yet: of those that an earlier version stored, all."""
    with at_work("Reading the archive") as progress:
        progress.begin("Rows of archived charts", answers, "charts")
        written = ChartWriter(database).write_unwritten(progress.advance)
        progress.end()
    CONSOLE.print(
        f"Compared {counted(written.answers, 'archived chart')} with the table and wrote "
        f"{counted(written.rows, 'row')} that it lacked.",
        highlight=False,
    )
    if written.unreadable:
        CONSOLE.print(
            f"{counted(len(written.unreadable), 'archived chart')} cannot be read and will be asked for again: "
            f"{', '.join(written.unreadable[:5])}. The rows stay.",
            highlight=False,
        )


def _migrate_schema(database: Database, source: Source) -> None:
    """Make the tables of another source, where the user may: nothing but the source itself needs them."""
    schema = database.schema(source.name)
    try:
        revision = migrate(schema, only=SOURCE_TABLES)
    except (DatabaseUnavailable, StatementRefused, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        CONSOLE.print(
            f"The tables of {source.title} were not made, and only {source.title} needs them: {reason}.",
            highlight=False,
            soft_wrap=True,
        )
    else:
        CONSOLE.print(f"{schema.masked_url} is at version {revision}.", highlight=False, soft_wrap=True)
