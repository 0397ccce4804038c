"""The set-up of a database and its changes from version to version, with Alembic.

MySQL and MariaDB are migrated by a person, with the program's own command; an SQLite file is migrated by itself when it
is first used.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Inspector, MetaData, Table, inspect, text
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.engines import mysql_engine
from coingecko_pipeline.warehouse.errors import DatabaseUnavailable, SchemaVersionError
from coingecko_pipeline.warehouse.failures import UNKNOWN_DATABASE, error_code, refused
from coingecko_pipeline.warehouse.urls import masked
from coingecko_pipeline.warehouse.views import Views

# Alembic is imported where it is used: it takes as long as all of SQLAlchemy, and who only reads rows needs none of it.
if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

LOCK_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Migrations:
    """A program's migrations.

    Attributes:
        script_location: where Alembic finds them: a folder, or `package:folder`. Its `env.py` takes the connection and
            the name of the version table from `config.attributes["connection"]` and `["version_table"]`.
        version_table: the table that tells the version; a name of its own where another program that uses Alembic,
            such as Dagster's own storage, may be given the same database.
        program: the command whose subcommand `migrate` brings the tables to its version, for messages.
        views: the views of the tables, made whenever these are of the program's version; None where there are none.
        tables: the tables of the newest version: one of another program that has the name of one of them, and columns
            that this one never has, is told before anything is touched. None where nobody else has tables there.
    """

    script_location: str
    version_table: str
    program: str
    views: Views | None = None
    tables: MetaData | None = None

    def migrate(self, database: Database, attributes: Mapping[str, Any] | None = None, to: str = "head") -> str:
        """Bring the tables to this program's version and return that version; a second call changes nothing.

        On MySQL and MariaDB a missing database is created, and its default character set becomes utf8mb4. Two calls at
        once are safe: the second waits for the first.

        Args:
            database: where the tables are.
            attributes: what the migrations find in `config.attributes` beside the connection.
            to: another version than the newest, for what needs an older one's tables.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            SchemaVersionError: the tables are newer than this program, one is another program's, or another migration
                runs for more than a minute.
            StatementRefused: the user may not create or change them.
        """
        if database.is_sqlite:
            with database.transaction() as connection:
                self._upgrade(connection, attributes, to)
        else:
            _create_database_if_missing(database)
            patient = database.patient()
            try:
                with patient.connect() as connection, _migration_lock(connection, database):
                    _make_utf8mb4(connection)
                    self._upgrade(connection, attributes, to)
                    connection.commit()
            finally:
                patient.dispose()
                # A session knows the database's character set as it was when it began.
                database.engine.dispose()
        return self.head_revision() if to == "head" else to

    def current_revision(self, database: Database) -> str | None:
        """The version of the database's tables; None where nothing was migrated yet.

        Raises:
            DatabaseUnavailable: the database did not let us in.
        """
        with database.connect() as connection:
            return self._revision(connection)

    def head_revision(self) -> str:
        """The version of the tables that this program declares."""
        head = self._scripts().get_current_head()
        assert head is not None, "the package has no migrations"  # noqa: S101 - a broken build, not a state
        return head

    def assert_current(self, database: Database) -> None:
        """Do nothing where the tables are of this program's version.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            SchemaVersionError: the tables are older (says how to migrate) or newer (says to update the program).
        """
        revision = self.current_revision(database)
        if revision == self.head_revision():
            return
        self._refuse_newer(revision, database.masked_url)
        raise SchemaVersionError(
            f"the tables of {database.masked_url} are at version {revision or 'none'}, this program needs "
            f"{self.head_revision()}: run `{self.program} migrate`"
        )

    def prepare(self, database: Database, attributes: Mapping[str, Any] | None = None) -> None:
        """Make sure that the tables can be used: migrate an SQLite file, check a server. Views are made on both.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            SchemaVersionError: the tables are newer than this program, or, on a server, older.
        """
        if not database.is_sqlite:
            self.assert_current(database)
        elif self.current_revision(database) != self.head_revision():
            self.migrate(database, attributes)
        if self.views is not None:
            self.views.make_if_allowed(database, self.program)

    def _scripts(self) -> "ScriptDirectory":
        from alembic.script import ScriptDirectory

        return ScriptDirectory.from_config(self._config())

    def _config(self) -> "Config":
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", self.script_location)
        config.set_main_option("path_separator", "os")
        return config

    def _upgrade(self, connection: Connection, attributes: Mapping[str, Any] | None, to: str) -> None:
        from alembic import command

        revision = self._revision(connection)
        where = masked(connection.engine.url)
        self._refuse_newer(revision, where)
        if revision != self.head_revision():
            self._refuse_foreign(connection, revision, where)
        if self.views is not None and revision != self.head_revision():
            self.views.drop(connection)
        config = self._config()
        config.attributes.update(attributes or {})
        config.attributes["connection"] = connection
        config.attributes["version_table"] = self.version_table
        command.upgrade(config, to)
        if self.views is not None and self._revision(connection) == self.head_revision():
            self.views.make(connection)

    def _revision(self, connection: Connection) -> str | None:
        from alembic.runtime.migration import MigrationContext

        return MigrationContext.configure(connection, opts={"version_table": self.version_table}).get_current_revision()

    def _refuse_newer(self, revision: str | None, where: str) -> None:
        known = {script.revision for script in self._scripts().walk_revisions()}
        if revision is not None and revision not in known:
            raise SchemaVersionError(
                f"the tables of {where} are at version {revision}, which is newer than this program "
                f"({self.head_revision()}): update {self.program}"
            )

    def _refuse_foreign(self, connection: Connection, revision: str | None, where: str) -> None:
        """Do nothing where each table that has the name of one of ours can be ours.

        Ours are there without a version where a first migration was interrupted; older ones lack columns.
        """
        inspector = inspect(connection)
        there = set(inspector.get_table_names())
        for table in self.tables.tables.values() if self.tables is not None else ():
            if table.name in there and not _can_be(table, inspector):
                raise _another_programs("table", table.name, where)
        if self.views is None or revision is not None:
            return
        others = set(inspector.get_view_names()) - self.views.recorded(connection)
        for name in self.views.metadata.tables:
            if name in there | others:
                raise _another_programs("table" if name in there else "view", name, where)


def _can_be(table: Table, inspector: Inspector) -> bool:
    """Whether a table of the database can be a declared one, of this version or of an earlier one."""
    columns = {column["name"] for column in inspector.get_columns(table.name)}
    key = {column.name for column in table.primary_key}
    return key <= columns <= set(table.columns.keys())


def _another_programs(kind: str, name: str, where: str) -> SchemaVersionError:
    return SchemaVersionError(
        f"{where} has a {kind} {name!r} that this program did not make, and nothing was changed: give this program a "
        "database of its own"
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
    server = mysql_engine(database.url.set(database=""), local_infile=False, read_timeout=None)
    name = server.dialect.identifier_preparer.quote_identifier(database.url.database or "")
    try:
        with server.connect() as connection:
            # IF NOT EXISTS: another migration may have been quicker.
            connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
    except DBAPIError as error:
        raise refused(error, database.url) or error from error
    finally:
        server.dispose()


def _make_utf8mb4(connection: Connection) -> None:
    if connection.scalar(text("SELECT @@character_set_database")) == "utf8mb4":
        return
    name = connection.dialect.identifier_preparer.quote_identifier(connection.engine.url.database or "")
    connection.exec_driver_sql(f"ALTER DATABASE {name} CHARACTER SET utf8mb4")
