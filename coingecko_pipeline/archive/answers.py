"""Answers to calls for charts, kept as received: append-only, each with what it was."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from sqlalchemy import Connection, insert, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import EPOCH, DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.charts import (
    NO_POINTS,
    SERIES,
    ChartPoints,
    UnreadableChart,
    read_chart,
)
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE


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
    """Status 200 and a body that is no chart."""


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
    """

    coin_id: str
    days: int
    answered_at: datetime
    outcome: Outcome
    body: bytes | None = None
    points: ChartPoints = NO_POINTS

    @property
    def dates(self) -> DateIntervals:
        """The dates that it has a value of."""
        return DateIntervals.of_days(self.points.days)

    @property
    def spoken_for(self) -> DateIntervals:
        """The dates that it speaks for: those that were asked for, up to the last that it must contain."""
        if self.outcome is not Outcome.VALUES or self.days < 1:
            return DateIntervals()
        asked = self.answered_at.date()
        last = latest_complete_date(self.answered_at)
        first = asked - timedelta(days=self.days - 1)
        return self.dates if first > last else self.dates.union(DateIntervals.of_range(DateRange(first, last)))


def record_of(coin_id: str, days: int, answered_at: datetime, body: bytes) -> ChartRecord:
    """An answer with status 200, read: what it was, and what it says.

    Points of dates before CoinGecko's first and after the answer's own are left out: no answer can know them.
    """
    try:
        points = read_chart(body).between(FIRST_DATE.toordinal() - EPOCH, answered_at.date().toordinal() - EPOCH)
    except UnreadableChart:
        return ChartRecord(coin_id, days, answered_at, Outcome.UNREADABLE, body)
    outcome = Outcome.VALUES if len(points) else Outcome.EMPTY
    return ChartRecord(coin_id, days, answered_at, outcome, body, points)


@dataclass(frozen=True)
class StoredAnswer:
    """An answer in the archive.

    Attributes:
        answer_id: Its number.
        record: What was archived, read again from its body.
        was_read: Whether its dates were known before; False for those that an earlier version of this program stored.
    """

    answer_id: int
    record: ChartRecord
    was_read: bool = True


def store_answer(connection: Connection, record: ChartRecord) -> int:
    """Add an answer to the archive in a transaction; its number.

    Args:
        connection: In the transaction.
        record: The answer.
    """
    dates = record.dates
    row = {
        "asset_id": record.coin_id,
        "answered_at": record.answered_at,
        "days": record.days,
        "outcome": record.outcome.value,
        "body": None if record.body is None else zlib.compress(record.body),
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
    connection: Connection, coin_ids: Sequence[str] = (), *, written: bool | None = None, limit: int | None = None
) -> list[StoredAnswer]:
    """Answers with values whose bodies are kept, by coin and in the order in which they were stored.

    Args:
        connection: Reads.
        coin_ids: Only these coins; empty for all.
        written: Only those whose rows are in daily_market already, or only those whose rows are not; None for both.
        limit: So many answers at most.
    """
    table = tables.market_charts
    query = select(
        table.c.answer_id,
        table.c.asset_id,
        table.c.days,
        table.c.answered_at,
        table.c.outcome,
        table.c.body,
        table.c.dates,
    ).where(table.c.outcome == Outcome.VALUES.value, table.c.body.is_not(None))
    if coin_ids:
        query = query.where(table.c.asset_id.in_(coin_ids))
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
            record_of(row.asset_id, row.days, row.answered_at, zlib.decompress(row.body)),
            was_read=row.dates is not None,
        )
        for row in connection.execute(query)
    ]


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


def drop_bodies_held_by(connection: Connection, answer_id: int, record: ChartRecord) -> int:
    """Drop the bodies of the coin's earlier answers of which this one holds every value's date; how many there were.

    An answer whose rows are not written yet is kept, and so is one that has a value where this one has none.

    Args:
        connection: In a transaction.
        answer_id: Of this answer.
        record: This answer.
    """
    table = tables.market_charts
    query = select(table.c.answer_id, table.c.dates, table.c.body, table.c.days, table.c.answered_at).where(
        table.c.asset_id == record.coin_id,
        table.c.answer_id < answer_id,
        table.c.outcome == Outcome.VALUES.value,
        table.c.is_written,
        table.c.body.is_not(None),
    )
    held = [
        row.answer_id
        for row in connection.execute(query)
        if row.dates is not None
        and record.dates.covers(DateIntervals.of_json(row.dates))
        and _has_each_value(
            record.points,
            record_of(record.coin_id, row.days, row.answered_at, zlib.decompress(row.body)).points,
        )
    ]
    if held:
        connection.execute(update(table).where(table.c.answer_id.in_(held)).values(body=None))
    return len(held)


def _has_each_value(later: ChartPoints, earlier: ChartPoints) -> bool:
    """Whether a later chart has a value, of the same or a nearer moment, wherever an earlier one has."""
    places = later.days.searchsorted(earlier.days)
    if len(places) and (places[-1] >= len(later) or (later.days[places] != earlier.days).any()):
        return False
    if (later.seconds[places] > earlier.seconds).any():
        return False
    return not any(
        (~np.isnan(earlier.values[column]) & np.isnan(later.values[column][places])).any() for column in SERIES
    )


def answered_before(connection: Connection, answer: StoredAnswer) -> datetime | None:
    """The moment of the coin's latest answer with values before this one; None where there was none."""
    table = tables.market_charts
    moment: datetime | None = connection.scalar(
        select(table.c.answered_at)
        .where(
            table.c.asset_id == answer.record.coin_id,
            table.c.answer_id < answer.answer_id,
            table.c.outcome == Outcome.VALUES.value,
        )
        .order_by(table.c.answer_id.desc())
        .limit(1)
    )
    return moment
