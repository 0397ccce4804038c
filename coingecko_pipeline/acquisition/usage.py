"""What was spent: calls and credits of each day, plan and endpoint, counted in the database."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.warehouse import Database, tables


@dataclass(frozen=True)
class Spent:
    """Calls that were answered, and the credits that they cost."""

    calls: int
    credits: int


class UsageLedger:
    """Carries what a client counts over to the table api_usage.

    Args:
        database: Where the table is.
        client: The client whose calls are counted.
    """

    def __init__(self, database: Database, client: CoinGecko) -> None:
        self._database = database
        self._client = client
        self._began = self._recorded = client.usage

    def record(self) -> None:
        """Add what was spent since the last time to the table, under the current UTC day."""
        usage = self._client.usage
        new = usage.since(self._recorded)
        day, plan = self._client.now().date(), self._client.plan.name

        def add_all(connection: Connection) -> None:
            for endpoint, calls in new.calls.items():
                _add(connection, {"day": day, "plan": plan, "endpoint": endpoint}, calls, new.credits[endpoint])

        if new.calls:
            self._database.run_in_transaction(add_all)
        self._recorded = usage

    @property
    def spent(self) -> Spent:
        """What was spent since this ledger was opened."""
        new = self._client.usage.since(self._began)
        return Spent(new.calls.total(), new.credits.total())


def spent_since(database: Database, day: date) -> Spent:
    """All calls and credits since a day, included."""
    table = tables.api_usage
    query = select(func.coalesce(func.sum(table.c.calls), 0), func.coalesce(func.sum(table.c.credits), 0)).where(
        table.c.day >= day
    )
    calls, credits_ = database.run_reading(lambda connection: connection.execute(query).one())
    return Spent(int(calls), int(credits_))


def _add(connection: Connection, key: dict[str, Any], calls: int, credits_: int) -> None:
    table = tables.api_usage
    more = (
        update(table)
        .where(and_(*(table.c[name] == value for name, value in key.items())))
        .values(calls=table.c.calls + calls, credits=table.c.credits + credits_)
    )
    if connection.execute(more).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**key, calls=calls, credits=credits_))
    except IntegrityError:  # another process was first
        connection.execute(more)
