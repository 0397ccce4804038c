"""Errors of the database drivers: which are worth another try, and what the others mean in one sentence."""

import re
import sqlite3
from pathlib import Path

import pymysql
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from coingecko_pipeline.warehouse.errors import (
    DatabaseUnavailable,
    DatabaseUrlError,
    StatementRefused,
    StorageFull,
    WarehouseError,
)
from coingecko_pipeline.warehouse.room import is_full, temporary_folder_full, temporary_folder_of_sqlite
from coingecko_pipeline.warehouse.urls import masked

LOCK_CODES = frozenset({1205, 1213})
"""Lock wait timeout; deadlock. The server has undone what the transaction did."""

LOST_CONNECTION_CODES = frozenset({0, 1053, 1927, 2006, 2013, 2014, 2055, 4031})
"""The connection is gone: closed on our side (0, which is also what PyMySQL ends with where LOAD DATA loses it amid the
file), server shutdown (1053), killed (1927 on MariaDB), gone away (2006), lost during a query (2013), packets out of
order after a break (2014), lost at a system call (2055), closed by the server as idle (4031)."""

LOCKED_CODES = frozenset({3118, 4151})
"""An account that is locked: on MySQL, on MariaDB."""
EXPIRED_CODES = frozenset({1820, 1862})
"""A password that has expired: told at the first statement, at the login."""
TLS_CODES = frozenset({2026, 3159})
"""TLS is asked for and the server has none; the server asks for TLS."""
QUOTA = 1226
"""The account has made as many connections, statements or changes as it may in an hour."""

CONNECT_CODES = (
    frozenset({1040, 1044, 1045, 1049, 1129, 1130, 1203, 1251, 1698, 2002, 2003, 2005, 2059, 2061, QUOTA})
    | LOCKED_CODES
    | EXPIRED_CODES
    | TLS_CODES
)
"""What a server, or the way to it, answers to an attempt to connect: see `unavailable`."""

OUTAGE_CODES = LOST_CONNECTION_CODES | {1040, 1203, 2002, 2003, 2005}
"""Answers to an attempt to connect that pass by themselves once the server has restarted: the connection ended before
the login was done (a proxy in between accepts it and finds no server), no free connection since all clients come back
at once (1040, 1203), nothing answers (2002, 2003), its name is unknown while it is stopped, as a container's (2005)."""

FULL_CODES = frozenset({1021, 1114})
"""What a server answers whose disk, quota or largest file is full: disk full; a table is full, a temporary one too."""

_ERRNO_28 = re.compile(r"(?i)\b(?:errno|errcode|error)[: ]+28\b")
"""How other answers tell it: error 28 of the system, from a storage engine (1030) or at a file (3, 1026 and more)."""

REFUSED_CODES = frozenset({1118, 1153, 1292, 1301, 1364, 1526, 1644, 3105, 3140, 3157, 3819, 4025})
"""What a server answers to rows that it will never take, and PyMySQL does not tell from its other errors: the row or
packet is too large (1118, 1153, 1301), no such value (1292), a column without a default (1364), no partition for it
(1526), refused by a trigger (1644), for a generated column (3105), no JSON or too deep (3140, 3157), against a CHECK
(3819, 4025 on MariaDB)."""

UNKNOWN_DATABASE = 1049

UNVERIFIED = -1
"""Stands for a certificate that was not accepted, for which drivers have the number of any failed connection, 2003."""

DENIED_CODES = frozenset({1044, 1142, 1143})
"""What a server answers to a statement that the user has no right to: on the database, a table, a column."""

RIGHTS_CODES = DENIED_CODES | {1227, 1370}
"""The same, and to one that needs a right of the whole server, or to execute a routine."""

READ_ONLY_CODES = frozenset({1290, 1792, 1836, 3100})
"""What a server answers that takes no changes: it runs with an option such as --read-only, the transaction is read
only, it is in read-only mode, its group of servers has no majority or does not take writes here."""


