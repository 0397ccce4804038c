"""The database: URLs, sessions, and transactions that are tried again."""

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, OperationalError

from coingecko_pipeline.warehouse import Database, DatabaseUnavailable, DatabaseUrlError
from coingecko_pipeline.warehouse.database import TRIES
from coingecko_pipeline_tests.databases import on_servers


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("coingecko", "cannot be parsed"),
        ("mysql+pymysql://user:hush@host:port/name", "cannot be parsed"),
        ("mysql+pymysql://user:hu@hush@host/name", "cannot be parsed"),
        ("mysql+pymysql://user:hush@host", "names no database"),
        ("postgresql://user:hush@host/name", "'postgresql'"),
        ("mysql://user:hush@host/name", "'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_in_one_sentence_without_its_password(url: str, told: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        Database(url)
    assert told in str(refused.value)
    assert "mysql+pymysql://user:password@host:3306/name" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_representation_shows_the_password() -> None:
    database = Database("mysql+pymysql://user:hush@host/name?ssl_key_password=hush")
    shown = f"{database!r} {database} {database.masked_url} {database.engine!r}"
    assert "hush" not in shown.replace("ssl_key_password=hush", "")
    assert "hush" not in f"{database!r} {database.masked_url}"


def test_mariadb_urls_are_the_same_as_mysql_urls() -> None:
    assert Database("mariadb+pymysql://user@host/name").url.drivername == "mysql+pymysql"


def test_building_a_database_touches_nothing(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'folder' / 'file.db'}")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_an_sqlite_file_is_created_at_first_use(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'deep' / 'folder' / 'file.db'}")
    with database.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    database.dispose()


def test_an_sqlite_file_that_cannot_be_opened_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    database = Database(f"sqlite:///{tmp_path / 'file' / 'file.db'}")
    with pytest.raises(DatabaseUnavailable, match="could not be opened: check that its folder"), database.connect():
        pass


def test_a_server_that_is_not_there_is_told_with_its_host() -> None:
    database = Database("mysql+pymysql://user:hush@127.0.0.1:1/name")
    with pytest.raises(DatabaseUnavailable) as refused, database.connect():
        pass
    assert "server 127.0.0.1:1" in str(refused.value)
    assert "check the host and the port" in str(refused.value)
    assert "hush" not in str(refused.value)


@on_servers
def test_a_wrong_password_and_a_missing_database_are_told_apart(kind: str, servers: Callable[[str], URL]) -> None:
    server = servers(kind)
    intruder = Database(
        server.set(username="nobody_knows_me", password="hush", database="x").render_as_string(hide_password=False)
    )
    with pytest.raises(DatabaseUnavailable, match="refused user 'nobody_knows_me': check the user") as refused:
        assert intruder.kind
    assert "hush" not in str(refused.value)
    nowhere = Database(server.set(database="no_such_database").render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable, match="CREATE DATABASE `no_such_database` CHARACTER SET utf8mb4"):
        assert nowhere.kind


def test_the_kind_is_what_the_server_is(empty_database: Database, kind: str) -> None:
    assert empty_database.kind == kind


@on_servers
def test_sessions_are_the_same_whatever_the_defaults_are(empty_database: Database, kind: str) -> None:
    isolation = "transaction_isolation" if kind == "mysql" else "tx_isolation"
    odd = f"SET SESSION sql_mode = '', time_zone = '+05:00', {isolation} = 'SERIALIZABLE', autocommit = 1, "
    odd += "max_error_count = 0, character_set_client = 'latin1', character_set_results = 'latin1'"
    url = empty_database.url.update_query_dict({"init_command": odd})
    database = Database(url.render_as_string(hide_password=False))
    with database.connect() as connection:
        found = connection.execute(
            text(
                f"SELECT @@{isolation}, @@time_zone, @@sql_mode, @@autocommit, @@character_set_client, "
                "@@character_set_connection, @@character_set_results"
            )
        ).one()
    database.dispose()
    assert found[0] == "READ-COMMITTED"
    assert found[1] == "+00:00"
    assert {"STRICT_ALL_TABLES", "STRICT_TRANS_TABLES", "NO_ZERO_DATE"} <= set(found[2].split(","))
    assert found[3] == 0
    assert set(found[4:]) == {"utf8mb4"}


