"""Schemas beside the main database: where they are, and how their tables are read together with its own."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from coingecko_pipeline.tables import MIGRATIONS, open_database
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_servers, on_sqlite
from coingecko_pipeline_tests.running import rows_of


@pytest.mark.parametrize(
    ("main", "schema"),
    [
        ("mysql+pymysql://me:hush@host:3306/coingecko", "mysql+pymysql://me:hush@host:3306/coinpaprika"),
        ("mysql+pymysql://host/market?ssl_ca=x", "mysql+pymysql://host/market_coinpaprika?ssl_ca=x"),
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
    with second.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO api_rate (plan, calls) VALUES ('x', 1)")
    assert rows_of(second, "SELECT plan, calls FROM api_rate") == [("x", 1)]
    assert rows_of(database, "SELECT plan, calls FROM api_rate") == []


def test_tables_of_both_are_read_by_one_statement(database: Database, second: Database) -> None:
    for source, calls in ((database, 1), (second, 2)):
        with source.transaction() as connection:
            connection.exec_driver_sql(f"INSERT INTO api_rate (plan, calls) VALUES ('x', {calls})")
    reading, qualifier = database.reading("coinpaprika")
    joined = f"SELECT a.calls, b.calls FROM api_rate a JOIN {qualifier}.api_rate b ON b.plan = a.plan"
    assert rows_of(reading, joined) == [(1, 2)]
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
