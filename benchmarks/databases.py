"""Databases to measure on."""

import re

from coingecko_pipeline.warehouse import Database, migrate


def fresh_database(url: str) -> Database:
    """An empty, migrated database; one of that name is dropped first."""
    database = Database(url)
    if not database.is_sqlite:
        with Database(re.sub(r"/[^/]*$", "/mysql", url)).transaction() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{database.url.database}`")
    migrate(database)
    return database
