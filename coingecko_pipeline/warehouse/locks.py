"""Named locks of processes, kept by the database that they share: freed when the process is gone, whatever ended it.

On MySQL and MariaDB a lock belongs to a connection, so the server frees it when that is closed, also by a machine that
lost its power: the session's `wait_timeout` is short and the connection is used again and again. On SQLite it is a lock
on a file beside the database, which the operating system frees.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.warehouse.database import Database

logger = logging.getLogger(__name__)

BEAT_SECONDS = 4.0
"""Between two uses of a lock's connection: a lock that was lost with its server is taken again after so long."""

SILENT_SECONDS = 60
"""After which the server takes a connection without a word for dead, and frees its lock."""


class _Lock(Protocol):
    def take(self) -> bool:
        """Take the lock, or see that it is still held; whether it is."""

    def free(self) -> None:
        """Give it back."""


class _ServerLock:
    """A lock of a MySQL or MariaDB server.

    Args:
        database: Whose server.
        name: Up to 64 characters; all databases of the server share the names.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = {"name": name}
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Take the lock, or see that it is still held."""
        if self._connection is None:
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # Not one of the pool's: what is set here is set for good.
            connection.detach()
            connection.exec_driver_sql(f"SET SESSION wait_timeout = {SILENT_SECONDS}")
            self._connection = connection
        try:
            held = self._connection.scalar(text("SELECT IS_USED_LOCK(:name) = CONNECTION_ID()"), self._name)
            return bool(held) or self._connection.scalar(text("SELECT GET_LOCK(:name, 0)"), self._name) == 1
        except DBAPIError:
            self.free()
            raise

    def free(self) -> None:
        """Give it back, with its connection."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None


class _FileLock:
    """A lock on a file beside an SQLite database."""

    def __init__(self, database: Database, name: str) -> None:
        self._path = Path(f"{database.url.database}-locks") / name
        self._lock = FileLock(self._path, timeout=0)

    def take(self) -> bool:
        """Take the lock, or see that it is still held."""
        if self._lock.is_locked:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def free(self) -> None:
        """Give it back, and remove its file."""
        if self._lock.is_locked:
            self._path.unlink(missing_ok=True)
            self._lock.release()


def _lock(database: Database, name: str) -> _Lock:
    return _FileLock(database, name) if database.is_sqlite else _ServerLock(database, name)


@contextmanager
def holding(
    database: Database,
    name: str,
    wait: Callable[[], None] = lambda: None,
    *,
    on_beat: Callable[[], None] = lambda: None,
    beat_seconds: float = BEAT_SECONDS,
) -> Iterator[None]:
    """Hold a lock for the time of the block, also over a restart of the server.

    Args:
        database: Where it is known.
        name: Up to 64 characters.
        wait: Called where another process holds it, each time before it is tried again.
        on_beat: Called from a thread of the lock's own, every `beat_seconds`.
        beat_seconds: Between two looks whether it is still held.

    Raises:
        sqlalchemy.exc.DBAPIError: The server did not answer.
    """
    lock = _lock(database, name)
    try:
        while not lock.take():
            wait()
    except BaseException:
        lock.free()
        raise
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(beat_seconds):
            for act in (lock.take, on_beat):
                try:
                    act()
                except Exception as error:
                    # Whatever it is, the next beat tries again: a keeper that gave up would have its process taken for
                    # dead, once a server that was away for a moment is back.
                    logger.debug("the lock %s was not looked after: %s", name, error)

    keeper = threading.Thread(target=keep, name=f"lock {name}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        lock.free()


def is_free(database: Database, name: str) -> bool:
    """Whether nobody holds a lock.

    Args:
        database: Where it would be known.
        name: Of the lock.

    Raises:
        DatabaseUnavailable: The server did not let us in.
        sqlalchemy.exc.DBAPIError: The server did not answer.
    """
    if not database.is_sqlite:
        query = text("SELECT IS_FREE_LOCK(:name)")
        return bool(database.run_reading(lambda connection: connection.scalar(query, {"name": name})))
    lock = _FileLock(database, name)
    try:
        return lock.take()
    finally:
        lock.free()
