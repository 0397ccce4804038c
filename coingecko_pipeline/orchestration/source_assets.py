"""What each source's Dagster assets are called and kept in."""

from functools import cache

import dagster as dg
from sqlalchemy import MetaData

from coingecko_pipeline import tables
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.tables import prepare
from coingecko_pipeline.warehouse import Database


def key_in(source: Source, table: str) -> dg.AssetKey:
    """The key of the Dagster asset that fills a source's table."""
    return dg.AssetKey([source.name, table])


DAILY_MARKET = key_in(COINGECKO, "daily_market")
"""The market that most derived tables are made from."""


def group_in(source: Source, group: str) -> str:
    """The group of a source's Dagster asset: the main source's go by subject, another's are together."""
    return group if source is COINGECKO else source.name


def io_manager_of(source: Source) -> str:
    """The key of the IO manager of a source's tables."""
    return "warehouse_io_manager" if source is COINGECKO else f"{source.name}_io_manager"


@cache
def tables_of(source: Source) -> MetaData:
    """The declared tables, whose columns say whose ids and values a source's are."""
    if source is COINGECKO:
        return tables.metadata
    own = MetaData()
    for table in tables.metadata.sorted_tables:
        copy = table.to_metadata(own)
        copy.info.update(table.info)
        for column in copy.columns:
            column.comment = (column.comment or "").replace(COINGECKO.title, source.title)
    return own


def database_of(source: Source, warehouse: Database) -> Database:
    """The database of a source's tables, ready for use: the main one, or a schema beside it.

    Raises:
        WarehouseError: It cannot be reached, or its tables are of another version.
    """
    if source is COINGECKO:
        return warehouse
    database = warehouse.schema(source.name)
    prepare(database)
    return database