def error_code(error: BaseException) -> int | None:
    """The server's or client's error number of a PyMySQL error, wrapped by SQLAlchemy or not; else None."""
    if isinstance(error, DBAPIError):
        return None if error.orig is None else error_code(error.orig)
    if isinstance(error, pymysql.MySQLError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction, tried again, may succeed: a deadlock, a lock wait, a lost connection."""
    code = error_code(error)
    if code is not None:
        return code in LOCK_CODES or code in LOST_CONNECTION_CODES
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.OperationalError):
        return original.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return False


def is_outage(error: BaseException) -> bool:
    """Whether an attempt to connect failed as it does while a server restarts: waiting helps, other settings do not."""
    return error_code(error) in OUTAGE_CODES


def is_full_storage(error: BaseException) -> bool:
    """Whether a database says that it has no space left."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(original, sqlite3.OperationalError):
        return original.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL
    code = error_code(original)
    return code is not None and (code in FULL_CODES or _ERRNO_28.search(str(original)) is not None)


def is_denied(error: BaseException) -> bool:
    """Whether the user may not do what a statement asked for."""
    return error_code(error) in DENIED_CODES


def is_refusal(error: DBAPIError) -> bool:
    """Whether the database will never take the rows as they are: another try ends the same way."""
    return isinstance(error, IntegrityError | DataError) or error_code(error) in REFUSED_CODES


def storage_full(error: BaseException, url: URL) -> StorageFull | None:
    """The one sentence to give a person whose database has no space left; None where `error` is something else."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    full = is_full_storage(original)
    if isinstance(original, sqlite3.OperationalError):
        here = is_full(Path(url.database or "").parent)
        # Where its log's index has no room SQLite says that it cannot read or write.
        full = full or (here and original.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN))
        if full and not here and is_full(temporary := temporary_folder_of_sqlite()):
            return temporary_folder_full(temporary)
    if not full:
        return None
    return StorageFull(
        f"{masked(url)} has no space left to write to ({original}): make room where its data are, then run the same "
        "again. What was stored before is kept"
    )


def refused(error: BaseException, url: URL) -> StatementRefused | None:
    """The one sentence to give a person whose database takes no such statement; None where `error` is something else.

    None of these passes by itself, and waiting for an hour's quota is for whoever runs the work.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = error_code(original)
    if code in RIGHTS_CODES:
        advice = f"user {url.username!r} has no right to it: grant it, or name another user in the database URL"
    elif code in READ_ONLY_CODES:
        advice = "the server is read-only: name the one that takes changes, or end its read-only mode"
    elif code == QUOTA:
        advice = f"user {url.username!r} has used what it may within an hour: try later, or raise the user's limit"
    elif code in EXPIRED_CODES:
        advice = f"the password of user {url.username!r} has expired: set a new one, and put it into the database URL"
    elif isinstance(original, sqlite3.OperationalError) and original.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
        advice = "the file cannot be written to: check its rights and those of its folder"
    else:
        return None
    return StatementRefused(f"{masked(url)} refused a statement ({words_of(original)}): {advice}", code)


def words_of(error: BaseException) -> str:
    """A driver's error in one line, wrapped by SQLAlchemy or not: its number and the server's words, no statement."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    words = original.args[1] if isinstance(original, pymysql.MySQLError) and len(original.args) > 1 else original
    code = error_code(original)
    return " ".join((f"{words}" if code is None else f"{code}: {words}").split())


def unavailable(error: BaseException, url: URL) -> WarehouseError | None:
    """The one sentence to give a person whose database did not let us in; None where `error` is something else.

    It is a DatabaseUrlError where the URL names what is no database.

    Args:
        error: of an attempt to connect, not of a statement.
        url: of the database.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if url.get_backend_name() == "sqlite":
        if isinstance(original, sqlite3.DatabaseError) and original.sqlite_errorcode & 0xFF == sqlite3.SQLITE_NOTADB:
            return DatabaseUrlError(f"the file {url.database!r} is no SQLite database: name another one")
        cannot_open = (
            isinstance(original, sqlite3.OperationalError)
            and original.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN
        )
        if not (cannot_open or isinstance(original, OSError)):
            return None
        return DatabaseUnavailable(
            f"the SQLite file {url.database!r} could not be opened: check that its folder can be created and written to"
        )
    code = error_code(original)
    if code is None or code not in CONNECT_CODES | LOST_CONNECTION_CODES:
        return None
    where = f"{url.host or 'localhost'}:{url.port or 3306}"
    user = f"user {url.username!r}"
    if "CERTIFICATE_VERIFY_FAILED" in str(original):
        code = UNVERIFIED
    advice = {
        UNVERIFIED: "the server's certificate is not accepted: name the certificate of its authority (ssl_ca=…), and "
        f"the host as it stands in the certificate ({words_of(original)})",
        2026: "TLS is asked for and did not come about: check that the server has it switched on, or leave ssl-mode "
        "out of the database URL",
        3159: "the server takes encrypted connections only: put ?ssl-mode=REQUIRED to the database URL",
        QUOTA: f"{user} has used what it may within an hour: try later, or raise the user's limit",
        1251: f"the account of {user} asks for a way of login that the driver does not have: change its plugin",
        1698: f"the server refused {user}, whose account takes no password: give it one, or name another",
        **dict.fromkeys(LOCKED_CODES, f"the account of {user} is locked: unlock it, or name another"),
        **dict.fromkeys(EXPIRED_CODES, f"the password of {user} has expired: set a new one, and put it into the URL"),
        1044: f"user {url.username!r} has no right to database {url.database!r}: grant it, or name another",
        1045: f"the server refused user {url.username!r}: check the user and the password in the database URL",
        1049: f"the server has no database {url.database!r}: create it with "
        f"CREATE DATABASE `{url.database}` CHARACTER SET utf8mb4",
        1040: "the server has no free connection: try later, or raise its max_connections",
        1203: f"user {url.username!r} has no free connection: try later, or raise the user's limit",
        1129: "the server blocks this host after failed attempts: run FLUSH HOSTS on it",
        1130: "the server does not accept this host: allow it for the user",
        **dict.fromkeys(
            LOST_CONNECTION_CODES,
            "the connection ended before the login was done: check the port, and that a MySQL or MariaDB server runs",
        ),
    }.get(code, "nothing answers there: check the host and the port, and that the server runs")
    number = error_code(original)
    return DatabaseUnavailable(f"could not connect to {masked(url)} (server {where}, error {number}): {advice}")
