"""Answers to calls for charts, kept as received: append-only, each with what it was."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import EPOCH, DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.charts import (
    NO_POINTS,
    ChartPoints,
    UnreadableChart,
    check_times,
    read_chart,
)
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE

ENDED_DAYS = 7
"""A chart whose last value is older brought nothing new: CoinGecko's own gaps are of a day or two."""

LARGEST_BODY = 8_000_000
"""Bytes of a body that is kept: a chart of thirteen years has half a million, and a database takes 16 in one piece."""


class Outcome(StrEnum):
    """What an answer to a call for a chart was."""

    VALUES = "values"
    """It has at least one date with a value."""
    EMPTY = "empty"
    """It is a chart, and no date of it has a value."""
    NOT_FOUND = "not_found"
    """CoinGecko lists the coin and has no chart of it."""
    REFUSED = "refused"
    """The server answers this coin's call with an error, and others' not."""
    UNREADABLE = "unreadable"
    """Status 200 and a body that is no daily chart."""


@dataclass(frozen=True)
class ChartRecord:
    """An answer as it is archived.

    Attributes:
        coin_id: The coin.
        days: Midnights that were asked for, that day's included.
        answered_at: Moment of the answer (UTC, aware).
        outcome: What it was.
        body: As received; None where nothing came, and where a later answer holds all of it.
        points: What it says of each date.
        reason: Why it is refused or unreadable; empty for every other outcome. It is told, not archived.
    """

    coin_id: str
    days: int
    answered_at: datetime
    outcome: Outcome
    body: bytes | None = None
    points: ChartPoints = NO_POINTS
    reason: str = ""

    @property
    def dates(self) -> DateIntervals:
        """The dates that it has a value of."""
        return DateIntervals.of_days(self.points.days)

    @property
    def has_news(self) -> bool:
        """Whether it reaches the present, so that the next days' answers will have more."""
        last = self.dates.last
        return last is not None and (latest_complete_date(self.answered_at) - last).days <= ENDED_DAYS

    @property
    def spoken_for(self) -> DateIntervals:
        """The dates that it speaks for: those that were asked for, up to the last that it must contain.

        Where it has the day before the last one and not the last one, that may still come: an answer that was on its
        way while the day's point was made lacks it, and so does one out of a cache.
        """
        if self.outcome is not Outcome.VALUES:
            return DateIntervals()
        last = latest_complete_date(self.answered_at)
        if self.dates.last == last - timedelta(days=1):
            last = self.dates.last
        first = self.answered_at.date() - timedelta(days=self.days - 1)
        return self.dates if first > last else self.dates.union(DateIntervals.of_range(DateRange(first, last)))


def record_of(coin_id: str, days: int, answered_at: datetime, body: bytes) -> ChartRecord:
    """An answer with status 200, read: what it was, and what it says.

    Points of dates before CoinGecko's first and after the answer's own are left out: no answer can know them. A chart
    of more points than its own moment, none of which stands for a date that can be, is unreadable and not empty: that
    says something of its times and nothing of its coin.
    """
    try:
        points = _read(body).between(FIRST_DATE.toordinal() - EPOCH, answered_at.date().toordinal() - EPOCH)
        if not len(points):
            check_times(body)
    except UnreadableChart as error:
        return ChartRecord(coin_id, days, answered_at, Outcome.UNREADABLE, body, reason=str(error))
    outcome = Outcome.VALUES if len(points) else Outcome.EMPTY
    return ChartRecord(coin_id, days, answered_at, outcome, body, points)


def _read(body: bytes) -> ChartPoints:
    if len(body) > LARGEST_BODY:
        raise UnreadableChart(f"the body has {len(body):,} bytes, and no chart has more than {LARGEST_BODY:,}")
    return read_chart(body)


@dataclass(frozen=True)
class StoredAnswer:
    """An answer in the archive.

    Attributes:
        answer_id: Its number.
        record: What was archived. Where it was read again from its body, it goes without it.
        was_read: Whether its dates were known before; False for those that an earlier version of this program stored.
    """

    answer_id: int
    record: ChartRecord
    was_read: bool = True


