"""What was spent: calls and credits of each day, plan and endpoint, counted in the database, and each batch once."""

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import mysql, sqlite

from coingecko_pipeline import tables
from coingecko_pipeline.sources import SourceClient
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.errors import KeyRejected
from coingecko_pipeline.sources.errors import SourceError
from coingecko_pipeline.sources.usage import Usage
from coingecko_pipeline.warehouse import Database, DatabaseUnavailable, StatementRefused, StorageFull

log = logging.getLogger(__name__)

ELSEWHERE = "elsewhere"
"""The endpoint under which credits stand that the key has used and that nobody counted here."""

MARKETS = "coins/markets"
"""The endpoint under which the pages of the daily snapshots are counted."""

HOURLY_MARKETS = "coins/markets (hourly)"
"""The endpoint under which the pages of the hourly snapshots are counted, since both have a reserve of their own."""

FORGOTTEN_AFTER = timedelta(days=7)
"""After that a writer of batches is taken as gone: no run lasts as long."""

AS_THEY_ARE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Spent:
    """Calls that were answered, and the credits that they cost."""

    calls: int
    credits: int


@dataclass
class _Entry:
    """What one thread waits to be stored."""

    steps: Sequence[Callable[[Connection], object]]
    done: bool = False
    error: Exception | None = None


class UsageLedger:
    """Carries what a client counts over to the table api_usage; safe to use from several threads.

    What was bought and what it cost are stored in one transaction. Each has a number of its own, which is stored with
    it, so one that is tried again after its commit's answer was lost counts nothing twice, and one that was given up
    while nobody knew whether it was committed is looked up by the next.

    Args:
        database: Where the table is.
        client: The client whose calls are counted.
        names: The name to count an endpoint under, where it is not its own.
    """

    def __init__(self, database: Database, client: SourceClient, names: Mapping[str, str] = AS_THEY_ARE) -> None:
        self._database = database
        self._client = client
        self._names = names
        self._began = client.usage
        self._began_at = time.monotonic()
        self._writer = uuid.uuid4().hex
        self._batch = 0
        # What had been spent at each batch that may be the latest in the database.
        self._counted: dict[int, Usage] = {0: self._began}
        # The thread that has the lock commits for all that wait for it: a commit costs as much for one as for many.
        self._lock = threading.Lock()
        self._waiting: deque[_Entry] = deque()

    def record(self, *also: Callable[[Connection], object]) -> None:
        """Add what was spent since the last time to the table, under the current UTC day.

        Args:
            also: Done first in the same transaction, so that what was bought and what it cost are stored together or
                not at all. Each may run more than once.

        Raises:
            Exception: What one of these raised; what other threads hand over is stored all the same.
        """
        entry = _Entry(also)
        self._waiting.append(entry)
        with self._lock:
            if not entry.done:
                entries = [self._waiting.popleft() for _ in range(len(self._waiting))]
                try:
                    self._commit(entries)
                except BaseException:  # an interruption is this thread's alone: the others commit what they wait for
                    self._waiting.extendleft(reversed(entries))
                    raise
        if entry.error:
            raise entry.error

    def _commit(self, entries: Sequence[_Entry]) -> None:
        """Store the entries and what was spent since the last time in one transaction; where that fails, one by one."""
        try:
            self._store([step for entry in entries for step in entry.steps])
        except (DatabaseUnavailable, StatementRefused, StorageFull) as failure:
            for entry in entries:
                entry.error = failure
        except Exception as failure:
            if len(entries) == 1:
                entries[0].error = failure
            else:
                for entry in entries:
                    try:
                        self._store(entry.steps)
                    except Exception as error:
                        entry.error = error
        for entry in entries:
            entry.done = True

    def _store(self, steps: Sequence[Callable[[Connection], object]]) -> None:
        usage = self._client.usage
        if not steps and not usage.since(self._counted[min(self._counted)]).calls:
            return
        day, plan = self._client.now().date(), self._client.plan.name
        self._batch += 1
        number = self._batch

        def store(connection: Connection) -> None:
            stored = self._number(connection, number)
            if stored == number:  # an earlier try was committed, and its answer lost
                return
            for step in steps:
                step(connection)
            new = usage.since(self._counted[stored])
            for endpoint, calls in new.calls.items():
                _add(connection, day, plan, self._names.get(endpoint, endpoint), Spent(calls, new.credits[endpoint]))

        self._counted[number] = usage
        self._database.run_in_transaction(store)
        self._counted = {number: usage}

    def _number(self, connection: Connection, number: int) -> int:
        """The latest batch that was committed before; another one is marked as committed with this transaction."""
        table, moment = tables.usage_writers, self._client.now()
        mine = table.c.writer == self._writer
        if number == 1:
            connection.execute(delete(table).where(table.c.written_at < moment - FORGOTTEN_AFTER))
        stored: int | None = connection.scalar(select(table.c.batch).where(mine))
        if stored is None:
            connection.execute(insert(table).values(writer=self._writer, batch=number, written_at=moment))
            return min(self._counted)
        connection.execute(update(table).where(mine).values(batch=number, written_at=moment))
        return stored

    @property
    def spent(self) -> Spent:
        """What was spent since this ledger was opened."""
        new = self._client.usage.since(self._began)
        return Spent(new.calls.total(), new.credits.total())

    def facts(self) -> dict[str, Any]:
        """What was spent since this ledger was opened, and how fast: calls, credits, seconds, calls_per_minute."""
        bought, seconds = self.spent, time.monotonic() - self._began_at
        return {
            "calls": bought.calls,
            "credits": bought.credits,
            "seconds": round(seconds, 1),
            "calls_per_minute": round(bought.calls / seconds * 60, 1) if seconds else 0.0,
        }


