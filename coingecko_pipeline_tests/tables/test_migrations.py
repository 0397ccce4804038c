"""Migrations: they end at the declared tables, twice or by two at once, and refuse other versions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.engine import URL

from coingecko_pipeline import tables
from coingecko_pipeline.tables import MIGRATIONS, metadata, migrate, prepare
from coingecko_pipeline.warehouse import Database, ExactText, SchemaVersionError
from coingecko_pipeline_tests.databases import on_servers, on_sqlite, run_on

VERSION_TABLE = MIGRATIONS.version_table


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True},
    )
    return list(compare_metadata(context, metadata))


def test_the_migrations_end_at_the_declared_tables(empty_database: Database) -> None:
    assert migrate(empty_database) == MIGRATIONS.head_revision()
    with empty_database.connect() as connection:
        assert differences(connection) == []


def test_the_comparison_would_see_a_difference(empty_database: Database, kind: str) -> None:
    migrate(empty_database)
    with empty_database.transaction() as connection:
        connection.execute(text("DROP INDEX ix_daily_market_asset_id_date" + (" ON daily_market" * (kind != "sqlite"))))
        if kind != "sqlite":
            connection.execute(text("ALTER TABLE assets MODIFY name VARCHAR(1000) COLLATE utf8mb4_bin NOT NULL"))
            connection.execute(text("ALTER TABLE api_usage COMMENT 'another'"))
    with empty_database.connect() as connection:
        found = str(differences(connection))
    assert "ix_daily_market_asset_id_date" in found
    if kind != "sqlite":
        assert "utf8mb4_bin" in found
        assert "another" in found


@on_servers
def test_every_text_column_is_compared_byte_for_byte_and_every_table_is_utf8mb4(database: Database, kind: str) -> None:
    exact = "utf8mb4_0900_bin" if kind == "mysql" else "utf8mb4_nopad_bin"
    columns = "SELECT table_name, column_name, collation_name FROM information_schema.columns "
    columns += f"WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name <> '{VERSION_TABLE}'"
    tables = "SELECT table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
    with database.connect() as connection:
        found = connection.execute(text(columns)).all()
        assert {collation for *_, collation in found} == {exact}
        assert len(found) == sum(
            isinstance(column.type, ExactText) for table in metadata.tables.values() for column in table.columns
        )
        assert all(collation.startswith("utf8mb4") for collation in connection.scalars(text(tables)))
        assert connection.scalar(text("SELECT @@character_set_database")) == "utf8mb4"


def test_migrating_twice_changes_nothing(empty_database: Database) -> None:
    assert MIGRATIONS.current_revision(empty_database) is None
    migrate(empty_database)
    migrate(empty_database)
    assert MIGRATIONS.current_revision(empty_database) == MIGRATIONS.head_revision()
    MIGRATIONS.assert_current(empty_database)


def test_two_migrations_at_once_are_safe(empty_database: Database) -> None:
    url = empty_database.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: migrate(Database(url)), range(3))) == [MIGRATIONS.head_revision()] * 3
    with empty_database.connect() as connection:
        assert differences(connection) == []


def test_a_migration_that_was_interrupted_goes_on(empty_database: Database, kind: str) -> None:
    migrate(empty_database)
    with empty_database.transaction() as connection:
        connection.execute(text("DROP TABLE api_usage"))
        connection.execute(text("DROP INDEX ix_daily_market_asset_id_date" + (" ON daily_market" * (kind != "sqlite"))))
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    migrate(empty_database)
    with empty_database.connect() as connection:
        assert differences(connection) == []


def test_the_charts_of_the_first_version_are_kept(empty_database: Database) -> None:
    migrate(empty_database)
    stored = ("coin", date(2026, 3, 8))
    with empty_database.transaction() as connection:
        connection.execute(
            tables.raw_market_charts.insert().values(
                asset_id=stored[0],
                body=b"body",
                fetched_at=datetime(2026, 3, 8, 1, tzinfo=UTC),
                covers_from=date(2025, 3, 9),
                covers_to=stored[1],
                points=1,
            )
        )
        for table in ("chart_misses", "api_rate", "api_recent_calls"):
            connection.execute(text(f"DROP TABLE {table}"))
        for column in ("midnights", "first_on", "last_on"):
            connection.execute(text(f"ALTER TABLE raw_market_charts DROP COLUMN {column}"))
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    migrate(empty_database)
    chart = tables.raw_market_charts.c
    with empty_database.connect() as connection:
        assert differences(connection) == []
        kept = connection.execute(select(chart.asset_id, chart.covers_to, chart.midnights)).one()
    assert tuple(kept) == (*stored, None)


def test_tables_that_are_newer_than_the_program_are_refused(empty_database: Database) -> None:
    migrate(empty_database)
    with empty_database.transaction() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    for refused in (MIGRATIONS.assert_current, migrate, prepare):
        with pytest.raises(SchemaVersionError, match="9999, which is newer than this program"):
            refused(empty_database)


@on_servers
def test_on_a_server_tables_that_are_missing_are_told_with_the_command_that_makes_them(
    empty_database: Database,
) -> None:
    with pytest.raises(SchemaVersionError, match="run `coingecko-pipeline migrate`"):
        prepare(empty_database)
    with empty_database.connect() as connection:
        assert inspect(connection).get_table_names() == []


@on_sqlite
def test_an_sqlite_file_is_migrated_by_itself(empty_database: Database) -> None:
    prepare(empty_database)
    MIGRATIONS.assert_current(empty_database)


@on_servers
def test_a_missing_database_is_created_and_a_latin_one_becomes_utf8mb4(
    kind: str, servers: Callable[[str], URL], empty_database: Database
) -> None:
    server = servers(kind)
    name = f"{empty_database.url.database}_more"
    database = Database(server.set(database=name).render_as_string(hide_password=False))
    try:
        migrate(database)
        run_on(server, f"ALTER DATABASE {name} CHARACTER SET latin1")
        migrate(database)
        with database.connect() as connection:
            assert connection.scalar(text("SELECT @@character_set_database")) == "utf8mb4"
    finally:
        database.dispose()
        run_on(server, f"DROP DATABASE {name}")
