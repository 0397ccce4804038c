"""The calls of the latest minute of every process on one database and plan: one rate for all of them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from coingecko_pipeline import tables
from coingecko_pipeline.sources.limiter import WINDOW_SECONDS
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.types import UtcDateTime

WINDOW = timedelta(seconds=WINDOW_SECONDS)
LONGEST_PAUSE = timedelta(seconds=LONGEST_WAIT_SECONDS)

FORGET_EVERY = 64
"""Calls after which those that are older than the window are deleted."""


class SharedWindow:
    """A sliding window in the database, so that runs at once and runs one after the other keep to one rate.

    Args:
        database: Where the tables api_rate and api_recent_calls are.
        plan: The plan's name.
        now: The current UTC time, aware; by default the database server's, which is the same for every machine that
            uses it.
    """

    def __init__(self, database: Database, plan: str, now: Callable[[], datetime] | None = None) -> None:
        self._database = database
        self._plan = plan
        self._now = now
        self._known = False

    def take(self, limit: int, wanted: int) -> tuple[int, float]:
        """Count calls that are about to be made.

        Args:
            limit: Calls that the window may hold.
            wanted: Calls to let through at most.

        Returns:
            How many are let through; where none is, the seconds after which to try again.

        Raises:
            StorageFull: What they bring could not be stored, so that none of them is made.
        """
        self._database.assert_room()
        self._make_known()
        return self._database.run_in_transaction(lambda connection: self._take(connection, limit, wanted))

    def pause(self, seconds: float) -> None:
        """Let no call of any process pass for so many seconds, `LONGEST_PAUSE` at most.

        A longer pause that is already on stays.
        """
        self._make_known()
        rate = tables.api_rate

        def lengthen(connection: Connection) -> None:
            _, paused_until = self._locked(connection)
            now = self._moment(connection)
            until = now + timedelta(seconds=min(seconds, LONGEST_WAIT_SECONDS))
            if until > now + _left(paused_until, now):
                connection.execute(update(rate).where(rate.c.plan == self._plan).values(paused_until=until))

        self._database.run_in_transaction(lengthen)

    def paused_for(self) -> float:
        """Seconds that the pause still lasts; 0 where there is none."""
        rate = tables.api_rate
        query = select(rate.c.paused_until).where(rate.c.plan == self._plan)

        def left(connection: Connection) -> float:
            until = connection.scalar(query)
            return _left(until, self._moment(connection)).total_seconds()

        return self._database.run_reading(left)

    def _take(self, connection: Connection, limit: int, wanted: int) -> tuple[int, float]:
        rate, recent = tables.api_rate, tables.api_recent_calls
        calls, paused_until = self._locked(connection)
        now = self._moment(connection)
        if pause := _left(paused_until, now):
            return 0, pause.total_seconds()
        wanted = min(wanted, limit)
        # Each new call has to be a window later than the one that lies as many calls before it as the limit is.
        query = (
            select(recent.c.number, recent.c.called_at)
            .where(recent.c.plan == self._plan, recent.c.number.between(calls + 1 - limit, calls + wanted - limit))
            .order_by(recent.c.number)
        )
        for number, called_at in connection.execute(query):
            # A moment that lies ahead is of a clock that was set back since.
            if now < called_at + WINDOW and called_at <= now + WINDOW:
                wanted = number + limit - calls - 1
                if wanted == 0:
                    return 0, max((called_at + WINDOW - now).total_seconds(), 0.001)
                break
        rows = [{"plan": self._plan, "number": calls + new, "called_at": now} for new in range(1, wanted + 1)]
        connection.execute(insert(recent), rows)
        connection.execute(update(rate).where(rate.c.plan == self._plan).values(calls=calls + wanted))
        if calls // FORGET_EVERY != (calls + wanted) // FORGET_EVERY:
            connection.execute(delete(recent).where(recent.c.plan == self._plan, recent.c.called_at < now - WINDOW))
        return wanted, 0.0

    def _locked(self, connection: Connection) -> tuple[int, datetime | None]:
        """The number of the latest call and the pause; every other process waits until the transaction ends."""
        rate = tables.api_rate
        query = select(rate.c.calls, rate.c.paused_until).where(rate.c.plan == self._plan).with_for_update()
        row = connection.execute(query).one()
        return row.calls, row.paused_until

    def _moment(self, connection: Connection) -> datetime:
        if self._now is not None:
            return self._now()
        if self._database.is_sqlite:
            return datetime.now(UTC)
        moment: datetime = connection.execute(select(type_coerce(func.utc_timestamp(6), UtcDateTime))).scalar_one()
        return moment

    def _make_known(self) -> None:
        """Make the plan's row, which every call locks."""
        if self._known:
            return
        rate = tables.api_rate

        def make(connection: Connection) -> None:
            if connection.scalar(select(rate.c.calls).where(rate.c.plan == self._plan)) is None:
                connection.execute(insert(rate).values(plan=self._plan, calls=0))

        with suppress(IntegrityError):  # another process was first
            self._database.run_in_transaction(make)
        self._known = True


def _left(paused_until: datetime | None, now: datetime) -> timedelta:
    """How long a pause still lasts; one that is longer than any that is set is of a clock that was set back since."""
    left = timedelta() if paused_until is None else paused_until - now
    return left if timedelta() < left <= LONGEST_PAUSE + WINDOW else timedelta()