def store_answer(connection: Connection, record: ChartRecord) -> int:
    """Add an answer to the archive in a transaction; its number. A body beyond `LARGEST_BODY` is not kept.

    Args:
        connection: In the transaction.
        record: The answer.
    """
    dates = record.dates
    is_kept = record.body is not None and len(record.body) <= LARGEST_BODY
    row = {
        "asset_id": record.coin_id,
        "answered_at": record.answered_at,
        "days": record.days,
        "outcome": record.outcome.value,
        "body": zlib.compress(record.body) if is_kept and record.body is not None else None,
        "first_on": dates.first,
        "last_on": dates.last,
        "midnights": len(record.points),
        "dates": dates.to_json(),
        "is_written": record.outcome is not Outcome.VALUES,
    }
    key = connection.execute(insert(tables.market_charts).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    return int(key[0])


def read_answers(
    connection: Connection,
    coin_ids: Sequence[str] = (),
    *,
    answer_ids: Sequence[int] = (),
    after: int = 0,
    written: bool | None = None,
    limit: int | None = None,
) -> list[StoredAnswer]:
    """Answers with values whose bodies are kept, by coin and in the order in which they were stored.

    Args:
        connection: Reads.
        coin_ids: Only these coins; empty for all.
        answer_ids: Only these answers; empty for all.
        after: Only answers with a higher number.
        written: Only those whose rows are in daily_market already, or only those whose rows are not; None for both.
        limit: So many answers at most.
    """
    table = tables.market_charts
    query = select(
        table.c.answer_id,
        table.c.asset_id,
        table.c.days,
        table.c.answered_at,
        table.c.body,
        table.c.dates,
    ).where(table.c.outcome == Outcome.VALUES.value, table.c.body.is_not(None))
    if coin_ids:
        query = query.where(table.c.asset_id.in_(coin_ids))
    if answer_ids:
        query = query.where(table.c.answer_id.in_(answer_ids))
    if after:
        query = query.where(table.c.answer_id > after)
    if written is not None:
        query = query.where(table.c.is_written == written)
    # By coin its answers come in their order; of all coins an index gives those that are not written.
    query = (
        query.order_by(table.c.answer_id) if written is False else query.order_by(table.c.asset_id, table.c.answer_id)
    )
    if limit is not None:
        query = query.limit(limit)
    return [
        StoredAnswer(
            row.answer_id,
            replace(record_of(row.asset_id, row.days, row.answered_at, zlib.decompress(row.body)), body=None),
            was_read=row.dates is not None,
        )
        for row in connection.execute(query)
    ]


def unwritten_of(connection: Connection, coin_ids: Sequence[str]) -> dict[int, str]:
    """The answers of some coins whose rows are not in daily_market, in the order in which they were stored."""
    table = tables.market_charts
    query = (
        select(table.c.answer_id, table.c.asset_id)
        .where(table.c.asset_id.in_(coin_ids), ~table.c.is_written)
        .order_by(table.c.answer_id)
    )
    return {row.answer_id: row.asset_id for row in connection.execute(query)}


def mark_written(connection: Connection, answer_ids: Sequence[int]) -> None:
    """Mark answers whose rows are in daily_market from this transaction on."""
    table = tables.market_charts
    connection.execute(update(table).where(table.c.answer_id.in_(answer_ids)).values(is_written=True))


def mark_read(connection: Connection, answer: StoredAnswer) -> None:
    """Keep what an answer of an earlier version turned out to be when its body was read."""
    table, dates = tables.market_charts, answer.record.dates
    connection.execute(
        update(table)
        .where(table.c.answer_id == answer.answer_id)
        .values(
            outcome=answer.record.outcome.value,
            first_on=dates.first,
            last_on=dates.last,
            midnights=len(answer.record.points),
            dates=dates.to_json(),
            is_written=answer.record.outcome is not Outcome.VALUES,
        )
    )


def drop_bodies(connection: Connection, answer_ids: Sequence[int]) -> None:
    """Drop the bodies of answers; what they were stays."""
    table = tables.market_charts
    connection.execute(update(table).where(table.c.answer_id.in_(answer_ids)).values(body=None))
