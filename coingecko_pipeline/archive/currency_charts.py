"""Bitcoin's charts in other currencies, kept as received: append-only, each with what it was.

What they have spoken for tells what is missing of a currency; the rows of fx_rates are never counted.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import LARGEST_BODY, ChartRecord, Outcome, StoredAnswer, record_of
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.warehouse import Database

TABLE = tables.currency_charts


@dataclass(frozen=True)
class CurrencyCoverage:
    """What the archived charts of one currency have spoken for.

    Attributes:
        covered: The dates, each from the first that was asked for to the last that came.
        answered_at: Moment of the latest answer, whatever it was (UTC, aware).
    """

    covered: DateIntervals
    answered_at: datetime


def store_currency_chart(connection: Connection, record: ChartRecord) -> int:
    """Add an answer to the archive in a transaction; its number. A body beyond `LARGEST_BODY` is not kept.

    Args:
        connection: In the transaction.
        record: The answer; its `coin_id` is the currency's code.
    """
    dates = record.dates
    row = {
        "currency": record.coin_id,
        "answered_at": record.answered_at,
        "days": record.days,
        "outcome": record.outcome.value,
        "body": zlib.compress(record.body) if record.body is not None and len(record.body) <= LARGEST_BODY else None,
        "first_on": record.answered_at.date() - timedelta(days=record.days - 1) if dates else None,
        "last_on": dates.last,
        "is_written": record.outcome is not Outcome.VALUES,
    }
    key = connection.execute(insert(TABLE).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    return int(key[0])


def read_currency_coverage(database: Database, currencies: Sequence[str]) -> dict[str, CurrencyCoverage]:
    """What the archive has of some currencies; those that were never asked for are left out."""
    query = (
        select(TABLE.c.currency, TABLE.c.answered_at, TABLE.c.first_on, TABLE.c.last_on)
        .where(TABLE.c.currency.in_(currencies))
        .order_by(TABLE.c.answer_id)
    )
    found: dict[str, CurrencyCoverage] = {}
    for row in database.run_reading(lambda connection: connection.execute(query).all()):
        before = found[row.currency].covered if row.currency in found else DateIntervals()
        # A chart of fewer days than were asked for may end before the first of them.
        spoken = row.first_on is not None and row.first_on <= row.last_on
        more = DateIntervals.of_range(DateRange(row.first_on, row.last_on)) if spoken else DateIntervals()
        found[row.currency] = CurrencyCoverage(before.union(more), row.answered_at)
    return found


def read_unwritten_charts(connection: Connection) -> list[StoredAnswer]:
    """The answers whose rates are not all in fx_rates, in the order in which they were stored."""
    query = (
        select(TABLE.c.answer_id, TABLE.c.currency, TABLE.c.days, TABLE.c.answered_at, TABLE.c.body)
        .where(~TABLE.c.is_written, TABLE.c.body.is_not(None))
        .order_by(TABLE.c.answer_id)
    )
    return [
        StoredAnswer(
            row.answer_id,
            replace(record_of(row.currency, row.days, row.answered_at, zlib.decompress(row.body)), body=None),
        )
        for row in connection.execute(query)
    ]


def mark_chart_written(connection: Connection, answer_id: int) -> None:
    """Mark an answer all of whose rates are in fx_rates from this transaction on."""
    connection.execute(update(TABLE).where(TABLE.c.answer_id == answer_id).values(is_written=True))
