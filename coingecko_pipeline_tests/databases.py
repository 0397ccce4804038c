"""Databases for the tests: SQLite, MySQL and MariaDB, each with a fresh schema of its own.

A test that takes `database` runs on all three. Where a server is missing its tests are skipped with a reason that
tells how to get one; where CI is set, or REQUIRE_DATABASES names it (`mysql,mariadb`), they fail instead.
"""

import os
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import pymysql
import pytest
from sqlalchemy.engine import URL

from coingecko_pipeline.tables import MAIN_TABLES, SOURCE_TABLES, market_change_counter, metadata, migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.database_servers import NoServer, server

KINDS = ("sqlite", "mysql", "mariadb")

on_servers = pytest.mark.parametrize("kind", ["mysql", "mariadb"], indirect=True, scope="session")
"""Marks a test that has no meaning on SQLite."""
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True, scope="session")
"""Marks a test that is about SQLite alone."""

MakeDatabase = Callable[[], Database]

WITHOUT_TLS = {"ssl-mode": "DISABLED"}
"""The driver reads the machine's certificates for each connection, which takes longer than what most tests ask."""


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, `mysql` and `mariadb`, one after the other; `on_servers` and `on_sqlite` narrow it."""
    assert request.param in KINDS
    return str(request.param)


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], URL]]:
    """The servers, each started at its first use; the ones that were started end with the session."""
    with ExitStack() as stack:
        known: dict[str, URL | NoServer] = {}

        def get(kind: str) -> URL:
            if kind not in known:
                try:
                    known[kind] = stack.enter_context(server(kind)).set(query=WITHOUT_TLS)
                except NoServer as error:
                    known[kind] = error
            found = known[kind]
            if isinstance(found, NoServer):
                required = os.environ.get("REQUIRE_DATABASES", "").replace(" ", "").split(",")
                if os.environ.get("CI") or kind in required:
                    pytest.fail(str(found))
                pytest.skip(str(found))
            return found

        yield get


@pytest.fixture(scope="session")
def make_database(
    kind: str, servers: Callable[[str], URL], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeDatabase]:
    """Makes databases without any table, each of its own; all are dropped at the end of the kind's tests."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_Dropped(kind, servers, tmp_path_factory)).database


class _Dropped:
    def __init__(self, kind: str, servers: Callable[[str], URL], folders: pytest.TempPathFactory) -> None:
        self._server: URL | None = None
        self._name = f"test_{uuid.uuid4().hex[:12]}"
        if kind == "sqlite":
            self.database = Database(f"sqlite:///{_file_in(folders)}")
        else:
            self._server = servers(kind)
            run_on(self._server, f"CREATE DATABASE {self._name} CHARACTER SET utf8mb4")
            self.database = Database(
                self._server.set(database=self._name).render_as_string(hide_password=False), sleep=lambda _: None
            )

    def __enter__(self) -> "_Dropped":
        return self

    def __exit__(self, *_: object) -> None:
        self.database.dispose()
        if self._server is not None:
            run_on(self._server, f"DROP DATABASE {self._name}", f"DROP DATABASE IF EXISTS {self._name}_coinpaprika")


@pytest.fixture
def empty_database(make_database: MakeDatabase) -> Iterator[Database]:
    """A database without any table; a server has connections for some hundred of them, if none keeps its own."""
    database = make_database()
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def migrated_database(make_database: MakeDatabase) -> Database:
    """A database with the declared tables, shared by the session: take `database` instead."""
    database = make_database()
    migrate(database)
    return database


@pytest.fixture
def database(migrated_database: Database) -> Database:
    """A database with the declared tables, all of them empty."""
    _empty(migrated_database)
    return migrated_database


@pytest.fixture(scope="session")
def migrated_second(migrated_database: Database) -> Database:
    """The second source's schema beside `migrated_database`, shared by the session: take `second` instead."""
    schema = migrated_database.schema("coinpaprika")
    migrate(schema, only=SOURCE_TABLES)
    return schema


@pytest.fixture
def second(database: Database, migrated_second: Database) -> Database:
    """The second source's schema beside `database`, with the tables that it uses, all of them empty."""
    _empty(migrated_second, SOURCE_TABLES)
    return database.schema("coinpaprika")


def _empty(database: Database, names: Collection[str] = MAIN_TABLES) -> None:
    """Delete all rows; the counter of the changes has its one row, as after the migration."""
    with database.transaction() as connection:
        for name in names:
            connection.execute(metadata.tables[name].delete())
        connection.execute(market_change_counter.insert().values(one_row=1, number=0))


def run_on(server: URL, *statements: str) -> None:
    """Execute statements on a server, outside of any Database."""
    with pymysql.connect(
        host=server.host,
        port=server.port or 3306,
        user=server.username,
        password=server.password or "",
        ssl_disabled=True,
        autocommit=True,
    ) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


def _file_in(folders: pytest.TempPathFactory) -> Path:
    return folders.mktemp("database") / "warehouse.db"
