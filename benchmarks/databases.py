"""Databases to measure on."""

import re

from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database


def fresh_database(url: str) -> Database:
    """An empty, migrated database; one of that name is dropped first."""
    database = Database(url)
    if not database.is_sqlite:
        _drop(database, url)
    migrate(database)
    return database


def empty_database(url: str) -> Database:
    """A MySQL database without any table; one of that name is dropped first."""
    database = Database(url)
    _drop(database, url)
    with _server(url).transaction() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE `{database.url.database}` CHARACTER SET utf8mb4")
    return database


def _drop(database: Database, url: str) -> None:
    # The second source has a database of its own, and dlt keeps what it merges from in one.
    with _server(url).transaction() as connection:
        for ending in ("", "_coinpaprika", "_staging"):
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{database.url.database}{ending}`")


def _server(url: str) -> Database:
    return Database(re.sub(r"/[^/]*$", "/mysql", url))
