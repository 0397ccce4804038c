"""Coverage: what the archived answers of each coin have spoken for. The one definition of what is missing.

A date outside `covered` was never spoken for; a date inside it and outside `points` is known to have no value; a date
inside `points` has a value in the archive. The planner, the completion, the checks, `status` and the report all ask
this record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update
from sqlalchemy.dialects import mysql, sqlite

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import ChartRecord, Outcome, StoredAnswer, mark_read, store_answer
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.warehouse import Database

NOT_ASKED = ""
"""The outcome of a row that is there to be locked; it is never committed."""

FIRST_WAIT = timedelta(days=7)
FIRST_WAIT_OF_A_FAULT = timedelta(days=1)
LONGEST_WAIT = timedelta(days=90)
"""Who brought nothing new is asked again after a week, and after twice as long with each further time, up to a quarter;
an answer that was refused or unreadable, after a day at first, since the server may be well by then."""


@dataclass(frozen=True)
class Coverage:
    """What the archived answers of one coin have spoken for.

    Attributes:
        covered: The dates that answers have spoken for.
        points: Those of them with a value.
        outcome: What the latest answer was.
        answered_at: Its moment (UTC, aware).
        misses: Answers in a row that brought nothing new.
        ask_again_on: The UTC date before which it is not asked again; None where at any time.
        snapshots: The latest unbroken run of dates on which the coin was in the day's snapshot; None where there is
            none.
    """

    covered: DateIntervals
    points: DateIntervals
    outcome: Outcome
    answered_at: datetime
    misses: int = 0
    ask_again_on: date | None = None
    snapshots: DateRange | None = None

    def waits(self, today: date, first_missing: date) -> bool:
        """Whether it is not to be asked for on a day.

        A coin whose latest chart has ended waits with the dates after it alone: dates before that were never asked for
        are worth a call at any time.

        Args:
            today: The day.
            first_missing: The first date that it lacks.
        """
        if self.ask_again_on is None or self.ask_again_on <= today:
            return False
        latest = self.covered.last
        return self.outcome is not Outcome.VALUES or latest is None or first_missing > latest

    def missing(self, dates: DateRange) -> DateIntervals:
        """The dates of a range that no answer has spoken for."""
        return self.covered.lacking(dates)

    def missing_without_snapshots(self, dates: DateRange) -> DateIntervals:
        """Those of them that have no snapshot either."""
        if self.snapshots is None:
            return self.missing(dates)
        return self.covered.union(DateIntervals.of_range(self.snapshots)).lacking(dates)


def read_coverage(database: Database, coin_ids: Sequence[str] = ()) -> dict[str, Coverage]:
    """The coverage by coin; of all coins that were ever asked for, or of some."""
    query = _query()
    if coin_ids:
        query = query.where(tables.chart_coverage.c.asset_id.in_(coin_ids))
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    return {row.asset_id: _coverage(row) for row in rows}


def archive_answer(connection: Connection, record: ChartRecord) -> int:
    """Archive an answer and move its coin's coverage, in one transaction; its number. Nothing that is there gets less.

    Args:
        connection: In the transaction.
        record: The answer.
    """
    before = _locked(connection, record.coin_id)
    answer_id = store_answer(connection, record)
    _store(connection, record.coin_id, coverage_after(before, record))
    return answer_id


def lock_coins(connection: Connection, coin_ids: Sequence[str]) -> None:
    """Let no other transaction archive an answer of these coins, or write one's rows, until this one has ended."""
    table = tables.chart_coverage
    query = select(table.c.asset_id).where(table.c.asset_id.in_(coin_ids)).order_by(table.c.asset_id)
    connection.execute(query.with_for_update())


