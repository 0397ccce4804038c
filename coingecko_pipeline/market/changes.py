"""The change log: what changed in the market tables, numbered in the order in which it was committed.

Who changes rows logs it in the same transaction; who computes from them reads the log from the number up to which it
has followed (`Followed`), so it costs what has changed and not what is stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database

MAIN_SOURCE = "coingecko"
"""`followed_changes.source` of the log of the main database; that of another source's schema has the source's name."""

COPY = "lake."
"""What the name of a follower begins with that is the lake's copy of the table whose name comes after it."""

KEPT = timedelta(days=30)
"""How long a change is kept after every derived table has followed it, for who looks for what happened."""


@dataclass(frozen=True)
class Change:
    """Rows that changed.

    Attributes:
        table_name: Of which table.
        first: The first date.
        last: The last date.
        asset_id: Of which coin; None for all.
    """

    table_name: str
    first: date
    last: date
    asset_id: str | None = None


@dataclass(frozen=True)
class NewChanges:
    """What came after a number.

    Attributes:
        number: Of the latest change there is.
        changes: Those after the number asked for, ascending.
    """

    number: int
    changes: tuple[Change, ...]


def log_changes(
    connection: Connection, changes: Sequence[Change], now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Log what the connection's transaction has changed. To be done last in it.

    The counter stays locked until the transaction ends, so a change with a higher number is never committed before one
    with a lower number, and who has followed up to a number has missed none below it.

    Args:
        connection: In the transaction that changes the rows.
        changes: What it changes.
        now: The current UTC time, aware.
    """
    if not changes:
        return
    counter, log = tables.market_change_counter, tables.market_changes
    if not connection.execute(update(counter).values(number=counter.c.number + len(changes))).rowcount:
        connection.execute(insert(counter).values(one_row=1, number=len(changes)))
    last: int = connection.scalar(select(counter.c.number)) or 0
    moment = now()
    connection.execute(
        insert(log),
        [
            {
                "number": last - len(changes) + position,
                "table_name": change.table_name,
                "asset_id": change.asset_id,
                "first_on": change.first,
                "last_on": change.last,
                "changed_at": moment,
            }
            for position, change in enumerate(changes, start=1)
        ],
    )


def copy_of(table_name: str) -> str:
    """The name under which it is kept how far the lake's copy of a table has followed the log."""
    return f"{COPY}{table_name}"


def log_for_copies(connection: Connection, changes: Sequence[Change], now: Callable[[], datetime]) -> None:
    """Log what has changed in tables that are computed, as far as the lake has copies of them; see `log_changes`."""
    table = tables.followed_changes
    followers = set(connection.scalars(select(table.c.table_name).where(table.c.table_name.startswith(COPY))))
    log_changes(connection, [change for change in changes if copy_of(change.table_name) in followers], now)


def latest_change(database: Database) -> int:
    """The number of the latest change; 0 where there is none."""
    number = tables.market_change_counter.c.number
    return database.run_reading(lambda connection: connection.scalar(select(number))) or 0


def changes_after(database: Database, table_name: str, number: int) -> NewChanges:
    """What changed in a table after a number.

    Args:
        database: Where the log is.
        table_name: The table.
        number: The latest change that was followed.
    """
    counter, log = tables.market_change_counter, tables.market_changes
    query = (
        select(log.c.table_name, log.c.first_on, log.c.last_on, log.c.asset_id)
        .where(log.c.table_name == table_name, log.c.number > number)
        .order_by(log.c.number)
    )

    def read(connection: Connection) -> NewChanges:
        # The number first: a change that is committed in between is read twice, and none is passed over.
        latest = connection.scalar(select(counter.c.number)) or 0
        return NewChanges(latest, tuple(Change(*row) for row in connection.execute(query)))

    return database.run_reading(read)


def followed_number(database: Database, table_name: str, source: str) -> int | None:
    """The number up to which a derived table has followed a source's log; None where it never was computed."""
    table = tables.followed_changes
    query = select(table.c.number).where(table.c.table_name == table_name, table.c.source == source)
    return database.run_reading(lambda connection: connection.scalar(query))


def set_followed(connection: Connection, table_name: str, source: str, number: int, now: datetime) -> None:
    """Move the number up to which a derived table has followed, in the transaction that writes its last rows.

    Args:
        connection: In that transaction.
        table_name: The derived table.
        source: Whose log.
        number: The latest change that its rows have followed.
        now: The current UTC time, aware.
    """
    table = tables.followed_changes
    mine = (table.c.table_name == table_name) & (table.c.source == source)
    if not connection.execute(update(table).where(mine).values(number=number, computed_at=now)).rowcount:
        connection.execute(insert(table).values(table_name=table_name, source=source, number=number, computed_at=now))


@dataclass(frozen=True)
class FollowedTable:
    """How far a derived table has come.

    Attributes:
        number: The number of the latest change that its rows have followed.
        computed_at: The moment at which they did (UTC).
    """

    number: int
    computed_at: datetime


def read_followed(database: Database) -> dict[tuple[str, str], FollowedTable]:
    """How far each derived table has come that ever was computed, by its name and the source of the log."""
    table = tables.followed_changes
    query = select(table.c.table_name, table.c.source, table.c.number, table.c.computed_at)
    return database.run_reading(
        lambda connection: {
            (name, source): FollowedTable(number, computed_at)
            for name, source, number, computed_at in connection.execute(query)
        }
    )


@dataclass(frozen=True)
class LatestChange:
    """The latest change of a market table.

    Attributes:
        number: Its number.
        last: The last date that it changed.
        changed_at: Its moment (UTC).
    """

    number: int
    last: date
    changed_at: datetime


def latest_changes(database: Database) -> dict[str, LatestChange]:
    """The latest change of each table that the log has changes of."""
    log = tables.market_changes
    latest = select(func.max(log.c.number)).group_by(log.c.table_name)
    query = select(log.c.table_name, log.c.number, log.c.last_on, log.c.changed_at).where(log.c.number.in_(latest))
    return database.run_reading(
        lambda connection: {name: LatestChange(*row) for name, *row in connection.execute(query)}
    )


def forget_followed(database: Database, table_name: str, followers: Sequence[FollowedTable], now: datetime) -> int:
    """Delete the changes of a table that every follower has passed and that are older than `KEPT`; how many.

    Args:
        database: Where the log is.
        table_name: Whose changes.
        followers: How far those have come that follow it and ever were computed; one that never was is made whole.
        now: The current UTC time, aware.
    """
    if not followers:
        return 0
    log, lowest = tables.market_changes, min(follower.number for follower in followers)
    old = delete(log).where(log.c.table_name == table_name, log.c.number <= lowest, log.c.changed_at < now - KEPT)
    return int(database.run_in_transaction(lambda connection: connection.execute(old).rowcount))
