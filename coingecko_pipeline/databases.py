"""The databases that the settings and the sources name, ready for use. No Dagster, so that a command begins at once."""

from functools import cache

from sqlalchemy import MetaData

from coingecko_pipeline import tables
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database


def open_warehouse(settings: Settings, *, known: bool = False) -> Database:
    """The database of the settings, its tables ready for use.

    Args:
        settings: Where it is.
        known: Whether its server was reached before and is worth waiting for.

    Raises:
        WarehouseError: It cannot be reached, or its tables are of another version.
    """
    database = tables.open_database(settings.database_url.get_secret_value(), known=known)
    tables.prepare(database)
    return database


def database_of(source: Source, warehouse: Database) -> Database:
    """The database of a source's tables, ready for use: the main one, or a schema beside it.

    Raises:
        WarehouseError: It cannot be reached, or its tables are of another version.
    """
    if source is COINGECKO:
        return warehouse
    database = warehouse.schema(source.name)
    tables.prepare(database, only=tables.SOURCE_TABLES)
    return database


@cache
def tables_of(source: Source) -> MetaData:
    """The declared tables that a source uses, whose columns say whose ids and values they hold."""
    if source is COINGECKO:
        return tables.metadata
    declared = MetaData()
    for name in sorted(tables.SOURCE_TABLES):
        table = tables.metadata.tables[name]
        copy = table.to_metadata(declared)
        copy.info.update(table.info)
        for column in copy.columns:
            column.comment = (column.comment or "").replace(COINGECKO.title, source.title)
    return declared
