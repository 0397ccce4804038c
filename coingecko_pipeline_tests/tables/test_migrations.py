"""Migrations: they end at the declared tables, twice or by two at once, and refuse other versions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.engine import URL

from coingecko_pipeline import tables
from coingecko_pipeline.tables import MAIN_TABLES, MIGRATIONS, metadata, migrate, prepare
from coingecko_pipeline.warehouse import Database, ExactText, SchemaVersionError
from coingecko_pipeline_tests.databases import on_servers, on_sqlite, run_on

VERSION_TABLE = MIGRATIONS.version_table
BY_COIN = "ix_daily_market_asset_id_date_price"


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "compare_server_default": True,
            "include_object": lambda _item, name, *_: name not in metadata.tables or name in MAIN_TABLES,
        },
    )
    return list(compare_metadata(context, metadata))


def drop_the_index_by_coin(connection: Connection, kind: str) -> None:
    connection.execute(text(f"DROP INDEX {BY_COIN}" + " ON daily_market" * (kind != "sqlite")))


def test_the_migrations_end_at_the_declared_tables(empty_database: Database) -> None:
    assert migrate(empty_database) == MIGRATIONS.head_revision()
    with empty_database.connect() as connection:
        assert differences(connection) == []


def test_the_comparison_would_see_a_difference(empty_database: Database, kind: str) -> None:
    migrate(empty_database)
    with empty_database.transaction() as connection:
        drop_the_index_by_coin(connection, kind)
        if kind != "sqlite":
            connection.execute(text("ALTER TABLE assets MODIFY name VARCHAR(1000) COLLATE utf8mb4_bin NOT NULL"))
            connection.execute(text("ALTER TABLE api_usage COMMENT 'another'"))
    with empty_database.connect() as connection:
        found = str(differences(connection))
    assert BY_COIN in found
    if kind != "sqlite":
        assert "utf8mb4_bin" in found
        assert "another" in found


@on_servers
def test_every_text_column_is_compared_byte_for_byte_and_every_table_is_utf8mb4(database: Database, kind: str) -> None:
    exact = "utf8mb4_0900_bin" if kind == "mysql" else "utf8mb4_nopad_bin"
    columns = "SELECT table_name, column_name, collation_name FROM information_schema.columns "
    columns += f"WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name <> '{VERSION_TABLE}' "
    columns += "AND table_name NOT IN (SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE())"
    tables = "SELECT table_collation FROM information_schema.tables "
    tables += "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    with database.connect() as connection:
        found = connection.execute(text(columns)).all()
        assert {collation for *_, collation in found} == {exact}
        assert len(found) == sum(
            isinstance(column.type, ExactText)
            for table in metadata.tables.values()
            if table.name in MAIN_TABLES
            for column in table.columns
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
        drop_the_index_by_coin(connection, kind)
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    migrate(empty_database)
    with empty_database.connect() as connection:
        assert differences(connection) == []


def test_the_index_by_coin_has_the_price_and_the_old_one_is_gone_also_after_an_interruption(
    empty_database: Database,
) -> None:
    MIGRATIONS.migrate(empty_database, to="0006")
    with empty_database.transaction() as connection:
        connection.execute(text(f"CREATE INDEX {BY_COIN} ON daily_market (asset_id, date, price_usd)"))
    migrate(empty_database)
    with empty_database.connect() as connection:
        found = inspect(connection).get_indexes("daily_market")
    assert [(index["name"], index["column_names"]) for index in found] == [(BY_COIN, ["asset_id", "date", "price_usd"])]


def old_database(database: Database) -> None:
    """The tables of version 0005, with charts, misses and rows as it left them."""
    MIGRATIONS.migrate(database, to="0005")
    statements = [
        "INSERT INTO raw_market_charts (asset_id, body, fetched_at, covers_from, covers_to, points) VALUES "
        "('coin', X'626F6479', '2026-03-08 01:00:00.000000', '2025-03-09', '2026-03-08', 1), "
        "('ended', X'6F74686572', '2026-03-08 01:00:00.000000', '2025-03-09', '2026-03-08', 1), "
        "('uncounted', X'7468697264', '2026-03-08 01:00:00.000000', NULL, NULL, 1)",
        "INSERT INTO chart_misses (asset_id, reason, asked_on, ask_again_on) VALUES "
        "('ended', 'ended', '2026-03-08', '2026-03-22'), ('gone', 'not_found', '2026-03-08', '2026-03-15')",
    ]
    market = "INSERT INTO daily_market (date, asset_id, price_usd, source, observed_at) VALUES "
    rows = [
        ("2026-03-08", "coin", "chart", "2026-03-08 00:00:00.000000"),
        ("2026-03-09", "coin", "snapshot", "2026-03-09 00:02:00.000000"),
        ("2026-03-10", "coin", "snapshot", "2026-03-10 00:02:00.000000"),
        ("2026-03-10", "ended", "snapshot", "2023-01-01 00:00:00.000000"),
        ("2026-03-12", "ended", "snapshot", "2026-03-11 00:00:00.000000"),
    ]
    statements += [market + f"('{day}', '{coin}', 1.5, '{source}', '{at}')" for day, coin, source, at in rows]
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_each_archived_chart_becomes_an_answer_whose_rows_are_still_to_be_written(empty_database: Database) -> None:
    old_database(empty_database)
    migrate(empty_database)
    chart, covered = tables.market_charts.c, tables.chart_coverage.c
    with empty_database.connect() as connection:
        assert differences(connection) == []
        answers = connection.execute(
            select(chart.asset_id, chart.body, chart.days, chart.outcome, chart.is_written).order_by(chart.asset_id)
        ).all()
        coverage = connection.execute(
            select(
                *(covered.asset_id, covered.covered, covered.outcome, covered.misses, covered.ask_again_on),
                *(covered.snapshots_from, covered.snapshots_to),
            ).order_by(covered.asset_id)
        ).all()
    assert [tuple(answer) for answer in answers] == [
        ("coin", b"body", 365, "values", False),
        ("ended", b"other", 365, "values", False),
        ("uncounted", b"third", 0, "values", False),
    ]
    year = '[["2025-03-09", "2026-03-08"]]'
    assert [tuple(each) for each in coverage] == [
        ("coin", year, "values", 0, None, date(2026, 3, 9), date(2026, 3, 10)),
        ("ended", year, "values", 2, date(2026, 3, 22), None, None),
        ("gone", "[]", "not_found", 1, date(2026, 3, 15), None, None),
        ("uncounted", "[]", "values", 0, None, None, None),
    ]


def test_an_old_snapshot_of_a_value_more_than_a_day_older_is_marked_stale(empty_database: Database) -> None:
    old_database(empty_database)
    migrate(empty_database)
    market = tables.daily_market.c
    with empty_database.connect() as connection:
        sources = connection.execute(select(market.date, market.asset_id, market.source)).all()
    stale = [(day, coin) for day, coin, source in sources if source == "stale"]
    assert stale == [(date(2026, 3, 10), "ended")]
    assert len(sources) == 5


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


FOREIGN = {
    "a table of the first version": "CREATE TABLE assets (id INTEGER PRIMARY KEY, name VARCHAR(9))",
    "a table of a later version": "CREATE TABLE platforms (id INTEGER PRIMARY KEY)",
    "a table with our key": "CREATE TABLE assets (asset_id VARCHAR(9) PRIMARY KEY, owner VARCHAR(9))",
    "a table that has a view's name": "CREATE TABLE daily_close (id INTEGER)",
    "a view": "CREATE VIEW daily_close AS SELECT 1 AS one",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_another_programs_table_is_named_before_anything_is_touched(empty_database: Database, what: str) -> None:
    create = FOREIGN[what]
    name = create.split()[2]
    with empty_database.transaction() as connection:
        connection.execute(text(create))
    for attempt in (migrate, prepare) if empty_database.is_sqlite else (migrate, migrate):
        with pytest.raises(
            SchemaVersionError, match=f"{name}' that this program did not make, and nothing was"
        ) as told:
            attempt(empty_database)
        assert "\n" not in str(told.value)
    with empty_database.connect() as connection:
        inspector = inspect(connection)
        assert {*inspector.get_table_names(), *inspector.get_view_names()} == {name}


@pytest.mark.parametrize("revision", ["0001", "0005", "0006", "0008"])
def test_a_table_of_an_earlier_version_is_none_of_another_program(empty_database: Database, revision: str) -> None:
    MIGRATIONS.migrate(empty_database, to=revision)
    with empty_database.transaction() as connection:
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    assert migrate(empty_database) == MIGRATIONS.head_revision()


def test_another_programs_empty_table_beside_the_second_source_stays(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE notes (id INTEGER)"))
    migrate(empty_database, only=tables.SOURCE_TABLES)
    with empty_database.connect() as connection:
        assert inspect(connection).has_table("notes")
