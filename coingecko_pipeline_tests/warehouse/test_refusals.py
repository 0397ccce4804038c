"""A server that does not let in, or does not do as told: one right sentence each, and at once."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import (
    Database,
    DatabaseUnavailable,
    DatabaseUrlError,
    StatementRefused,
    WarehouseError,
)
from coingecko_pipeline.warehouse.failures import READ_ONLY_CODES, RIGHTS_CODES, refused, unavailable
from coingecko_pipeline.warehouse.urls import parse_database_url
from coingecko_pipeline_tests.databases import on_servers, run_on

URL_OF_NOWHERE = parse_database_url("mysql+pymysql://me:hush@host/db")
MakeUser = Callable[..., URL]


def error_of(code: int, words: str = "the server's words") -> DBAPIError:
    return DBAPIError("UPDATE secrets", {}, pymysql.err.OperationalError(code, words))


@pytest.mark.parametrize("code", sorted(READ_ONLY_CODES | RIGHTS_CODES | {1226, 1820}))
def test_a_statement_that_is_refused_for_good_is_one_sentence(code: int) -> None:
    told = refused(error_of(code), URL_OF_NOWHERE)
    assert isinstance(told, StatementRefused)
    assert (told.code, "\n" in str(told), "hush" in str(told), "secrets" in str(told)) == (code, False, False, False)
    assert f"({code}: the server's words)" in str(told)


@pytest.mark.parametrize(
    ("code", "words", "told"),
    [
        (2003, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "the server's certificate is not accepted"),
        (2026, "SSL is required but the server doesn't support it", "TLS is asked for and did not come about"),
        (3159, "Connections using insecure transport are prohibited", "put ?ssl-mode=REQUIRED to the database URL"),
        (3118, "Account is locked.", "the account of user 'me' is locked"),
        (4151, "Access denied, this account is locked", "the account of user 'me' is locked"),
        (1862, "Your password has expired.", "the password of user 'me' has expired"),
        (1226, "has exceeded the 'max_connections_per_hour'", "has used what it may within an hour"),
        (2003, "Can't connect", "nothing answers there"),
    ],
)
def test_a_server_that_does_not_let_in_is_told_with_what_to_do(code: int, words: str, told: str) -> None:
    sentence = str(unavailable(error_of(code, words), URL_OF_NOWHERE))
    assert told in sentence
    assert f"error {code}" in sentence
    assert "hush" not in sentence


@pytest.fixture
def make_user(empty_database: Database) -> Iterator[MakeUser]:
    """Makes an account with all rights on the database, and drops it; gives its URL."""
    made: list[str] = []

    def make(
        password: str = "pass",  # noqa: S107 - of an account that is dropped
        *,
        rights: str = "ALL",
        options: str = "",
    ) -> URL:
        name = f"test_{uuid.uuid4().hex[:12]}"
        made.append(name)
        run_on(
            empty_database.url,
            f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}' {options}",
            f"GRANT {rights} ON `{empty_database.url.database}`.* TO '{name}'@'%'",
        )
        return empty_database.url.set(username=name, password=password)

    yield make
    run_on(empty_database.url, *(f"DROP USER '{name}'@'%'" for name in made))


def opened(url: URL) -> Database:
    return Database(url.render_as_string(hide_password=False), sleep=lambda _: pytest.fail("it waits"))


@on_servers
def test_a_password_of_any_letters_lets_in(make_user: MakeUser) -> None:
    database = opened(make_user("pä€:/?#@ word"))
    with database.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    database.dispose()


@on_servers
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("ACCOUNT LOCK", "is locked: unlock it"),
        ("PASSWORD EXPIRE", "has expired: set a new one"),
        ("WITH MAX_QUERIES_PER_HOUR 1", "has used what it may within an hour"),
    ],
)
def test_an_account_that_may_not_now_is_told_why(make_user: MakeUser, options: str, told: str) -> None:
    database = opened(make_user(options=options))
    with pytest.raises((DatabaseUnavailable, StatementRefused), match=told):
        database.run_in_transaction(lambda connection: connection.execute(text("CREATE TABLE t (id INT)")))
    database.dispose()


@on_servers
def test_an_account_without_a_right_is_told_at_once(make_user: MakeUser) -> None:
    url = make_user(rights="SELECT")
    database, other = opened(url), opened(url.set(database=f"{url.database}_other"))
    for act in (
        lambda: migrate(database),
        lambda: migrate(other),
        lambda: database.run_in_transaction(lambda c: c.execute(text("CREATE TABLE t (id INT)"))),
    ):
        with pytest.raises(WarehouseError, match="has no right to") as told:
            act()
        assert "\n" not in str(told.value)
    database.dispose()
    other.dispose()


@on_servers
def test_a_session_for_people_who_type_changes_as_every_other(empty_database: Database) -> None:
    @event.listens_for(empty_database.engine, "connect", insert=True)
    def be_careful(connection: pymysql.Connection, _entry: object) -> None:
        connection.cursor().execute("SET SESSION sql_safe_updates = 1, sql_select_limit = 1, sql_big_selects = 0")

    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (id INT)"))
        connection.execute(text("INSERT INTO t VALUES (1), (2)"))
        assert len(connection.execute(text("SELECT * FROM t")).all()) == 2
        connection.execute(text("UPDATE t SET id = id + 1"))
        connection.execute(text("DELETE FROM t WHERE id > 0"))


@on_servers
def test_a_transaction_that_may_only_read_is_not_tried_again(empty_database: Database) -> None:
    tries: list[int] = []

    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (id INT)"))

    @event.listens_for(empty_database.engine, "connect")
    def only_read(connection: pymysql.Connection, _entry: object) -> None:
        connection.cursor().execute("SET SESSION TRANSACTION READ ONLY")

    empty_database.engine.dispose()

    def insert(connection: Connection) -> None:
        tries.append(1)
        connection.execute(text("INSERT INTO t VALUES (1)"))

    with pytest.raises(StatementRefused, match="the server is read-only: name the one that takes changes"):
        empty_database.run_in_transaction(insert)
    assert tries == [1]


def test_a_file_that_is_no_database_is_a_wrong_setting(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("no database " * 1000)
    with pytest.raises(DatabaseUrlError, match="is no SQLite database: name another one"), opened_file(file).connect():
        pass
    assert file.read_text() == "no database " * 1000


def opened_file(file: Path) -> Database:
    return Database(f"sqlite:///{file}")
