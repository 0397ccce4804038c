"""Rows that should be there and are not, in a window of dates: what can be filled, and what CoinGecko has no value for.

A coin should have a row on a date that lies between two dates of the window on which it has one, and wherever the
archive has a value. Whether a missing one can be filled is told by the coverage alone.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from heapq import nsmallest

import numpy as np
from sqlalchemy import Connection

from coingecko_pipeline import tables
from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.text_column import read_texts

COINS_SHOWN = 5


@dataclass(frozen=True)
class DayOfGaps:
    """One date on which coins have no row.

    Attributes:
        day: The date.
        coins: How many coins.
        first_coins: Some of them, the first by id.
    """

    day: date
    coins: int
    first_coins: tuple[str, ...]


@dataclass
class Gaps:
    """What is missing in a window of dates.

    Attributes:
        to_fill: The dates with rows missing that CoinGecko may have, ascending.
        of_coingecko: The dates with rows missing that CoinGecko is known to have no value for, ascending.
        archived: How many of the rows to fill are in the archive already, and cost no call.
        expected: By date, how many coins should have a row that CoinGecko may have.
        present: By date, how many coins have one.
    """

    to_fill: list[DayOfGaps] = field(default_factory=list)
    of_coingecko: list[DayOfGaps] = field(default_factory=list)
    archived: int = 0
    expected: dict[date, int] = field(default_factory=dict)
    present: dict[date, int] = field(default_factory=dict)


def read_gaps(database: Database, coverage: Mapping[str, Coverage], dates: DateRange) -> Gaps:
    """What is missing in a window of dates; the ids of the window have to fit into memory.

    Args:
        database: Where the rows are.
        coverage: What the archived answers have spoken for, by coin; empty for a source without charts.
        dates: The window.
    """
    market = tables.daily_market

    def read(connection: Connection) -> dict[date, Set[str]]:
        return {day: set(read_texts(connection, market.c.asset_id, market.c.date == day)) for day in dates}

    return find_gaps(database.run_reading(read), coverage)


def find_gaps(present: Mapping[date, Set[str]], coverage: Mapping[str, Coverage]) -> Gaps:
    """What is missing on some dates: a pure function.

    Args:
        present: Of each date, ascending, the coins that have a row.
        coverage: What the archived answers have spoken for, by coin.
    """
    days = list(present)
    covered = _Intervals({coin: known.covered for coin, known in coverage.items()})
    points = _Intervals({coin: known.points for coin, known in coverage.items()})
    before: set[str] = set()
    later: list[Set[str]] = [set()] * len(days)
    for position in range(len(days) - 2, -1, -1):
        later[position] = later[position + 1] | present[days[position + 1]]
    gaps = Gaps()
    for day, after in zip(days, later, strict=True):
        there = present[day]
        archived = points.coins_with(day)
        missing = ((before & after) | archived) - there
        without = (covered.coins_with(day) - archived) & missing
        to_fill = missing - without
        gaps.archived += len(archived & to_fill)
        gaps.present[day], gaps.expected[day] = len(there), len(there) + len(to_fill)
        for found, into in ((to_fill, gaps.to_fill), (without, gaps.of_coingecko)):
            if found:
                into.append(DayOfGaps(day, len(found), tuple(nsmallest(COINS_SHOWN, found))))
        before |= there
    return gaps


class _Intervals:
    """The intervals of many coins as arrays, so that one date is a comparison of arrays."""

    def __init__(self, of_coins: Mapping[str, DateIntervals]) -> None:
        flat = [(coin, first, last) for coin, dates in of_coins.items() for first, last in dates.pairs]
        self._coins = np.array([coin for coin, _, _ in flat], dtype=object)
        self._first = np.array([first for _, first, _ in flat], dtype=np.int64)
        self._last = np.array([last for _, _, last in flat], dtype=np.int64)

    def coins_with(self, day: date) -> set[str]:
        """The coins that have a date."""
        ordinal = day.toordinal()
        chosen: Sequence[str] = self._coins[(self._first <= ordinal) & (ordinal <= self._last)].tolist()
        return set(chosen)