def archive_read_answer(connection: Connection, answer: StoredAnswer) -> None:
    """Keep what an answer of an earlier version says, which only its body told: its dates, or that it is unreadable."""
    mark_read(connection, answer)
    before = _locked(connection, answer.record.coin_id)
    after = coverage_after(before, answer.record)
    if answer.record.outcome is not Outcome.VALUES and before is not None and not before.points:
        # What it was taken to speak for, it does not.
        after = replace(after, covered=DateIntervals(), points=DateIntervals())
    elif before is not None and before.answered_at >= answer.record.answered_at:
        after = replace(before, covered=after.covered, points=after.points)
    _store(connection, answer.record.coin_id, after)


def coverage_after(before: Coverage | None, record: ChartRecord) -> Coverage:
    """The coverage of a coin after one more answer: a pure function.

    Args:
        before: Its coverage; None where it was never asked for.
        record: The answer.
    """
    covered = before.covered if before else DateIntervals()
    points = before.points if before else DateIntervals()
    misses, wait = _wait(before, record)
    return Coverage(
        covered=covered.union(record.spoken_for),
        points=points.union(record.dates),
        outcome=record.outcome,
        answered_at=record.answered_at,
        misses=misses,
        ask_again_on=None if wait is None else record.answered_at.date() + wait,
        snapshots=before.snapshots if before else None,
    )


def _wait(before: Coverage | None, record: ChartRecord) -> tuple[int, timedelta | None]:
    """Answers in a row that brought nothing new, and how long to wait before the next; None where not at all."""
    if record.has_news:
        # The latest date is not spoken for where it has not come yet: tomorrow, when there is one more to ask for.
        is_whole = latest_complete_date(record.answered_at) in record.spoken_for
        return 0, None if is_whole else timedelta(days=1)
    misses = (before.misses if before else 0) + 1
    is_fault = record.outcome in (Outcome.REFUSED, Outcome.UNREADABLE)
    first = FIRST_WAIT_OF_A_FAULT if is_fault else FIRST_WAIT
    # Seven doublings of a day are more than a quarter.
    return misses, min(first * 2 ** min(misses - 1, 7), LONGEST_WAIT)


def _query() -> Select[Any]:
    return select(*tables.chart_coverage.columns)


def _locked(connection: Connection, coin_id: str) -> Coverage | None:
    """A coin's coverage, which no other transaction moves until this one has ended; None where there is none yet."""
    query = _query().where(tables.chart_coverage.c.asset_id == coin_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        # A lock needs a row, or two processes that ask for a new coin at once would each begin its coverage.
        _add_empty(connection, coin_id)
        row = connection.execute(query).one()
    return None if row.outcome == NOT_ASKED else _coverage(row)


def _add_empty(connection: Connection, coin_id: str) -> None:
    table = tables.chart_coverage
    row = {
        "asset_id": coin_id,
        "covered": "[]",
        "points": "[]",
        "outcome": NOT_ASKED,
        "answered_at": datetime.fromtimestamp(0, UTC),
        "misses": 0,
    }
    if connection.dialect.name == "sqlite":
        connection.execute(sqlite.insert(table).values(row).on_conflict_do_nothing())
    else:
        connection.execute(mysql.insert(table).values(row).on_duplicate_key_update(asset_id=coin_id))


def _coverage(row: Row[Any]) -> Coverage:
    return Coverage(
        DateIntervals.of_json(row.covered),
        DateIntervals.of_json(row.points),
        Outcome(row.outcome),
        row.answered_at,
        row.misses,
        row.ask_again_on,
        DateRange(row.snapshots_from, row.snapshots_to) if row.snapshots_from else None,
    )


def _store(connection: Connection, coin_id: str, after: Coverage) -> None:
    table = tables.chart_coverage
    values = {
        "covered": after.covered.to_json(),
        "points": after.points.to_json(),
        "outcome": after.outcome.value,
        "answered_at": after.answered_at,
        "misses": after.misses,
        "ask_again_on": after.ask_again_on,
    }
    connection.execute(update(table).where(table.c.asset_id == coin_id).values(**values))
