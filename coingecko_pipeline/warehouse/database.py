"""One database: its connections and its transactions, on MySQL, MariaDB and SQLite alike."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar

import tenacity
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.warehouse.engines import BEGIN, READ_TIMEOUT_SECONDS, mysql_engine, sqlite_engine
from coingecko_pipeline.warehouse.errors import StorageFull
from coingecko_pipeline.warehouse.failures import is_outage, is_transient, refused, storage_full, unavailable
from coingecko_pipeline.warehouse.room import RESERVE_BYTES, free_bytes
from coingecko_pipeline.warehouse.urls import masked, parse_database_url, url_of_schema

logger = logging.getLogger(__name__)

T = TypeVar("T")
Kind = Literal["mysql", "mariadb", "sqlite"]

TRIES = 5
"""How often a transaction is tried at most: a deadlock's victim rarely loses twice."""
BACKOFF = tenacity.wait_random_exponential(multiplier=0.1, max=5)
"""Seconds between tries: random, up to 0.1, 0.2, 0.4, 0.8, so that two victims do not meet again."""

OUTAGE_SECONDS = 120
"""How long a server that was reached before is waited for: it restarts in seconds, and recovers from a crash, or is
replaced by its standby, in a minute or two. What takes longer is for Dagster's retries of the step."""
OUTAGE_BACKOFF = tenacity.wait_random_exponential(multiplier=0.5, max=5)
"""Seconds between attempts to connect: random, up to 0.5, 1, 2, 4, 5, so that not all clients come back at once."""


