"""Schemas beside the main database: where they are, and how their tables are read together with its own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect
from sqlalchemy.engine import make_url

from coingecko_pipeline.databases import database_of, tables_of
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.tables import MAIN_TABLES, MIGRATIONS, SOURCE_TABLES, migrate, open_database, raw_asset_list
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_servers, on_sqlite
from coingecko_pipeline_tests.running import rows_of


def add_coin(database: Database, asset_id: str, name: str) -> None:
    with database.transaction() as connection:
        row = {"asset_id": asset_id, "name": name, "fetched_at": datetime(2026, 1, 1, tzinfo=UTC)}
        connection.execute(insert(raw_asset_list), row)


@pytest.mark.parametrize(
    ("main", "schema"),
    [
        ("mysql+pymysql://me:hush@host:3306/coingecko", "mysql+pymysql://me:hush@host:3306/coinpaprika"),
        ("mysql+pymysql://host/market?charset=utf8mb4", "mysql+pymysql://host/market_coinpaprika?charset=utf8mb4"),
        ("sqlite:///data/coingecko.db", "sqlite:///data/coinpaprika.db"),
        ("sqlite:////data/demo/market.db", "sqlite:////data/demo/market_coinpaprika.db"),
        ("sqlite:///market", "sqlite:///market_coinpaprika"),
    ],
)
def test_a_schema_lies_beside_the_main_database(main: str, schema: str) -> None:
    assert open_database(main).schema("coinpaprika").url == make_url(schema)


def test_a_schema_is_opened_once_and_has_tables_of_its_own(database: Database, second: Database) -> None:
    assert database.schema("coinpaprika") is second
    assert MIGRATIONS.current_revision(second) == MIGRATIONS.head_revision()
    add_coin(second, "x", "one")
    assert rows_of(second, "SELECT asset_id, name FROM raw_asset_list") == [("x", "one")]
    assert rows_of(database, "SELECT asset_id, name FROM raw_asset_list") == []


def test_a_schema_has_the_tables_that_another_source_uses_and_no_others(database: Database, second: Database) -> None:
    with second.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {*SOURCE_TABLES, MIGRATIONS.version_table}
    assert set(tables_of(COINPAPRIKA).tables) == SOURCE_TABLES
    with database.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {*MAIN_TABLES, MIGRATIONS.version_table}


def test_a_schema_that_an_earlier_version_made_loses_its_unused_tables_but_for_those_with_rows(
    empty_database: Database,
) -> None:
    MIGRATIONS.migrate(empty_database, to="0005")
    with empty_database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO api_rate (plan, calls) VALUES ('x', 1)")
    migrate(empty_database, only=SOURCE_TABLES)
    with empty_database.connect() as connection:
        there = set(inspect(connection).get_table_names())
    assert there == {*SOURCE_TABLES, MIGRATIONS.version_table, "api_rate"}


@on_sqlite
def test_the_schema_of_a_source_is_made_at_its_first_use_on_sqlite(empty_database: Database) -> None:
    with database_of(COINPAPRIKA, empty_database).connect() as connection:
        assert set(inspect(connection).get_table_names()) == {*SOURCE_TABLES, MIGRATIONS.version_table}


def test_tables_of_both_are_read_by_one_statement(database: Database, second: Database) -> None:
    add_coin(database, "x", "one")
    add_coin(second, "x", "two")
    reading, qualifier = database.reading("coinpaprika")
    joined = f"SELECT a.name, b.name FROM raw_asset_list a JOIN {qualifier}.raw_asset_list b ON b.asset_id = a.asset_id"
    assert rows_of(reading, joined) == [("one", "two")]
    assert database.reading("coinpaprika") == (reading, qualifier)


@on_servers
def test_on_a_server_the_same_connections_read_both(database: Database, second: Database) -> None:
    assert database.reading("coinpaprika") == (database, second.url.database)


@on_sqlite
def test_on_sqlite_a_schema_is_an_attached_file(database: Database, second: Database) -> None:
    reading, qualifier = database.reading("coinpaprika")
    assert reading is not database
    assert qualifier == "coinpaprika"
    attached = {name: Path(path) for _, name, path in rows_of(reading, "PRAGMA database_list") if path}
    assert attached == {"main": Path(database.url.database or ""), "coinpaprika": Path(second.url.database or "")}
    assert "coinpaprika" not in {name for _, name, _ in rows_of(database, "PRAGMA database_list")}
