"""The memory that one statement may use for its intermediate results."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

MEGABYTE = 1 << 20
DEFAULT_MEGABYTES = 256


@contextmanager
def statement_memory(connection: Connection, megabytes: int) -> Iterator[None]:
    """Give a session so much for an intermediate table, and an eighth of it for a sort and for a join, for a block.

    The servers' own limits, 16 MB, 256 KB to 2 MB and 256 KB, put the intermediate results on disk: a new day of
    returns then takes six times as long. Afterwards the session has the server's limits again; where the block ends in
    an error the connection is closed, since nobody knows what it would still answer. SQLite has no such limits.

    Args:
        connection: In the transaction that runs the statements.
        megabytes: For each intermediate table.
    """
    size = megabytes * MEGABYTE
    limits = {
        "tmp_table_size": size,
        "max_heap_table_size": size,
        "sort_buffer_size": size // 8,
        "join_buffer_size": size // 8,
    }
    if connection.dialect.name == "sqlite":
        limits = {}
    try:
        for name, limit in limits.items():
            connection.exec_driver_sql(f"SET SESSION {name} = {limit}")
        yield
        for name in limits:
            connection.exec_driver_sql(f"SET SESSION {name} = DEFAULT")
    except BaseException:
        connection.invalidate()
        raise