class Database:
    """A database by its URL. Building one touches nothing; the first statement connects.

    A server that cannot be reached at first is an error at once, since the settings may be wrong. One that was reached
    before is waited for, up to `OUTAGE_SECONDS`, wherever a connection is needed: it restarts.

    Args:
        url: `mysql+pymysql://user:password@host:3306/name` (MySQL and MariaDB) or `sqlite:///path`; the folder of
            an SQLite file is created when needed.
        local_infile: whether bulk writes may use LOAD DATA LOCAL INFILE; without it they take a slower way.
        known: whether the server was reached with this URL before, by another process: it is waited for from the
            first connection on.
        sleep: waits between two tries, in seconds.
        attached: on SQLite: other files whose tables every connection sees, by the name that qualifies them.
        unprefixed: the name of a database whose schemas have their plain names (`urls.url_of_schema`).
        read_timeout: seconds to wait for a server's answer to a statement; None for as long as it takes.
        free: tells the bytes that may still be written into a folder.

    Raises:
        DatabaseUrlError: the URL cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        local_infile: bool = True,
        known: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        attached: Mapping[str, str] | None = None,
        unprefixed: str | None = None,
        read_timeout: float | None = READ_TIMEOUT_SECONDS,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._free = free
        self._url = parse_database_url(url)
        self._sleep = sleep
        self._unprefixed = unprefixed
        self._read_timeout = read_timeout
        self._reached = known
        self.local_infile = local_infile
        self._schemas: dict[str, Database] = {}
        self.engine: Engine = (
            sqlite_engine(self._url, attached or {})
            if self.is_sqlite
            else mysql_engine(self._url, local_infile, read_timeout)
        )
        """SQLAlchemy's engine, for tools that need one; `connect` and `transaction` give clearer errors."""

    def __repr__(self) -> str:
        return f"Database({self.masked_url!r})"

    @property
    def url(self) -> URL:
        """The parsed URL. It holds the password: show `masked_url` instead."""
        return self._url

    @property
    def masked_url(self) -> str:
        """The URL as text, its password masked."""
        return masked(self._url)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is an SQLite file. Known without connecting."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def kind(self) -> Kind:
        """`mysql`, `mariadb` or `sqlite`. The first use connects, since only the server knows which it is."""
        if self.is_sqlite:
            return "sqlite"
        if not self._reached:
            with self.connect():
                pass
        return "mariadb" if getattr(self.engine.dialect, "is_mariadb", False) else "mysql"

    def schema(self, name: str) -> "Database":
        """The database of a schema beside this one (`urls.url_of_schema` tells where), disposed together with this."""
        if name not in self._schemas:
            self._schemas[name] = self._like(self._url_of_schema(name))
        return self._schemas[name]

    def reading(self, schema: str) -> tuple["Database", str]:
        """This database for statements that read a schema's tables too, and the name that qualifies those there."""
        other = self._url_of_schema(schema).database or ""
        if not self.is_sqlite:
            return self, other
        key = f"with {schema}"
        if key not in self._schemas:
            self._schemas[key] = self._like(self._url, {schema: other})
        return self._schemas[key], schema

    def _url_of_schema(self, name: str) -> URL:
        return url_of_schema(self._url, name, self._unprefixed)

    def patient(self) -> "Database":
        """The same database, whose statements may take as long as they take: for the changes of large tables."""
        return self._like(self._url, read_timeout=None)

    def _like(
        self, url: URL, attached: Mapping[str, str] | None = None, read_timeout: float | None = READ_TIMEOUT_SECONDS
    ) -> "Database":
        return Database(
            url.render_as_string(hide_password=False),
            local_infile=self.local_infile,
            known=self._reached,
            sleep=self._sleep,
            attached=attached,
            read_timeout=self._read_timeout and read_timeout and min(self._read_timeout, read_timeout),
            free=self._free,
        )

    def assert_room(self) -> None:
        """Do nothing where what is about to be bought can be stored: on SQLite, whose disk is here to be looked at.

        Raises:
            StorageFull: less than `RESERVE_BYTES` are left, which are for what is under way.
        """
        if self.is_sqlite and self._free(Path(self._url.database or "").parent) < RESERVE_BYTES:
            raise StorageFull(
                f"{self.masked_url} has less than {RESERVE_BYTES / 2**20:.0f} MB left to write to, and nothing more is "
                "bought: make room where its data are, then run the same again. What was stored before is kept"
            )

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for reading; what it sees of other transactions is committed.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            StatementRefused: the user may not do that, or the server takes no changes.
            StorageFull: it has no space left, not even to be opened.
        """
        with self._connection() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside one transaction: committed at the end of the block, rolled back on an error.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            StatementRefused: the user may not do that, or the server takes no changes.
        """
        with self._connection() as connection:
            connection = connection.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
            with connection.begin():
                yield connection

    def run_in_transaction(self, work: Callable[[Connection], T]) -> T:
        """The result of `work(connection)`, committed; the whole again after a deadlock or a lost connection.

        `TRIES` bounds how often the work runs, also where it is the work that ends the server's connections; how long
        each try may wait for a connection is bounded by `OUTAGE_SECONDS`.

        Args:
            work: may run more than once, so it must leave nothing behind outside the transaction. Where the
                connection was lost at the commit itself, it may have been committed before: make it idempotent.

        Raises:
            DatabaseUnavailable: the database did not let us in.
            StorageFull: it has no space left.
            StatementRefused: the user may not do that, or the server takes no changes.
            sqlalchemy.exc.DBAPIError: the last error, after `TRIES` tries or where another try cannot help.
        """

        def once() -> T:
            with self.transaction() as connection:
                return work(connection)

        return self._again(once)

    def run_reading(self, work: Callable[[Connection], T]) -> T:
        """The result of `work(connection)`, which only reads; again after a lost connection, like a transaction."""

        def once() -> T:
            with self.connect() as connection:
                return work(connection)

        return self._again(once)

    def dispose(self) -> None:
        """Close every connection that is not in use, those to schemas included."""
        for schema in self._schemas.values():
            schema.dispose()
        self.engine.dispose()

    def _again(self, once: Callable[[], T]) -> T:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=BACKOFF,
            sleep=self._sleep,
            before_sleep=self._log_retry,
            reraise=True,
        )
        try:
            return retrying(once)
        except DBAPIError as error:
            if (full := storage_full(error, self._url)) is not None:
                raise full from error
            raise

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        _warn(
            "%s: try %d of %d failed (%s); trying the transaction again",
            self,
            state.attempt_number,
            TRIES,
            _original(state),
        )

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        waiting = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: self._reached and is_outage(error)),
            stop=_waited_long_enough,
            wait=OUTAGE_BACKOFF,
            sleep=self._sleep,
            before_sleep=self._log_outage,
            reraise=True,
        )
        try:
            connection = waiting(self.engine.connect)
        except Exception as error:
            if (refusal := storage_full(error, self._url) or unavailable(error, self._url)) is not None:
                raise refusal from error
            raise
        self._reached = True
        try:
            with connection:
                yield connection
        except DBAPIError as error:
            if (final := refused(error, self._url)) is not None:
                raise final from error
            raise

    def _log_outage(self, state: tenacity.RetryCallState) -> None:
        _warn(
            "%s: no connection (%s); waiting for the server, which has answered before: again in %.1f s, up to %d s",
            self,
            _original(state),
            state.upcoming_sleep,
            OUTAGE_SECONDS,
        )


def _warn(line: str, *values: object) -> None:
    # The log may go to the very server that is away: a line that is lost must not end the wait.
    with suppress(Exception):
        logger.warning(line, *values)


def _waited_long_enough(state: tenacity.RetryCallState) -> bool:
    # By the clock, since an attempt that nobody answers takes its timeout; by the waits where `sleep` is a test's.
    waited = max(state.seconds_since_start or 0, state.idle_for)
    return waited + state.upcoming_sleep > OUTAGE_SECONDS


def _original(state: tenacity.RetryCallState) -> BaseException | None:
    error = state.outcome.exception() if state.outcome else None
    return error.orig if isinstance(error, DBAPIError) else error
