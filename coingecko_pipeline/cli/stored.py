"""The database of a command that reads: nothing is created, and one without a coin tells what to run first."""

from pathlib import Path

import click

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.universe import has_coins
from coingecko_pipeline.cli.demo_place import DEMO_DATABASE
from coingecko_pipeline.cli.terminal import program
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.warehouse import Database


def open_stored(settings: Settings) -> Database:
    """The database of the settings, which holds coins.

    Args:
        settings: Where it is.

    Raises:
        click.ClickException: There is no such file, or no coin in it.
        WarehouseError: It cannot be reached, or its tables are of another version.
    """
    database = tables.open_database(settings.database_url.get_secret_value())
    path = Path(database.url.database or "")
    if database.is_sqlite and not path.exists():
        if path == DEMO_DATABASE:
            raise click.ClickException(f"There is no demo here yet: {program()} demo makes one.")
        raise click.ClickException(
            f"There is no {database.masked_url} yet: {program()} daily takes today's market into it, and {program()} "
            "demo makes a synthetic one. DATABASE_URL names another."
        )
    tables.prepare(database)
    if not has_coins(database):
        database.dispose()
        raise click.ClickException(
            f"There is no coin in {database.masked_url} yet: {program()} daily takes the list and today's market."
        )
    return database
