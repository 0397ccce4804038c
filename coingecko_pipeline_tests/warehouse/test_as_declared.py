"""Tables that are in the database otherwise than declared: what loses or changes rows is told at the first use."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Time,
    event,
    text,
)
from sqlalchemy.dialects import mysql

from coingecko_pipeline.tables import MAIN_TABLES, SOURCE_TABLES, metadata
from coingecko_pipeline.warehouse import Database, DeclarationError, ExactText, MySQLIOManager, UtcDateTime
from coingecko_pipeline.warehouse.as_declared import Use, check_as_declared
from coingecko_pipeline.warehouse.stored_table import stored_table
from coingecko_pipeline_tests.databases import on_servers, on_sqlite, run_on
from coingecko_pipeline_tests.warehouse.materializing import failure_of

EXACT = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}


def table_with(*columns: Column[Any]) -> Table:
    return Table("compared", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False), *columns)


def make(database: Database, *statements: str) -> None:
    exact = f"CHARACTER SET utf8mb4 COLLATE {EXACT[database.kind]}" if not database.is_sqlite else ""
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement.replace("EXACT", exact)))


def compare(database: Database, table: Table, use: Use) -> None:
    with database.connect() as connection:
        stored = stored_table(connection, table)
        assert stored is not None
        check_as_declared(table, stored, use, connection.dialect)


def refusal(database: Database, table: Table, use: Use) -> str:
    with pytest.raises(DeclarationError) as refused:
        compare(database, table, use)
    return str(refused.value)


@on_servers
@pytest.mark.parametrize(
    ("declared", "there", "told"),
    [
        (Double(), "FLOAT", "declared DOUBLE and is FLOAT, which rounds"),
        (Double(), "DOUBLE(10,2)", "which rounds"),
        (Double(), "DECIMAL(20,2)", "which rounds"),
        (Float(), "FLOAT", "which rounds: use DOUBLE"),
        (UtcDateTime(), "DATETIME", "declared DATETIME(6) and is DATETIME, which keeps 0 digits of a second"),
        (UtcDateTime(), "DATETIME(3)", "keeps 3 digits"),
        (UtcDateTime(), "TIMESTAMP(6) NULL", "which holds others"),
        (UtcDateTime(), "DATE", "which holds others"),
        (Time().with_variant(mysql.TIME(fsp=6), "mysql"), "TIME", "keeps 0 digits"),
        (Time(), "DATETIME", "which holds others"),
        (Date(), "DATETIME", "which is no date"),
        (ExactText(9), "VARCHAR(9) CHARACTER SET utf8mb4", "which takes several for one"),
        (ExactText(9), "VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "by collation utf8mb4_bin"),
        (ExactText(9), "VARCHAR(9) CHARACTER SET latin1", "which takes several for one"),
        (ExactText(9), "VARCHAR(8) EXACT", "which holds less"),
        (ExactText(9), "CHAR(9) EXACT", "another text than it is given"),
        (ExactText(9), "ENUM('a','b')", "which has other values"),
        (ExactText(9), "SET('a','b')", "another text than it is given"),
        (ExactText(9), "VARBINARY(99)", "another text than it is given"),
        (ExactText(9), "INT", "another text than it is given"),
        (ExactText(), "TEXT EXACT", "which holds less"),
        (ExactText(300), "TINYTEXT EXACT", "which holds less"),
        (Enum("a", "b"), "ENUM('a','c')", "which has other values"),
        (Enum("a", "b"), "VARCHAR(0)", "which holds less"),
        (Enum("a", "A"), "VARCHAR(1) CHARACTER SET utf8mb4", "which takes several for one"),
        (Integer(), "SMALLINT", "which holds less"),
        (Integer(), "INT UNSIGNED", "which holds no negative numbers"),
        (Integer(), "BIGINT UNSIGNED", "which holds no negative numbers"),
        (BigInteger(), "INT", "which holds less"),
        (Integer(), "DOUBLE", "which holds less"),
        (Integer(), "VARCHAR(20)", "which holds less"),
        (Boolean(), "BIT(1)", "which holds less"),
        (Boolean(), "VARCHAR(5)", "which holds less"),
        (Numeric(10, 2), "DECIMAL(10,1)", "which holds less"),
        (Numeric(10, 2), "DECIMAL(9,2)", "which holds less"),
        (Numeric(10, 2), "DECIMAL(11,4)", "which holds less"),
        (Numeric(10, 2), "DECIMAL(10,2) UNSIGNED", "which holds other numbers"),
        (Numeric(10, 2), "DOUBLE", "which holds other numbers"),
        (LargeBinary(), "TINYBLOB", "which holds less"),
        (LargeBinary(), "BINARY(200)", "which holds less, or other bytes"),
        (LargeBinary(), "TEXT", "which holds less, or other bytes"),
        (JSON(), "TEXT", "which is no JSON"),
        (Integer(), "INT NOT NULL", "declared nullable and is NOT NULL"),
        (Integer(), "INT AS (id + 1)", "is computed by the database"),
    ],
)
def test_a_column_that_loses_or_changes_values_is_refused(
    empty_database: Database, declared: Any, there: str, told: str
) -> None:
    make(empty_database, f"CREATE TABLE compared (id INT PRIMARY KEY, v {there})")
    said = refusal(empty_database, table_with(Column("v", declared)), "upsert")
    assert "table 'compared' is not in the database as it is declared" in said
    assert "column v is " in said
    assert told in said


@on_servers
@pytest.mark.parametrize(
    ("declared", "there"),
    [
        (Double(), "DOUBLE"),
        (Double(), "REAL"),
        (UtcDateTime(), "DATETIME(6)"),
        (DateTime(), "DATETIME"),
        (DateTime(), "DATETIME(6)"),
        (mysql.TIMESTAMP(fsp=6), "TIMESTAMP(6) NULL"),
        (ExactText(9), "VARCHAR(200) EXACT"),
        (ExactText(9), "TEXT EXACT"),
        (ExactText(), "LONGTEXT EXACT"),
        (Text(), "MEDIUMTEXT"),
        (Enum("a", "b"), "ENUM('b','a','c')"),
        (Enum("a", "b"), "VARCHAR(1) EXACT"),
        (Integer(), "BIGINT"),
        (SmallInteger(), "INT"),
        (mysql.TINYINT(), "TINYINT"),
        (mysql.INTEGER(unsigned=True), "INT UNSIGNED"),
        (Boolean(), "TINYINT(1)"),
        (Numeric(10, 2), "DECIMAL(12,4)"),
        (LargeBinary(), "LONGBLOB"),
        (JSON(), "JSON"),
    ],
)
def test_a_column_with_room_for_more_is_taken(empty_database: Database, declared: Any, there: str) -> None:
    make(empty_database, f"CREATE TABLE compared (id INT PRIMARY KEY, v {there})")
    compare(empty_database, table_with(Column("v", declared)), "upsert")


@on_sqlite
@pytest.mark.parametrize(
    ("declared", "there", "told"),
    [
        (ExactText(9), "INTEGER", "which makes numbers of digits"),
        (ExactText(9), "STRING", "which makes numbers of digits"),
        (ExactText(9), "TEXT COLLATE NOCASE", "it compares text by NOCASE"),
        (ExactText(9), "VARCHAR(9) COLLATE rtrim", "it compares text by RTRIM"),
        (Double(), "TEXT", "which makes text of numbers"),
        (Integer(), "VARCHAR(20)", "which makes text of numbers"),
        (Numeric(16, 2), "NUMERIC(16, 2)", "of which SQLite keeps 15 digits"),
        (Integer(), "INTEGER NOT NULL", "declared nullable and is NOT NULL"),
    ],
)
def test_a_column_that_sqlite_keeps_otherwise_is_refused(
    empty_database: Database, declared: Any, there: str, told: str
) -> None:
    make(empty_database, f"CREATE TABLE compared (id INTEGER PRIMARY KEY, v {there})")
    assert told in refusal(empty_database, table_with(Column("v", declared)), "upsert")


def named() -> Table:
    return table_with(Column("name", ExactText(9)))


@pytest.mark.parametrize("use", ["upsert", "replace_table", "replace_partition"])
@pytest.mark.parametrize("key", ["", ", PRIMARY KEY (id, name)", ", PRIMARY KEY (name)"])
def test_another_primary_key_is_refused(empty_database: Database, use: Use, key: str) -> None:
    make(empty_database, f"CREATE TABLE compared (id INT NOT NULL, name VARCHAR(9) EXACT {key})")
    said = refusal(empty_database, named(), use)
    assert f"its primary key is declared (id) and is ({key[15:-1]})" in said


def test_a_unique_key_that_is_not_declared_is_refused_for_an_upsert_alone(empty_database: Database) -> None:
    make(
        empty_database,
        "CREATE TABLE compared (id INT PRIMARY KEY, name VARCHAR(9) EXACT)",
        "CREATE UNIQUE INDEX by_name ON compared (name)",
    )
    assert "its unique key by_name (name) is not declared" in refusal(empty_database, named(), "upsert")
    compare(empty_database, named(), "replace_table")


def test_a_unique_key_with_all_of_the_primary_one_is_taken(empty_database: Database) -> None:
    make(
        empty_database,
        "CREATE TABLE compared (id INT PRIMARY KEY, name VARCHAR(9) EXACT)",
        "CREATE UNIQUE INDEX by_name ON compared (name, id)",
    )
    compare(empty_database, named(), "upsert")


@on_servers
def test_a_key_of_first_characters_is_refused(empty_database: Database) -> None:
    table = Table("compared", MetaData(), Column("name", ExactText(9), primary_key=True))
    make(empty_database, "CREATE TABLE compared (name VARCHAR(9) EXACT, PRIMARY KEY (name(3)))")
    said = refusal(empty_database, table, "upsert")
    assert "a unique key compares only the first characters of name" in said


@on_servers
def test_an_engine_without_transactions_is_refused(empty_database: Database) -> None:
    make(empty_database, "CREATE TABLE compared (id INT PRIMARY KEY, name VARCHAR(9) EXACT) ENGINE=MyISAM")
    assert "its engine is MYISAM, which has no transactions" in refusal(empty_database, named(), "upsert")
    compare(empty_database, named(), "read")


@on_servers
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_child_table_that_would_lose_or_change_rows_is_refused_for_replacing(
    empty_database: Database, action: str
) -> None:
    make(
        empty_database,
        "CREATE TABLE compared (id INT PRIMARY KEY, name VARCHAR(9) EXACT)",
        "CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES compared (id) "
        f"ON DELETE {action})",
    )
    uses: tuple[Use, ...] = ("replace_table", "replace_partition")
    for use in uses:
        said = refusal(empty_database, named(), use)
        assert f"{use} deletes rows" in said
        assert f"{empty_database.url.database}.child (ON DELETE {action})" in said
    compare(empty_database, named(), "upsert")
    compare(empty_database, named(), "read")


def test_a_missing_table_and_a_missing_column_are_told(empty_database: Database) -> None:
    with pytest.raises(DeclarationError, match=r"has no table 'compared': make it, by MetaData\.create_all"):
        compare(empty_database, named(), "read")
    make(empty_database, "CREATE TABLE compared (id INT PRIMARY KEY)")
    assert "it has no column name" in refusal(empty_database, named(), "read")


@pytest.mark.parametrize("use", ["read", "upsert", "replace_table"])
def test_each_table_of_the_project_is_as_it_is_declared(database: Database, second: Database, use: Use) -> None:
    for name in sorted(MAIN_TABLES):
        compare(database, metadata.tables[name], use)
    for name in sorted(SOURCE_TABLES):
        compare(second, metadata.tables[name], use)


@pytest.fixture
def account(empty_database: Database) -> Iterator[str]:
    name = f"{empty_database.url.database}_r"
    run_on(empty_database.url, f"CREATE USER '{name}'@'%' IDENTIFIED BY 'hush'")
    yield name
    run_on(empty_database.url, f"DROP USER '{name}'@'%'")


def as_account(database: Database, name: str) -> Database:
    url = database.url.set(username=name, password="hush")
    return Database(url.render_as_string(hide_password=False))


@on_servers
def test_an_account_that_may_only_read_is_served_and_warned(empty_database: Database, account: str) -> None:
    make(empty_database, "CREATE TABLE compared (id INT PRIMARY KEY, name VARCHAR(9) EXACT)")
    run_on(empty_database.url, f"GRANT SELECT ON {empty_database.url.database}.* TO '{account}'@'%'")
    reader = as_account(empty_database, account)
    compare(reader, named(), "read")
    make(empty_database, "ALTER TABLE compared MODIFY name VARCHAR(9) CHARACTER SET utf8mb4")
    assert "which takes several for one" in refusal(reader, named(), "read")
    reader.dispose()


@on_servers
def test_a_view_is_compared_as_far_as_an_account_may_see_it(empty_database: Database, account: str) -> None:
    make(
        empty_database,
        "CREATE TABLE base (id INT PRIMARY KEY, name VARCHAR(9) EXACT)",
        "CREATE SQL SECURITY INVOKER VIEW compared AS SELECT id, name FROM base",
    )
    compare(empty_database, named(), "read")
    run_on(empty_database.url, f"GRANT SELECT ON {empty_database.url.database}.* TO '{account}'@'%'")
    reader = as_account(empty_database, account)
    with reader.connect() as connection:
        assert stored_table(connection, named()) is None
    reader.dispose()


@on_servers
def test_a_table_is_asked_about_once_by_a_few_statements(
    empty_database: Database, instance: dg.DagsterInstance
) -> None:
    tables = MetaData()
    compared = Table("compared", tables, Column("id", Integer, primary_key=True), Column("name", ExactText(9)))
    tables.create_all(empty_database.engine)
    asked: list[str] = []
    event.listen(
        empty_database.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement)
    )

    @dg.asset(name=compared.name)
    def asset() -> pd.DataFrame:
        return pd.DataFrame({"id": [1], "name": ["a"]})

    @dg.asset
    def report(compared: pd.DataFrame) -> None: ...

    manager = MySQLIOManager(empty_database, tables)
    for _ in range(2):
        assert dg.materialize([asset, report], resources={"io_manager": manager}, instance=instance).success
    about = [each for each in asked if "SHOW CREATE" in each or "information_schema" in each]
    assert len(about) == 3


def test_the_asset_fails_with_both_sides_named(empty_database: Database, instance: dg.DagsterInstance) -> None:
    tables = MetaData()
    Table("compared", tables, Column("id", Integer, primary_key=True), Column("name", ExactText(9)))
    make(empty_database, "CREATE TABLE compared (id INT PRIMARY KEY, name INT)")

    @dg.asset(name="compared", retry_policy=dg.RetryPolicy(max_retries=1))
    def asset() -> pd.DataFrame:
        return pd.DataFrame({"id": [1], "name": ["a"]})

    manager = MySQLIOManager(empty_database, tables)
    result = dg.materialize([asset], resources={"io_manager": manager}, instance=instance, raise_on_error=False)
    assert "column name is declared VARCHAR(9)" in failure_of(result)
    assert "and is INTEGER" in failure_of(result)
