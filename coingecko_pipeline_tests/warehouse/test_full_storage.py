"""A database without space left."""

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pymysql
import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from coingecko_pipeline.warehouse import Database, StorageFull
from coingecko_pipeline.warehouse.failures import storage_full
from coingecko_pipeline.warehouse.load_data import ready_file
from coingecko_pipeline.warehouse.room import RESERVE_BYTES, temporary_room
from coingecko_pipeline.warehouse.spool import Spool
from coingecko_pipeline_tests.small_disks import fill as fill_disk
from coingecko_pipeline_tests.small_disks import small_disk

ROWS = 2_000


def fill(connection: Connection, kind: str) -> None:
    """Write more than there is room for: into a small file, or a table in a small memory."""
    if kind == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        statement = "INSERT INTO full_table VALUES (?)"
    else:
        connection.exec_driver_sql("SET SESSION max_heap_table_size = 16384")
        connection.exec_driver_sql("CREATE TEMPORARY TABLE small_table (word CHAR(200)) ENGINE = MEMORY")
        statement = "INSERT INTO small_table VALUES (%s)"
    connection.exec_driver_sql("INSERT INTO full_table VALUES ('before')")
    connection.exec_driver_sql(statement, [("x" * 200,) for _ in range(ROWS)])


def test_a_full_disk_is_told_with_what_to_do_and_nothing_of_the_transaction_stays(
    empty_database: Database, kind: str
) -> None:
    empty_database.run_in_transaction(lambda c: c.exec_driver_sql("CREATE TABLE full_table (word VARCHAR(200))"))
    with pytest.raises(StorageFull, match=r"has no space left to write to .*make room where its data are"):
        empty_database.run_in_transaction(lambda connection: fill(connection, kind))
    count = empty_database.run_reading(lambda c: c.exec_driver_sql("SELECT COUNT(*) FROM full_table").scalar_one())
    assert count == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1021, "Disk full (/tmp/#sql); waiting for someone to free some space (errno: 28)"),
        (1114, "The table '/tmp/#sql1a2b_3_4' is full"),
        (1030, "Got error 28 - 'No space left on device' from storage engine"),
        (1030, 'Got error 28 "No space left on device" from storage engine InnoDB'),
        (3, "Error writing file '/tmp/MYfd=12' (OS errno 28 - No space left on device)"),
        (1026, "Error writing file './x.MYD' (Errcode: 28 \"No space left on device\")"),
    ],
)
def test_whatever_a_server_says_of_a_full_disk_is_told(code: int, words: str) -> None:
    url = make_url("mysql+pymysql://me:hush@host/db")
    told = storage_full(pymysql.OperationalError(code, words), url)
    assert "has no space left to write to" in str(told)
    assert "hush" not in str(told)
    assert storage_full(pymysql.OperationalError(1030, "Got error 128 from storage engine"), url) is None


def test_an_error_of_reading_on_a_disk_with_room_is_not_told_as_full(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    assert storage_full(error, make_url(f"sqlite:///{tmp_path}/x.db")) is None


@pytest.mark.parametrize(("free", "enough"), [(RESERVE_BYTES - 1, False), (RESERVE_BYTES, True)])
def test_before_something_is_bought_there_must_be_room_for_it(tmp_path: Path, free: int, enough: bool) -> None:
    database = Database(f"sqlite:///{tmp_path}/market.db", free=lambda _folder: free)
    if enough:
        database.assert_room()
        return
    with pytest.raises(StorageFull, match=r"has less than 64 MB left to write to, and nothing more is bought: make"):
        database.assert_room()


def test_of_a_servers_disk_nothing_is_known() -> None:
    Database("mysql+pymysql://me@host/db", free=lambda _folder: 0).assert_room()


def test_another_error_of_a_temporary_file_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), temporary_room():
        raise PermissionError(errno.EACCES, "denied")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    with small_disk(tmp_path / "disk", 4) as folder:
        yield folder


WORDS = pa.table({"word": pa.array([f"{number:0200}" for number in range(1_000)])})


def test_a_full_disk_of_temporary_files_is_told_by_its_name(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    fill_disk(disk)
    with pytest.raises(StorageFull, match=rf"{disk}, the folder for temporary files"), Spool() as spool:
        spool.append(pa.concat_tables([WORDS] * 10))
    with pytest.raises(StorageFull, match=rf"{disk}, the folder for temporary files"), ready_file(WORDS):
        pass


def test_a_file_of_sqlite_goes_on_when_there_is_room_again(disk: Path) -> None:
    database = Database(f"sqlite:///{disk}/market.db")

    def add(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO words VALUES (?)", [("x" * 200,) for _ in range(ROWS)])

    database.run_in_transaction(lambda connection: connection.exec_driver_sql("CREATE TABLE words (word TEXT)"))
    database.run_in_transaction(add)
    ballast = fill_disk(disk)
    with pytest.raises(StorageFull, match=r"market\.db has no space left to write to"):
        database.run_in_transaction(add)
    ballast.unlink()
    rows = database.run_reading(lambda c: c.exec_driver_sql("SELECT COUNT(*) FROM words").scalar_one())
    database.run_in_transaction(add)
    assert database.run_reading(lambda c: c.exec_driver_sql("SELECT COUNT(*) FROM words").scalar_one()) == rows + ROWS
    database.dispose()


def test_a_file_of_sqlite_that_cannot_even_be_opened_is_told(disk: Path) -> None:
    database = Database(f"sqlite:///{disk}/market.db")
    database.run_in_transaction(lambda connection: connection.exec_driver_sql("CREATE TABLE words (word TEXT)"))
    database.dispose()
    fill_disk(disk)
    with pytest.raises(StorageFull, match=r"market\.db has no space left to write to"):
        database.run_in_transaction(lambda connection: connection.exec_driver_sql("INSERT INTO words VALUES ('x')"))
    database.dispose()
