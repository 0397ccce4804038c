"""The lake, deleted: its files wherever its catalog says that they are, and then what the catalog says."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, delete, inspect, select

from coingecko_pipeline import tables
from coingecko_pipeline.lake.errors import assert_extra
from coingecko_pipeline.market.changes import COPY
from coingecko_pipeline.warehouse import Database


def folders_of_lake(database: Database) -> Mapping[str, str]:
    """Where the files of each table of the lake are, by its name, whatever LAKE_URI says now.

    Args:
        database: Where the catalog is; of whatever version.
    """
    catalog = tables.iceberg_tables

    def read(connection: Connection) -> Mapping[str, str]:
        if not inspect(connection).has_table(catalog.name):
            return {}
        rows = connection.execute(select(catalog.c.table_name, catalog.c.metadata_location)).all()
        return {name: location.rpartition("/metadata/")[0] for name, location in rows if location}

    return database.run_reading(read)


def delete_lake(database: Database, deleted: Callable[[str], None] = lambda _: None) -> None:
    """Delete the files of every table, and then the catalog: after an interruption the same again deletes the rest.

    Args:
        database: Where the catalog is.
        deleted: Told of each folder that is gone.

    Raises:
        LakeError: What the lake is written with is not installed, or its files cannot be deleted.
    """
    folders = folders_of_lake(database)
    if not folders:
        return
    assert_extra()
    from coingecko_pipeline.lake.opening import open_lake

    (some, *_) = folders.values()
    lake = open_lake(database, some)
    with lake.locked():
        for folder in folders.values():
            lake.files.delete_folder(folder)
            deleted(folder)
        database.run_in_transaction(_empty_catalog)


def _empty_catalog(connection: Connection) -> None:
    followed = tables.followed_changes
    connection.execute(delete(followed).where(followed.c.table_name.startswith(COPY)))
    connection.execute(delete(tables.iceberg_tables))
    connection.execute(delete(tables.iceberg_namespace_properties))