def spent_between(database: Database, plan: str, first: date, last: date, endpoints: tuple[str, ...] = ()) -> Spent:
    """Calls and credits on a plan from one UTC day to another, both included.

    Args:
        database: Where the table is.
        plan: The plan's name.
        first: The first day.
        last: The last day.
        endpoints: Only these; empty for all.
    """
    table = tables.api_usage
    query = select(func.coalesce(func.sum(table.c.calls), 0), func.coalesce(func.sum(table.c.credits), 0)).where(
        table.c.plan == plan, table.c.day.between(first, last)
    )
    if endpoints:
        query = query.where(table.c.endpoint.in_(endpoints))
    calls, credits_ = database.run_reading(lambda connection: connection.execute(query).one())
    return Spent(int(calls), int(credits_))


def correct_usage(database: Database, client: CoinGecko, ledger: UsageLedger, month_first: date) -> None:
    """Once a day, count what the server says the key has used beyond what is counted.

    It corrects and can stop nothing: an answer that does not tell is logged, and the count goes on without it.

    Args:
        database: Where the usage is counted.
        client: CoinGecko on a paid plan.
        ledger: Where the call itself is counted.
        month_first: The first day of the billing month.

    Raises:
        KeyRejected: The key is wrong, so no other call would succeed either.
    """
    today, plan = client.now().date(), client.plan.name
    if spent_between(database, plan, today, today, ("key",)).calls:
        return
    ledger.record()
    try:
        # The answer does not count the call that it answers, which is therefore recorded after the comparison.
        correct(database, plan, month_first, today, client.credits_used())
    except KeyRejected:
        raise
    except SourceError as error:
        log.warning("What the key has used is not known today, and is counted as this program did: %s", error)
    finally:
        ledger.record()


def correct(database: Database, plan: str, first: date, today: date, used: int) -> int:
    """Count the credits that the server knows of and nobody counted here, for example another program's.

    Where the server knows of fewer than were counted, its month may begin on another day; the count stays, since
    what the server says may only lower what is believed to be left.

    Args:
        database: Where the table api_usage is.
        plan: The plan's name.
        first: The first day of the billing month.
        today: The current UTC day, under which they are counted.
        used: Credits of the month as the server tells.

    Returns:
        The credits that were added.
    """
    more = max(0, used - spent_between(database, plan, first, today).credits)
    if more:
        database.run_in_transaction(lambda connection: _add(connection, today, plan, ELSEWHERE, Spent(0, more)))
    return more


def _add(connection: Connection, day: date, plan: str, endpoint: str, spent: Spent) -> None:
    """Add to the row of a day, plan and endpoint, or make it, in one statement."""
    table = tables.api_usage
    row = {"day": day, "plan": plan, "endpoint": endpoint, "calls": spent.calls, "credits": spent.credits}
    more = {"calls": table.c.calls + spent.calls, "credits": table.c.credits + spent.credits}
    if connection.dialect.name == "sqlite":
        connection.execute(
            sqlite.insert(table).values(row).on_conflict_do_update(index_elements=list(table.primary_key), set_=more)
        )
    else:
        connection.execute(mysql.insert(table).values(row).on_duplicate_key_update(more))