def test_a_transaction_is_committed_or_rolled_back_as_a_whole(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (id INTEGER PRIMARY KEY)"))
    with empty_database.transaction() as connection:
        connection.execute(text("INSERT INTO counted VALUES (1)"))

    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO counted VALUES (2)"))
        raise LookupError

    with pytest.raises(LookupError):
        empty_database.run_in_transaction(fail)
    with empty_database.connect() as connection:
        assert connection.scalars(text("SELECT id FROM counted")).all() == [1]


@on_servers
def test_the_victim_of_a_real_deadlock_is_tried_again(
    empty_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (id INTEGER PRIMARY KEY, n INTEGER)"))
        connection.execute(text("INSERT INTO counted VALUES (1, 0), (2, 0)"))
    waits: list[float] = []
    database = Database(empty_database.url.render_as_string(hide_password=False), sleep=waits.append)
    url = empty_database.url
    # The other one changes more rows, which makes this one the cheaper victim.
    other = pymysql.connect(host=url.host, port=url.port or 3306, user="root", database=url.database)
    other.cursor().execute("UPDATE counted SET n = n + 1 WHERE id = 2")
    other.cursor().execute(f"INSERT INTO counted VALUES {', '.join(f'({row}, 0)' for row in range(10, 200))}")
    tries: list[int] = []
    blocked = threading.Thread(target=lambda: other.cursor().execute("UPDATE counted SET n = n + 1 WHERE id = 1"))

    def work(connection: Connection) -> None:
        tries.append(1)
        if len(tries) == 2:  # the other one has won: it ends before its rows are asked for again
            blocked.join()
            other.commit()
        connection.execute(text("UPDATE counted SET n = n + 10 WHERE id = 1"))
        if len(tries) == 1:
            blocked.start()
            _wait_until_someone_waits_for_a_lock(empty_database)
        connection.execute(text("UPDATE counted SET n = n + 10 WHERE id = 2"))

    with caplog.at_level(logging.WARNING):
        database.run_in_transaction(work)
    other.close()
    with database.connect() as connection:
        assert connection.scalars(text("SELECT n FROM counted WHERE id < 10 ORDER BY id")).all() == [11, 11]
    database.dispose()
    assert len(tries) == 2
    assert len(waits) == 1
    assert "trying the transaction again" in caplog.text


def _wait_until_someone_waits_for_a_lock(database: Database) -> None:
    statement = text("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
    pause = threading.Event()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
        for _ in range(600):
            if watching.scalar(statement):
                return
            pause.wait(0.05)  # the view is refreshed every tenth of a second
    pytest.fail("no transaction waited for a lock")


@on_servers
def test_a_lost_connection_is_replaced_and_the_transaction_tried_again(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (id INTEGER PRIMARY KEY)"))
    killed: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute(text(f"INSERT INTO counted VALUES ({len(killed)})"))
        if not killed:
            killed.append(connection.scalar(text("SELECT CONNECTION_ID()")) or 0)
            with empty_database.connect() as killer:
                killer.execute(text(f"KILL CONNECTION {killed[0]}"))
        connection.execute(text("INSERT INTO counted VALUES (100)"))

    empty_database.run_in_transaction(work)
    with empty_database.connect() as connection:
        assert connection.scalars(text("SELECT id FROM counted ORDER BY id")).all() == [1, 100]


@on_servers
def test_a_transaction_that_always_loses_is_given_up_after_a_bounded_number_of_tries(empty_database: Database) -> None:
    waits: list[float] = []
    database = Database(empty_database.url.render_as_string(hide_password=False), sleep=waits.append)
    tries: list[int] = []

    def work(_: Connection) -> None:
        tries.append(1)
        raise OperationalError("UPDATE", {}, pymysql.err.OperationalError(1213, "Deadlock found"))

    with pytest.raises(OperationalError):
        database.run_in_transaction(work)
    database.dispose()
    assert len(tries) == TRIES
    assert len(waits) == TRIES - 1
    assert all(0 <= wait <= 5 for wait in waits)


def test_an_error_that_another_try_cannot_cure_is_not_tried_again(empty_database: Database) -> None:
    tries: list[int] = []
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (id INTEGER PRIMARY KEY)"))

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.execute(text("INSERT INTO counted VALUES (1), (1)"))

    with pytest.raises(IntegrityError):
        empty_database.run_in_transaction(work)
    assert len(tries) == 1


@on_servers
def test_a_server_that_never_answers_is_given_up_and_asked_again(empty_database: Database) -> None:
    url = empty_database.url.render_as_string(hide_password=False)
    hurried = Database(url, sleep=lambda _: None, read_timeout=1)
    tries: list[int] = []

    def work(connection: Connection) -> int | None:
        tries.append(1)
        answer: int | None = connection.scalar(text("SELECT SLEEP(300)" if len(tries) == 1 else "SELECT 7"))
        return answer

    try:
        assert hurried.run_reading(work) == 7
    finally:
        hurried.dispose()
    assert len(tries) == 2


@on_servers
def test_a_host_that_is_gone_without_a_word_is_noticed(empty_database: Database) -> None:
    with empty_database.connect() as connection:
        connected = connection.connection.driver_connection._sock  # type: ignore[union-attr]
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


@on_servers
def test_a_change_of_a_large_table_may_take_its_time(empty_database: Database) -> None:
    patient = empty_database.patient()
    with patient.connect() as connection:
        assert connection.connection.driver_connection._read_timeout is None  # type: ignore[union-attr]
    patient.dispose()
