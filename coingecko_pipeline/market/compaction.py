"""Which archived bodies may go: those without which the others make the very same rows.

A refresh brings what its coin's earlier answers have, but for a day at either end. Kept are the answers that together
have every date and every value: of a year's refreshes the first and the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np
from sqlalchemy import Connection, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import Outcome, drop_bodies, read_answers
from coingecko_pipeline.archive.dates import DateIntervals
from coingecko_pipeline.market.rows import MarketRows, bits, fold_charts
from coingecko_pipeline.sources.coingecko.charts import ChartPoints


@dataclass(frozen=True)
class KeptAnswer:
    """An answer with values whose body is kept and whose rows are written.

    Attributes:
        answer_id: Its number.
        answered_at: Its moment (UTC, aware).
        dates: The dates that it has a value of.
    """

    answer_id: int
    answered_at: datetime
    dates: DateIntervals


def read_kept(connection: Connection, coin_ids: Sequence[str]) -> dict[str, list[KeptAnswer]]:
    """The kept answers of some coins, by coin and in the order in which they were stored; their bodies are not read."""
    table = tables.market_charts
    query = (
        select(table.c.asset_id, table.c.answer_id, table.c.answered_at, table.c.dates)
        .where(
            table.c.asset_id.in_(coin_ids),
            table.c.is_written,
            table.c.outcome == Outcome.VALUES.value,
            table.c.body.is_not(None),
            table.c.dates.is_not(None),
        )
        .order_by(table.c.asset_id, table.c.answer_id)
    )
    return {
        coin: [KeptAnswer(row.answer_id, row.answered_at, DateIntervals.of_json(row.dates)) for row in rows]
        for coin, rows in groupby(connection.execute(query), key=lambda row: row.asset_id)
    }


def drop_repeated(connection: Connection, coin_ids: Sequence[str]) -> int:
    """Drop the bodies of some coins without which the others make the same rows; how many there were.

    Args:
        connection: In the transaction that has written the rows of the coins' latest answers.
        coin_ids: The coins, locked.
    """
    kept = read_kept(connection, coin_ids)
    doubtful = [coin for coin, answers in kept.items() if _may_repeat([answer.dates for answer in answers])]
    if not doubtful:
        return 0
    dropped: list[int] = []
    answers = read_answers(connection, doubtful, written=True)
    for _, of_coin in groupby(answers, key=lambda answer: answer.record.coin_id):
        known = list(of_coin)
        dropped += [known[at].answer_id for at in repeated_in([answer.record.points for answer in known])]
    if dropped:
        drop_bodies(connection, dropped)
    return len(dropped)


def repeated_in(charts: Sequence[ChartPoints]) -> list[int]:
    """The positions of the charts without which the others make the very same rows; never that of the last: pure.

    Args:
        charts: Of one coin, the oldest first.
    """
    positions = list(range(len(charts)))
    whole = fold_charts(charts)
    for position in range(len(charts) - 1):
        others = [each for each in positions if each != position]
        if _same(fold_charts([charts[each] for each in others]), whole):
            positions = others
    return [position for position in range(len(charts)) if position not in positions]


def _may_repeat(dates: Sequence[DateIntervals]) -> bool:
    """Whether the dates of any answer but the last are all among those of the others."""
    for position, of_answer in enumerate(dates[:-1]):
        others = DateIntervals()
        for other in (*dates[:position], *dates[position + 1 :]):
            others = others.union(other)
        if others.covers(of_answer):
            return True
    return False


def _same(some: MarketRows, others: MarketRows) -> bool:
    return (
        np.array_equal(some.days, others.days)
        and np.array_equal(some.seconds, others.seconds)
        and all(np.array_equal(bits(some.values[column]), bits(others.values[column])) for column in some.values)
    )
