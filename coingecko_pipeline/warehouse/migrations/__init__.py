"""The database set-up and its changes, with Alembic.

Each file in `versions/` states its DDL outright and is never edited once released. MySQL and MariaDB are migrated by a
person (`coingecko-pipeline migrate`); an SQLite file is migrated by itself when it is first used.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DatabaseUnavailable, SchemaVersionError
from coingecko_pipeline.warehouse.failures import UNKNOWN_DATABASE, error_code

# Dagster's own MySQL storage calls its table alembic_version, and both may be given one database.
VERSION_TABLE = "warehouse_version"
LOCK_WAIT_SECONDS = 60


def migrate(database: Database) -> str:
    """Bring the tables to this program's version and return that version; a second call changes nothing.

    On MySQL and MariaDB a missing database is created, and its default character set becomes utf8mb4. Two calls at
    once are safe: the second waits for the first.

    Raises:
        DatabaseUnavailable: the database did not let us in.
        SchemaVersionError: the tables are newer than this program, or another migration runs for more than a minute.
    """
    if database.is_sqlite:
        with database.transaction() as connection:
            _upgrade(connection)
    else:
        _create_database_if_missing(database)
        with database.connect() as connection, _migration_lock(connection, database):
            _make_utf8mb4(connection)
            _upgrade(connection)
            connection.commit()
    return head_revision()


def current_revision(database: Database) -> str | None:
    """The version of the database's tables; None where nothing was migrated yet.

    Raises:
        DatabaseUnavailable: the database did not let us in.
    """
    with database.connect() as connection:
        return _revision(connection)


def head_revision() -> str:
    """The version of the tables that this program declares."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package has no migrations"  # noqa: S101 - a broken build, not a state
    return head


def assert_current(database: Database) -> None:
    """Do nothing where the tables are of this program's version.

    Raises:
        DatabaseUnavailable: the database did not let us in.
        SchemaVersionError: the tables are older (says how to migrate) or newer (says to update the program).
    """
    with database.connect() as connection:
        revision = _revision(connection)
    if revision == head_revision():
        return
    _refuse_newer(revision, database.masked_url)
    raise SchemaVersionError(
        f"the tables of {database.masked_url} are at version {revision or 'none'}, this program needs "
        f"{head_revision()}: run `coingecko-pipeline migrate`"
    )


def prepare(database: Database) -> None:
    """Make sure that the tables can be used: migrate an SQLite file, check a server.

    Raises:
        DatabaseUnavailable: the database did not let us in.
        SchemaVersionError: the tables are newer than this program, or, on a server, older.
    """
    if database.is_sqlite:
        if current_revision(database) != head_revision():
            migrate(database)
    else:
        assert_current(database)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "coingecko_pipeline.warehouse:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    _refuse_newer(_revision(connection), connection.engine.url.render_as_string(hide_password=True))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _refuse_newer(revision: str | None, where: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaVersionError(
            f"the tables of {where} are at version {revision}, which is newer than this program "
            f"({head_revision()}): update coingecko-pipeline"
        )


@contextmanager
def _migration_lock(connection: Connection, database: Database) -> Iterator[None]:
    # A lock's name may have 64 characters; one server can hold many warehouses.
    name = f"migrate {database.url.database}"[:64]
    if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_SECONDS}) != 1:
        raise SchemaVersionError(
            f"another migration of {database.masked_url} has been running for {LOCK_WAIT_SECONDS} seconds: "
            "wait for it to end, then migrate again"
        )
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def _create_database_if_missing(database: Database) -> None:
    try:
        with database.connect():
            return
    except DatabaseUnavailable as error:
        if error.__cause__ is None or error_code(error.__cause__) != UNKNOWN_DATABASE:
            raise
    server = create_engine(database.url.set(database=""), poolclass=NullPool)
    with server.connect() as connection:
        name = connection.dialect.identifier_preparer.quote_identifier(database.url.database or "")
        # IF NOT EXISTS: another migration may have been quicker.
        connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")


def _make_utf8mb4(connection: Connection) -> None:
    if connection.scalar(text("SELECT @@character_set_database")) == "utf8mb4":
        return
    name = connection.dialect.identifier_preparer.quote_identifier(connection.engine.url.database or "")
    connection.exec_driver_sql(f"ALTER DATABASE {name} CHARACTER SET utf8mb4")
