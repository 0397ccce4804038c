"""A database without space left."""

import pytest
from sqlalchemy import Connection

from coingecko_pipeline.warehouse import Database, StorageFull

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
