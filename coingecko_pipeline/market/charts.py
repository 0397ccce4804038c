"""Archived charts into daily_market: the rows, what was revised, and the log of the changes, in one transaction."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sqlalchemy import Connection, insert

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import Outcome, StoredAnswer, mark_written, read_answers, unwritten_of
from coingecko_pipeline.archive.coverage import archive_read_answer, lock_coins
from coingecko_pipeline.archive.dates import EPOCH
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.compaction import drop_repeated, read_kept
from coingecko_pipeline.market.rows import NO_ROWS, MarketRows, MergedChart, arrow_rows, merge_chart
from coingecko_pipeline.market.stored import read_rows
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.writing import TableWriter

ANSWERS_READ = 150
"""Answers that are read at once: of all years some 30 MB."""
POINTS_WRITTEN = 50_000
"""Points with which a transaction is full."""


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


class ChartWriter:
    """Writes the rows of archived charts.

    Each transaction merges the charts with the stored rows, writes what has changed, keeps what was revised, marks the
    answers as written and logs the changes: a crash leaves answers to write, and never a gap that nobody knows of. The
    answers of a coin are written in the order in which they were archived, whoever writes them, and each one once.

    Args:
        database: Where the tables are.
        now: The current UTC time, aware.
        points_at_once: Points with which a transaction is full.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        points_at_once: int = POINTS_WRITTEN,
    ) -> None:
        self._database = database
        self._now = now
        self._points_at_once = points_at_once
        self._writer = TableWriter(database, tables.daily_market)

    def write(self, answers: Sequence[StoredAnswer]) -> Written:
        """Write the rows of archived answers, and of their coins' earlier ones that were not written yet.

        Those that another process has written meanwhile are left out.

        Raises:
            DatabaseUnavailable: The database did not let us in.
            sqlalchemy.exc.DBAPIError: Any other error of the database; what it was about was not written.
        """
        total = Written()
        for batch in _each_coin_once(answers, self._points_at_once):
            total.add(self._write_once(batch))
        return total

    def write_unwritten(self, on_written: Callable[[int], None] = lambda _: None) -> Written:
        """Write the rows of all archived answers that have none yet: after a crash, and after a migration.

        Args:
            on_written: Told how many more answers are done.
        """
        total = Written()
        # Read and parsed while the database writes those before.
        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            upcoming = reader.submit(self._read_unwritten, 0)
            while answers := upcoming.result():
                upcoming = reader.submit(self._read_unwritten, answers[-1].answer_id)
                total.add(self.write(answers))
                on_written(len(answers))
        return total

    def _read_unwritten(self, after: int) -> list[StoredAnswer]:
        return self._database.run_reading(
            lambda connection: read_answers(connection, after=after, written=False, limit=ANSWERS_READ)
        )

    def _write_once(self, answers: Sequence[StoredAnswer]) -> Written:
        tried = Written()

        def work(connection: Connection) -> Written:
            nonlocal tried
            written = self._write(connection, answers)
            # Nothing is left where it was an earlier try's commit whose answer was lost.
            tried = written if written.answers or written.unreadable else tried
            return tried

        return self._database.run_in_transaction(work)

    def _write(self, connection: Connection, answers: Sequence[StoredAnswer]) -> Written:
        coins = sorted({answer.record.coin_id for answer in answers})
        lock_coins(connection, coins)
        pending = unwritten_of(connection, coins)
        in_hand = {answer.answer_id: answer for answer in answers}
        if others := [answer_id for answer_id in pending if answer_id not in in_hand]:
            in_hand |= {answer.answer_id: answer for answer in read_answers(connection, answer_ids=others)}
        total = Written()
        for batch in _each_coin_once([in_hand[answer_id] for answer_id in pending if answer_id in in_hand], math.inf):
            total.add(self._write_charts(connection, self._readable(connection, batch, total)))
        drop_repeated(connection, coins)
        return total

    def _readable(
        self, connection: Connection, answers: Sequence[StoredAnswer], written: Written
    ) -> Sequence[StoredAnswer]:
        """Those of the answers that are charts; of an earlier version's, only their body tells."""
        for answer in answers:
            if not answer.was_read:
                archive_read_answer(connection, answer)
        written.unreadable += [each.record.coin_id for each in answers if each.record.outcome is not Outcome.VALUES]
        return [answer for answer in answers if answer.record.outcome is Outcome.VALUES]

    def _write_charts(self, connection: Connection, charts: Sequence[StoredAnswer]) -> Written:
        """Write charts, each of another coin."""
        if not charts:
            return Written()
        by_coin = {chart.record.coin_id: chart for chart in charts}
        stored = _read_stored(connection, by_coin)
        merged = _merge(connection, by_coin, stored)
        changed = [(coin, merge.rows) for coin, merge in merged.items() if len(merge.rows)]
        for is_new in (True, False):
            rows = [(coin, each) for coin, each in changed if (coin not in stored) == is_new]
            if rows:
                (self._writer.insert_in if is_new else self._writer.upsert_in)(connection, arrow_rows(rows))
        revisions = [
            {
                "asset_id": chart.record.coin_id,
                "date": revision.day,
                "column_name": revision.column,
                "seen_at": chart.record.answered_at,
                "old_value": revision.old,
                "new_value": revision.new,
            }
            for chart in charts
            for revision in merged[chart.record.coin_id].revisions
        ]
        if revisions:
            connection.execute(insert(tables.market_revisions), revisions)
        mark_written(connection, [chart.answer_id for chart in charts])
        log_changes(
            connection,
            [
                Change(tables.daily_market.name, _date(rows.days[0]), _date(rows.days[-1]), coin)
                for coin, rows in changed
            ],
            self._now,
        )
        return Written(len(charts), sum(len(rows) for _, rows in changed), len(revisions))


def _read_stored(connection: Connection, charts: Mapping[str, StoredAnswer]) -> dict[str, MarketRows]:
    """The stored rows of the charts' dates, by coin."""
    spans = [chart.record.points.days for chart in charts.values()]
    first, last = min(days[0] for days in spans), max(days[-1] for days in spans)
    return read_rows(connection, list(charts), _date(first), _date(last))


def _merge(
    connection: Connection, charts: Mapping[str, StoredAnswer], stored: Mapping[str, MarketRows]
) -> dict[str, MergedChart]:
    before = {coin: kept[-1].answered_at for coin, kept in read_kept(connection, list(charts)).items()}
    return {
        coin: merge_chart(chart.record.points, stored.get(coin, NO_ROWS), before.get(coin))
        for coin, chart in charts.items()
    }


def _each_coin_once(answers: Sequence[StoredAnswer], points_at_once: float) -> Iterator[list[StoredAnswer]]:
    """Answers in their order, in batches that have each coin once and end with so many points."""
    batch: list[StoredAnswer] = []
    coins: set[str] = set()
    points = 0
    for answer in answers:
        if answer.record.coin_id in coins or points >= points_at_once:
            yield batch
            batch, coins, points = [], set(), 0
        batch.append(answer)
        coins.add(answer.record.coin_id)
        points += len(answer.record.points)
    if batch:
        yield batch


def _date(day: int) -> date:
    return date.fromordinal(int(day) + EPOCH)
