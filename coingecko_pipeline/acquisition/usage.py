"""What was spent: calls and credits of each day, plan and endpoint, counted in the database."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from coingecko_pipeline import tables
from coingecko_pipeline.sources import SourceClient
from coingecko_pipeline.warehouse import Database

ELSEWHERE = "elsewhere"
"""The endpoint under which credits stand that the key has used and that nobody counted here."""

MARKETS = "coins/markets"
"""The endpoint under which the pages of the daily snapshots are counted."""

HOURLY_MARKETS = "coins/markets (hourly)"
"""The endpoint under which the pages of the hourly snapshots are counted, since both have a reserve of their own."""

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

    Args:
        database: Where the table is.
        client: The client whose calls are counted.
        names: The name to count an endpoint under, where it is not its own.
    """

    def __init__(self, database: Database, client: SourceClient, names: Mapping[str, str] = AS_THEY_ARE) -> None:
        self._database = database
        self._client = client
        self._names = names
        self._began = self._recorded = client.usage
        self._began_at = time.monotonic()
        # The thread that has the lock commits for all that wait for it: a commit costs as much for one as for many.
        self._lock = threading.Lock()
        self._waiting: deque[_Entry] = deque()

    def record(self, *also: Callable[[Connection], object]) -> None:
        """Add what was spent since the last time to the table, under the current UTC day.

        Args:
            also: Done first in the same transaction, so that what was bought and what it cost are stored together or
                not at all. Each may run more than once.
        """
        entry = _Entry(also)
        self._waiting.append(entry)
        with self._lock:
            if not entry.done:
                self._commit([self._waiting.popleft() for _ in range(len(self._waiting))])
        if entry.error:
            raise entry.error

    def _commit(self, entries: Sequence["_Entry"]) -> None:
        """Store the entries and what was spent since the last time in one transaction."""
        usage = self._client.usage
        new = usage.since(self._recorded)
        day, plan = self._client.now().date(), self._client.plan.name
        steps = [step for entry in entries for step in entry.steps]

        def add_all(connection: Connection) -> None:
            for step in steps:
                step(connection)
            for endpoint, calls in new.calls.items():
                name = self._names.get(endpoint, endpoint)
                _add(connection, day, plan, name, Spent(calls, new.credits[endpoint]))

        error: Exception | None = None
        try:
            if new.calls or steps:
                self._database.run_in_transaction(add_all)
            self._recorded = usage
        except Exception as failure:
            error = failure
        for entry in entries:
            entry.done, entry.error = True, error

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
    table = tables.api_usage
    more = (
        update(table)
        .where(and_(table.c.day == day, table.c.plan == plan, table.c.endpoint == endpoint))
        .values(calls=table.c.calls + spent.calls, credits=table.c.credits + spent.credits)
    )
    if connection.execute(more).rowcount:
        return
    row = {"day": day, "plan": plan, "endpoint": endpoint, "calls": spent.calls, "credits": spent.credits}
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**row))
    except IntegrityError:  # another process was first
        connection.execute(more)
