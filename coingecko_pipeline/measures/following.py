"""A derived table brought up to date with the changes of what it is made from."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from coingecko_pipeline.market.changes import (
    Change,
    changes_after,
    followed_number,
    latest_change,
    log_for_copies,
    set_followed,
)
from coingecko_pipeline.measures.made import changes_made
from coingecko_pipeline.measures.making import CoinPiece, DatedPiece, Finish, make_pieces
from coingecko_pipeline.measures.memory import DEFAULT_MEGABYTES
from coingecko_pipeline.measures.spans import Span
from coingecko_pipeline.warehouse import Database

ALWAYS = Span(date.min, date.max)
"""Every date there can be."""


@dataclass(frozen=True)
class Log:
    """A log of changes that a derived table follows.

    Attributes:
        source: Whose log it is; the name under which the table's number is kept.
        database: Where it is.
        table_name: The table whose changes are followed.
    """

    source: str
    database: Database
    table_name: str


@dataclass(frozen=True)
class ToMake:
    """What changes make a derived table do.

    Attributes:
        groups: The pieces of its rows that they affect; those of a group in their order.
        finish: What else is done in the transaction of the last piece.
    """

    groups: Sequence[Sequence[CoinPiece | DatedPiece]]
    finish: Finish | None = None


Plan = Callable[[Sequence[Change], datetime], ToMake]
"""From changes, of which one of all coins from `ALWAYS` asks for the whole table, to what they make it do."""


@dataclass(frozen=True)
class Followed:
    """What one run of a derived table followed.

    Attributes:
        before: The number up to which it had followed each source's log; None where it never was computed.
        after: The number up to which it has now.
        whole: Whether all of it was made.
        changes: How many changes were followed.
        dates: From the first to the last date of the market that changed; None where nothing or everything did.
        coins: How many coins changed by themselves, beside dates of all coins.
        rows_written: Rows that were made.
        seconds: What it took.
    """

    before: Mapping[str, int | None]
    after: Mapping[str, int | None]
    whole: bool
    changes: int
    dates: Span | None
    coins: int
    rows_written: int
    seconds: float


def follow(
    database: Database,
    table_name: str,
    logs: Sequence[Log],
    plan: Plan,
    now: datetime,
    *,
    rebuild: Span | None = None,
    megabytes: int = DEFAULT_MEGABYTES,
    monotonic: Callable[[], float] = time.monotonic,
) -> Followed:
    """Make what has changed since the number that a derived table has followed, and move the number with the last rows.

    A table that never was computed is made whole. What fails leaves the number where it was, so the same is done again.

    Args:
        database: Where the table and its number are.
        table_name: The table.
        logs: What it follows.
        plan: Tells what changes make it do.
        now: The current UTC time, aware.
        rebuild: Make it as if the market of these dates had changed, and leave the number; `ALWAYS` for the whole
            table, whose number is moved.
        megabytes: Memory for each intermediate table of the database.
        monotonic: Seconds that never run backwards.

    Raises:
        DatabaseUnavailable: The database did not let us in.
        sqlalchemy.exc.DBAPIError: Any other error of the database; the number is where it was.
    """
    began = monotonic()
    before = {log.source: followed_number(database, table_name, log.source) for log in logs}
    whole = rebuild == ALWAYS or None in before.values()
    # The numbers are read before the changes, and those before the rows: what comes between is followed again.
    after = {log.source: latest_change(log.database) for log in logs}
    if whole:
        changes = [Change(logs[0].table_name, *ALWAYS)]
    elif rebuild is not None:
        changes, after = [Change(logs[0].table_name, *rebuild)], {}
    else:
        changes = [
            change
            for log in logs
            for change in changes_after(log.database, log.table_name, before[log.source] or 0).changes
        ]
    made = plan(changes, now)

    def finish(connection: Connection) -> None:
        pieces = [piece for group in made.groups for piece in group]
        if made.finish and made.finish(connection) and isinstance(made.finish, DatedPiece):
            pieces.append(made.finish)
        for source, number in after.items():
            set_followed(connection, table_name, source, number, now)
        log_for_copies(connection, changes_made(table_name, pieces), lambda: now)

    rows = make_pieces(database, made.groups, finish, megabytes)
    return Followed(
        before=before,
        after={**before, **after},
        whole=whole,
        changes=0 if whole else len(changes),
        dates=None if whole else _dates_of(changes),
        coins=len({change.asset_id for change in changes if change.asset_id is not None}),
        rows_written=rows,
        seconds=monotonic() - began,
    )


def _dates_of(changes: Iterable[Change]) -> Span | None:
    found: Span | None = None
    for change in changes:
        span = Span(change.first, change.last)
        found = found.with_(span) if found else span
    return found
