"""Locks of processes in the database."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.locks import holding, is_free
from coingecko_pipeline_tests.databases import on_servers

HOLDER = """
import sys
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.locks import holding
with holding(Database(sys.argv[1]), "held"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """The same database as another process has it."""
    found = Database(database.url.render_as_string(hide_password=False))
    yield found
    found.dispose()


def test_a_lock_is_held_for_the_time_of_the_block(database: Database, other: Database) -> None:
    assert is_free(other, "held")
    with holding(database, "held"):
        assert not is_free(other, "held")
        assert is_free(other, "another")
    assert is_free(other, "held")


def test_who_finds_a_lock_held_waits_for_it(database: Database, other: Database) -> None:
    waits = 0
    with holding(database, "first"):
        ended = threading.Event()

        def hold() -> None:
            with holding(database, "held"):
                begun.set()
                ended.wait(60)

        begun = threading.Event()
        holder = threading.Thread(target=hold)
        holder.start()
        assert begun.wait(60)

        def wait() -> None:
            nonlocal waits
            waits += 1
            ended.set()
            holder.join()

        with holding(other, "held", wait):
            assert waits == 1


def test_a_wait_for_a_lock_can_be_given_up(database: Database, other: Database) -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    with holding(database, "held"):
        with pytest.raises(KeyboardInterrupt), holding(other, "held", give_up):
            pytest.fail("the lock was held")
        assert not is_free(other, "held")
    assert is_free(other, "held")


def test_the_lock_of_a_killed_process_is_free(database: Database, other: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert not is_free(database, "held")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # The server sees the closed connection by itself.
    with holding(database, "held", lambda: None):
        assert not is_free(other, "held")


def test_what_fails_beside_a_lock_does_not_end_its_keeping(database: Database) -> None:
    beats = threading.Semaphore(0)

    def fail() -> None:
        beats.release()
        raise ValueError("the storage of another library is away")

    with holding(database, "held", on_beat=fail, beat_seconds=0.05):
        for _ in range(3):
            assert beats.acquire(timeout=60)


@on_servers
def test_a_lock_that_is_lost_with_its_connection_is_taken_again(database: Database, other: Database) -> None:
    beaten = threading.Semaphore(0)
    with holding(database, "held", on_beat=beaten.release, beat_seconds=0.05):
        with other.connect() as connection:
            number = connection.scalar(text("SELECT IS_USED_LOCK('held')"))
            connection.exec_driver_sql(f"KILL {number}")
        while beaten.acquire(blocking=False):
            """What was before says nothing."""
        # The first may have looked before the kill.
        for _ in range(2):
            assert beaten.acquire(timeout=60)
        assert not is_free(other, "held")


@on_servers
def test_a_connection_without_a_word_is_taken_for_dead_within_a_minute(database: Database) -> None:
    with holding(database, "held"), database.connect() as connection:
        number = connection.scalar(text("SELECT IS_USED_LOCK('held')"))
        query = text(
            "SELECT variable_value FROM performance_schema.variables_by_thread "
            "JOIN performance_schema.threads USING (thread_id) "
            "WHERE processlist_id = :number AND variable_name = 'wait_timeout'"
        )
        if database.kind == "mysql":
            assert connection.scalar(query, {"number": number}) == "60"
