"""Archived charts into daily_market: the rows, what was revised, and the log of the changes, in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

from sqlalchemy import Connection, insert

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import (
    ChartRecord,
    Outcome,
    StoredAnswer,
    answered_before,
    mark_written,
    read_answers,
)
from coingecko_pipeline.archive.coverage import Archived, archive_read_answer
from coingecko_pipeline.archive.dates import EPOCH
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.rows import NO_ROWS, MergedChart, arrow_rows, merge_chart
from coingecko_pipeline.market.stored import read_rows
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.writing import TableWriter

ANSWERS_READ = 50
"""Answers of one transaction at most: a chart of a year has some 20 kB, one of all years 150."""
POINTS_WRITTEN = 50_000
"""Points of one transaction at most."""


@dataclass
class Written:
    """What was written, added up over transactions.

    Attributes:
        answers: Answers whose rows are in the table now.
        rows: Rows that are new or have become others.
        revisions: Values of settled days that CoinGecko has changed.
        unreadable: Answers of an earlier version of this program whose body turned out to be no chart.
    """

    answers: int = 0
    rows: int = 0
    revisions: int = 0
    unreadable: list[str] = field(default_factory=list)

    def add(self, other: "Written") -> None:
        """Add what another transaction wrote."""
        self.answers += other.answers
        self.rows += other.rows
        self.revisions += other.revisions
        self.unreadable += other.unreadable


@dataclass(frozen=True)
class UnwrittenChart:
    """An archived chart whose rows are to be written.

    Attributes:
        record: The answer.
        archived: Its number, and when its coin had a chart before.
    """

    record: ChartRecord
    archived: Archived


class ChartWriter:
    """Writes the rows of archived charts.

    Each transaction merges the charts with the stored rows, writes what has changed, keeps what was revised, marks the
    answers as written and logs the changes: a crash leaves answers to write, and never a gap that nobody knows of.

    Args:
        database: Where the tables are.
        now: The current UTC time, aware.
    """

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now
        self._writer = TableWriter(database, tables.daily_market)

    def write(self, charts: Sequence[UnwrittenChart]) -> Written:
        """Write the rows of charts, each of another coin, in one transaction.

        Raises:
            DatabaseUnavailable: The database did not let us in.
            sqlalchemy.exc.DBAPIError: Any other error of the database; nothing was written.
        """
        if not charts:
            return Written()
        return self._database.run_in_transaction(lambda connection: self._write(connection, charts))

    def write_unwritten(self, on_written: Callable[[int], None] = lambda _: None) -> Written:
        """Write the rows of all archived answers that have none yet: after a crash, and after a migration.

        Args:
            on_written: Told how many more answers are done.
        """
        total = Written()
        while answers := self._database.run_reading(
            lambda connection: read_answers(connection, written=False, limit=ANSWERS_READ)
        ):
            for batch in _each_coin_once(answers):
                total.add(self._database.run_in_transaction(partial(self._write_read, answers=batch)))
                on_written(len(batch))
        return total

    def _write_read(self, connection: Connection, answers: Sequence[StoredAnswer]) -> Written:
        for answer in answers:
            if not answer.was_read:
                archive_read_answer(connection, answer)
        readable = [answer for answer in answers if answer.record.outcome is Outcome.VALUES]
        written = self._write(
            connection,
            [
                UnwrittenChart(answer.record, Archived(answer.answer_id, answered_before(connection, answer)))
                for answer in readable
            ],
        )
        written.unreadable += [answer.record.coin_id for answer in answers if answer not in readable]
        return written

    def _write(self, connection: Connection, charts: Sequence[UnwrittenChart]) -> Written:
        if not charts:
            return Written()
        merged = self._merge(connection, charts)
        changed = [(chart.record.coin_id, merge.rows) for chart, merge in merged if len(merge.rows)]
        if changed:
            self._writer.upsert_in(connection, arrow_rows(changed))
        revisions = [
            {
                "asset_id": chart.record.coin_id,
                "date": revision.day,
                "column_name": revision.column,
                "seen_at": chart.record.answered_at,
                "old_value": revision.old,
                "new_value": revision.new,
            }
            for chart, merge in merged
            for revision in merge.revisions
        ]
        if revisions:
            connection.execute(insert(tables.market_revisions), revisions)
        mark_written(connection, [chart.archived.answer_id for chart in charts])
        log_changes(
            connection,
            [
                Change(tables.daily_market.name, _date(rows.days[0]), _date(rows.days[-1]), coin)
                for coin, rows in changed
            ],
            self._now,
        )
        return Written(len(charts), sum(len(rows) for _, rows in changed), len(revisions))

    def _merge(
        self, connection: Connection, charts: Sequence[UnwrittenChart]
    ) -> list[tuple[UnwrittenChart, MergedChart]]:
        spans = [chart.record.points.days for chart in charts]
        stored = read_rows(
            connection,
            [chart.record.coin_id for chart in charts],
            _date(min(days[0] for days in spans)),
            _date(max(days[-1] for days in spans)),
        )
        return [
            (
                chart,
                merge_chart(
                    chart.record.points, stored.get(chart.record.coin_id, NO_ROWS), chart.archived.answered_before
                ),
            )
            for chart in charts
        ]


def _each_coin_once(answers: Sequence[StoredAnswer]) -> Iterator[list[StoredAnswer]]:
    """Answers in their order, in batches that have each coin once and so many points at most."""
    batch: list[StoredAnswer] = []
    coins: set[str] = set()
    points = 0
    for answer in answers:
        if answer.record.coin_id in coins or points >= POINTS_WRITTEN:
            yield batch
            batch, coins, points = [], set(), 0
        batch.append(answer)
        coins.add(answer.record.coin_id)
        points += len(answer.record.points)
    if batch:
        yield batch


def _date(day: int) -> date:
    return date.fromordinal(int(day) + EPOCH)
