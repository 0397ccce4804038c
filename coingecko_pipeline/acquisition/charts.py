"""Charts by coin: asked for, archived as they come, and written into daily_market.

The unit of the work is an answer. One coin never stops the others: an answer that is refused, missing or unreadable is
archived as what it was, with when to ask again. Only the key, the plan, the month's credits or a row of failures, which
is the server's and no coin's, stop a run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from coingecko_pipeline.acquisition.fetching import in_order
from coingecko_pipeline.acquisition.planning import ChartCall
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.archive.answers import ChartRecord, Outcome, StoredAnswer, record_of
from coingecko_pipeline.archive.coverage import archive_answer
from coingecko_pipeline.market.charts import POINTS_WRITTEN, ChartWriter, Written
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.errors import HistoryLimit, NotFound
from coingecko_pipeline.sources.errors import (
    BrokenAnswer,
    CallerRefused,
    ConnectionFailed,
    RateLimited,
    RetriableCall,
    SourceError,
)

COINS_WRITTEN = 50
"""Charts that are written together: about 1 MB, little to lose and enough to be quick."""

BUDGET_CALLS = 16
"""Calls after which it is asked whether the budget still bears the next ones: another run may spend as well."""

FAILURES_IN_A_ROW = 20
"""So many refused or unreadable answers one after the other are the server's state and no coin's: of 17,400 coins some
are refused at any time, and of any twenty that follow each other by market cap hardly one."""

UNANSWERED = (ConnectionFailed, RateLimited)
"""What says nothing of a coin: there was no answer to its call."""

STOPPING = (CallerRefused, HistoryLimit)
"""What is wrong with one call is wrong with every other one."""


@dataclass
class ChartResult:
    """What came of the calls, filled while they are made.

    Attributes:
        outcomes: How many answers were what.
        not_found: Coins that CoinGecko lists and has no chart of.
        faulty: Coins whose answer was refused or unreadable, with the reason.
        unanswered: Coins whose call was not answered at all; they have no outcome and are asked again by the next run.
        not_numbers: Values that were no number; stored as NULL.
        negative: Values below 0; stored as NULL.
        given_up: Coins that were not asked for, since another run spent what the budget had for them.
        written: What was written into daily_market.
    """

    outcomes: dict[Outcome, int] = field(default_factory=dict)
    not_found: list[str] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    not_numbers: int = 0
    negative: int = 0
    given_up: int = 0
    written: Written = field(default_factory=Written)

    def count(self, record: ChartRecord) -> None:
        """Count an answer."""
        self.outcomes[record.outcome] = self.outcomes.get(record.outcome, 0) + 1
        self.not_numbers += record.points.not_numbers
        self.negative += record.points.negative
        if record.outcome is Outcome.NOT_FOUND:
            self.not_found.append(record.coin_id)
        elif is_fault(record):
            self.faulty[record.coin_id] = record.reason

    def facts(self) -> Mapping[str, Any]:
        """Counts by name, for whoever is told."""
        return {
            **{f"answers_{outcome}": count for outcome, count in sorted(self.outcomes.items())},
            "coins_not_found": self.not_found,
            "coins_faulty": self.faulty,
            "coins_unanswered": self.unanswered,
            "values_not_numbers": self.not_numbers,
            "values_negative": self.negative,
            "rows_written": self.written.rows,
            "values_revised": self.written.revisions,
        }


@dataclass(frozen=True)
class ChartSource:
    """What charts are asked of, and where what came and what it cost is kept.

    Attributes:
        client: CoinGecko.
        writer: Writes the rows.
        ledger: Where answers are archived and calls are counted, in one transaction.
        budget_left: Tells the credits that are left just now; None where none are counted.
    """

    client: CoinGecko
    writer: ChartWriter
    ledger: UsageLedger
    budget_left: Callable[[], int | None]


@dataclass(frozen=True)
class _Fault:
    """A call that failed, which is archived only once the server has shown to be well.

    Attributes:
        record: What it would be archived as.
        error: What went wrong.
    """

    record: ChartRecord
    error: SourceError


def is_fault(record: ChartRecord) -> bool:
    """Whether an answer is one that the server should not have given."""
    return record.outcome in (Outcome.REFUSED, Outcome.UNREADABLE)


def fetch_charts(calls: Sequence[ChartCall], source: ChartSource, progress: Progress, result: ChartResult) -> None:
    """Make the calls, archive each answer as it comes, and write the rows.

    Several calls are under way at once, through the client's one rate limit, while the rows of earlier ones are
    written. A run that ends early pays for no chart twice, and what it archived is written by the next one.

    Args:
        calls: What to ask for, most important first.
        source: Where the charts come from, and where they go.
        progress: Told of each answer that is archived, and of the rows that are written.
        result: Filled with what came of it.

    Raises:
        SourceError: The key or the plan is wrong, or `FAILURES_IN_A_ROW` calls failed one after the other. What came
            before is archived and written; the coins of that row have no outcome, and are asked again by the next run.
    """
    to_write: list[StoredAnswer] = []
    faults: list[_Fault] = []
    answered_well = False

    def write() -> None:
        # Taken out first: what cannot be written stays in the archive as not written, and is not tried twice here.
        charts = [to_write.pop(0) for _ in range(len(to_write))]
        written = source.writer.write(charts)
        result.written.add(written)
        progress.advance(0, written.rows)

    def archive_faults() -> None:
        for fault in faults:
            if isinstance(fault.error, UNANSWERED):
                result.unanswered.append(fault.record.coin_id)
                continue
            _archive(fault.record, source.ledger)
            result.count(fault.record)
        progress.advance(len(faults))
        faults.clear()

    asked = _within_budget(calls, source, result)
    answers = in_order(asked, lambda call: _fetch(call, source), source.client.end_waits)
    try:
        for answer in answers:
            if isinstance(answer, _Fault):
                faults.append(answer)
                if len(faults) >= FAILURES_IN_A_ROW:
                    raise answer.error
                continue
            answered_well = True
            archive_faults()
            result.count(answer.record)
            progress.advance()
            if answer.record.outcome is Outcome.VALUES:
                to_write.append(answer)
            points = sum(len(chart.record.points) for chart in to_write)
            if len(to_write) >= COINS_WRITTEN or points >= POINTS_WRITTEN:
                write()
        unclear = [fault.error for fault in faults if isinstance(fault.error, RetriableCall)]
        if not answered_well and (len(unclear) > 1 or any(isinstance(error, UNANSWERED) for error in unclear)):
            # The server gave no chart at all: this says nothing of the coins.
            raise unclear[-1]
        archive_faults()
    finally:
        answers.close()
        try:
            write()
        finally:  # what could not be written is paid all the same
            source.ledger.record()


def _fetch(call: ChartCall, source: ChartSource) -> StoredAnswer | _Fault:
    """Make a call and archive what came; runs in a thread.

    Raises:
        SourceError: The key or the plan is wrong.
    """
    coin, days = call.coin_id, call.days(source.client.plan, source.client.now().date())
    try:
        answer = source.client.market_chart(coin, days)
    except NotFound:
        record = ChartRecord(coin, days, source.client.now(), Outcome.NOT_FOUND)
    except STOPPING:
        raise
    except SourceError as error:
        broken = error if isinstance(error, BrokenAnswer) else None
        outcome = Outcome.UNREADABLE if broken else Outcome.REFUSED
        body = broken.body if broken else None
        return _Fault(ChartRecord(coin, days, source.client.now(), outcome, body, reason=str(error)), error)
    else:
        record = record_of(coin, days, answer.answered_at, answer.body)
        if record.outcome is Outcome.UNREADABLE:
            reason = f"CoinGecko answered the market chart of {coin!r} with status 200, and {record.reason}."
            return _Fault(replace(record, reason=reason), BrokenAnswer(reason))
    return StoredAnswer(_archive(record, source.ledger), record)


def _archive(record: ChartRecord, ledger: UsageLedger) -> int:
    answer_ids: list[int] = []

    def archive(connection: Connection) -> None:
        answer_ids[:] = [archive_answer(connection, record)]

    ledger.record(archive)
    return answer_ids[0]


def _within_budget(calls: Sequence[ChartCall], source: ChartSource, result: ChartResult) -> Iterator[ChartCall]:
    """The calls as long as the budget bears them."""
    for number, call in enumerate(calls):
        if number and number % BUDGET_CALLS == 0 and (left := source.budget_left()) is not None and left <= 0:
            result.given_up = len(calls) - number
            return
        yield call
