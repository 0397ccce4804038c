"""A derived table beside what is made again from what it is made from: compared, and mended where it differs.

The pieces are those of a run, made by the same statements. A group of them is one transaction, in which what differs is
written, so that a piece goes on from right values of the one before; without a repair it is rolled back. A row that
begins a comparison of some dates alone goes on from what is stored before it.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import Connection

from coingecko_pipeline.market.changes import Change, changes_after, latest_change, log_for_copies, read_followed
from coingecko_pipeline.market.differences import RowDifferences
from coingecko_pipeline.measures.comparing import compare_and_mend
from coingecko_pipeline.measures.following import ALWAYS, Log, Plan, follow
from coingecko_pipeline.measures.made import changes_made
from coingecko_pipeline.measures.making import AT_ONCE, CoinPiece, DatedPiece
from coingecko_pipeline.measures.memory import DEFAULT_MEGABYTES, statement_memory
from coingecko_pipeline.measures.spans import Span
from coingecko_pipeline.warehouse import Database

TRIES = 3
"""How often a group that differs is compared, where its market changed meanwhile."""

Group = Sequence[CoinPiece | DatedPiece]


@dataclass
class DerivedDifferences(RowDifferences):
    """What differs between a derived table and what is made again.

    Attributes:
        parts: Parts that were compared.
        waiting: Parts that were not, since changes of what they are made from wait to be followed; no difference.
        was_made: Whether the table ever was computed; nothing is compared where not.
    """

    parts: int = 0
    waiting: int = 0
    was_made: bool = True

    SUMMED: ClassVar[tuple[str, ...]] = (*RowDifferences.SUMMED, "parts", "waiting")


@dataclass(frozen=True)
class Comparing:
    """What is compared, and how.

    Attributes:
        dates: Rows of these dates, weeks or months that begin on one of them.
        coin_ids: Only these coins, and no table that has none; empty for all.
        repair: Whether to follow what waits, and to write what differs.
        megabytes: Memory for each intermediate table of the database.
        on_parts: Told how many parts are done, and of how many.
        now: The current UTC time, aware.
    """

    dates: Span = ALWAYS
    coin_ids: Collection[str] = ()
    repair: bool = False
    megabytes: int = DEFAULT_MEGABYTES
    on_parts: Callable[[int, int], None] = lambda _done, _of: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def verify_table(
    database: Database, table_name: str, logs: Sequence[Log], plan: Plan, options: Comparing
) -> DerivedDifferences:
    """Compare a derived table with what is made again, in bounded memory, and mend it where asked to.

    Args:
        database: Where the table is, with a user who may create temporary tables.
        table_name: The table.
        logs: What it follows.
        plan: Tells what changes make it do.
        options: What is compared, and how.
    """
    if any((table_name, log.source) not in read_followed(database) for log in logs):
        return DerivedDifferences(was_made=False)
    if options.repair and _waits(database, table_name, logs, ()):
        follow(database, table_name, logs, plan, options.now(), megabytes=options.megabytes)
    # What is over by now need not have been when the table was made.
    computed_at = read_followed(database)[table_name, logs[0].source].computed_at
    made = plan([Change(logs[0].table_name, *ALWAYS)], computed_at)
    groups = [*made.groups, *([[made.finish]] if isinstance(made.finish, DatedPiece) else [])]
    chosen = [limited for group in groups if (limited := _limited(group, options))]
    found = DerivedDifferences()

    def compare(group: Group) -> DerivedDifferences:
        return _compare(database, table_name, logs, group, options)

    with ThreadPoolExecutor(AT_ONCE[database.kind], thread_name_prefix="comparing") as threads:
        try:
            for done, part in enumerate(threads.map(compare, chosen), start=1):
                found.merge(part)
                options.on_parts(done, len(chosen))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return found


def _limited(group: Group, options: Comparing) -> Group:
    return [piece for each in group if (piece := each.limited(options.dates, options.coin_ids))]


def _compare(
    database: Database, table_name: str, logs: Sequence[Log], group: Group, options: Comparing
) -> DerivedDifferences:
    def once(connection: Connection) -> DerivedDifferences | None:
        """What differs; None where that may be of a change that came meanwhile."""
        numbers = [latest_change(log.database) for log in logs]
        if _waits(database, table_name, logs, group):
            return DerivedDifferences(waiting=1)
        found = DerivedDifferences(parts=1)
        with statement_memory(connection, options.megabytes):
            for piece in group:
                compared = compare_and_mend(connection, piece)
                found.merge(DerivedDifferences(**vars(compared)))
        # Whoever follows a change that is committed after this waits for the rows that are locked, and writes last.
        changed = not found.is_clean and numbers != [latest_change(log.database) for log in logs]
        if changed or found.is_clean or not options.repair:
            connection.get_transaction().rollback()  # type: ignore[union-attr]
        else:
            log_for_copies(connection, changes_made(table_name, group), options.now)
        return None if changed else found

    for _ in range(TRIES):
        if (found := database.run_in_transaction(once)) is not None:
            return found
    return DerivedDifferences(waiting=1)


def _waits(database: Database, table_name: str, logs: Sequence[Log], group: Group) -> bool:
    """Whether changes wait to be followed that may touch a group's rows."""
    followed = read_followed(database)
    coins = {row.asset_id for piece in group if isinstance(piece, CoinPiece) for row in piece.rows}
    return any(
        change.asset_id is None or not coins or change.asset_id in coins
        for log in logs
        for change in changes_after(log.database, log.table_name, followed[table_name, log.source].number).changes
    )
