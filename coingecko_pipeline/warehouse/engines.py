"""SQLAlchemy's engines, and how each session of theirs is set up.

Whatever the server's defaults are, every MySQL and MariaDB session runs at READ COMMITTED, in strict mode, in utf8mb4
and in UTC.
"""

import socket
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from coingecko_pipeline.warehouse.connect_options import connect_options

SQL_MODE = (
    "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,"
    # Without it an AUTO_INCREMENT column stores another number where 0 is given.
    "NO_AUTO_VALUE_ON_ZERO"
)
UNLIMITED = "sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = 18446744073709551615"
"""What a server for people who type statements may have set, and what would refuse or cut ours."""
# Two transactions that delete and insert neighbouring days deadlock under the default REPEATABLE READ.
ISOLATION_LEVEL = "READ COMMITTED"
CONNECT_TIMEOUT_SECONDS = 10
# Below the 8 hours after which MySQL closes an idle connection, and most firewalls' one hour.
POOL_RECYCLE_SECONDS = 1800
READ_TIMEOUT_SECONDS = 900
"""Without a byte of an answer: the longest statement, which makes a part of a derived table anew, takes some seconds on
a quiet machine, and waits for a lock for 50 at most. A server that says nothing for so long never will."""
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""A host that is gone without a word is noticed after a minute and a half and not after the system's two hours: seconds
of silence, seconds between two questions, and how many may stay without an answer."""
SQLITE_BUSY_SECONDS = 30

BEGIN = "warehouse_begin"
"""The execution option that tells with which statement a transaction begins on SQLite."""


def mysql_engine(url: URL, local_infile: bool, read_timeout: float | None) -> Engine:
    """An engine on a MySQL or MariaDB database.

    Args:
        url: as parsed.
        local_infile: whether LOAD DATA LOCAL INFILE may be used.
        read_timeout: seconds to wait for an answer; None for as long as it takes.
    """
    engine = create_engine(
        url.set(query={}),
        connect_args=mysql_arguments(url, local_infile, read_timeout),
        isolation_level=ISOLATION_LEVEL,
        # A compiled INSERT then takes tuples, which PyMySQL sends together in one statement.
        paramstyle="format",
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_SECONDS,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def settle_session(connection: Any, _entry: ConnectionPoolEntry) -> None:
        _keep_alive(getattr(connection, "_sock", None))
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION sql_mode = %s, time_zone = '+00:00', {UNLIMITED}", (SQL_MODE,))

    return engine


def mysql_arguments(url: URL, local_infile: bool, read_timeout: float | None) -> dict[str, Any]:
    """What the driver gets beside the host, the user and the database; see `mysql_engine`."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **connect_options(url),
        # In bytes, since the driver writes a text in Latin-1, and servers keep the passwords of accounts as UTF-8.
        **({"password": url.password.encode()} if url.password else {}),
        "charset": "utf8mb4",
        "local_infile": local_infile,
        "read_timeout": read_timeout,
    }


def _keep_alive(connected: socket.socket | None) -> None:
    """Have the system ask a silent host whether it is still there, where it can; PyMySQL has switched it on."""
    if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
        for name, value in KEEPALIVE.items():
            if (option := getattr(socket, name, None)) is not None:
                connected.setsockopt(socket.IPPROTO_TCP, option, value)


def sqlite_engine(url: URL, attached: Mapping[str, str]) -> Engine:
    """An engine on an SQLite file, whose folder is created when needed.

    Args:
        url: as parsed.
        attached: other files whose tables every connection sees, by the name that qualifies them.
    """
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "do_connect")
    def make_folder(*_args: object) -> None:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def settle_session(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own way of beginning leaves DDL and reads outside of transactions: ours is explicit.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        for name, path in attached.items():
            connection.execute("ATTACH DATABASE ? AS " + '"' + name.replace('"', '""') + '"', (path,))

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: one that has read before cannot wait for it and fails instead.
        connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))

    return engine
