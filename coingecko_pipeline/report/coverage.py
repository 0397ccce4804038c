"""How complete the daily market is: rows, exact rows and gaps of each date, and what each date's market adds up to.

What is a gap is told by the archive's coverage: a date that an answer has spoken for and has no value of is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy import case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.coverage import Coverage as ArchiveCoverage
from coingecko_pipeline.archive.coverage import read_coverage as read_archive_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.report.dates import DAYS, ReportDates
from coingecko_pipeline.warehouse import Database

FULL = 0.9
"""A date with fewer rows than this share of the fullest date's is thin: what it adds up to is that of fewer coins."""


@dataclass(frozen=True)
class Day:
    """One date of the daily market.

    Attributes:
        day: The date.
        chart_rows: Rows with the exact value of 00:00 UTC.
        snapshot_rows: Rows read in the first minutes of the date, the stale ones included.
        priced: Rows with a price.
        market_cap_usd: The sum of the market caps (US dollars), without stale rows; None where there is none.
        volume_24h_usd: The sum of the 24-hour volumes (US dollars), the same way; None where there is none.
        gaps: Coins that have rows both before and after the date and none on it, and may have a value.
    """

    day: date
    chart_rows: int
    snapshot_rows: int
    priced: int
    market_cap_usd: float | None
    volume_24h_usd: float | None
    gaps: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.chart_rows + self.snapshot_rows


@dataclass(frozen=True)
class Coverage:
    """How complete the dates of a report are.

    Attributes:
        days: Each date, ascending.
        active_coins: Coins of the latest list.
    """

    days: Sequence[Day]
    active_coins: int

    @property
    def rows(self) -> int:
        """Rows of all dates."""
        return sum(day.rows for day in self.days)

    @property
    def exact_share(self) -> float:
        """The share of the exact rows."""
        return sum(day.chart_rows for day in self.days) / self.rows if self.rows else 0.0

    @property
    def gaps(self) -> int:
        """Rows that are missing between a coin's first and its last."""
        return sum(day.gaps for day in self.days)

    @property
    def thin(self) -> frozenset[date]:
        """The dates whose sums are those of fewer coins."""
        fullest = max(day.rows for day in self.days)
        return frozenset(day.day for day in self.days if day.rows < FULL * fullest)

    def share(self, day: Day) -> float:
        """The rows of a date as a share of the coins of the latest list, 1 at most."""
        return min(1.0, day.rows / self.active_coins) if self.active_coins else 0.0


def read_coverage(database: Database, dates: ReportDates, active_coins: int) -> Coverage:
    """Count and add up each date: one statement that reads its rows once, and one from the index.

    Args:
        database: The warehouse.
        dates: The dates to show.
        active_coins: Coins of the latest list.
    """
    market = tables.daily_market.c
    query = (
        select(
            market.date,
            func.count(case((market.source == tables.CHART, 1))).label("chart_rows"),
            func.count(case((market.source != tables.CHART, 1))).label("snapshot_rows"),
            func.count(market.price_usd).label("priced"),
            func.sum(case((market.source != tables.STALE, market.market_cap_usd))).label("market_cap_usd"),
            func.sum(case((market.source != tables.STALE, market.volume_24h_usd))).label("volume_24h_usd"),
        )
        .where(market.date.between(dates.first, dates.last))
        .group_by(market.date)
    )
    found = {row.date: row for row in database.run_reading(lambda connection: connection.execute(query).all())}
    lifetimes = read_lifetimes(database)
    living = count_living(lifetimes, dates)
    without = count_without_value(lifetimes, read_archive_coverage(database), dates)
    days = []
    for day in dates.days:
        row = found.get(day)
        _, chart, snapshot, priced, market_cap, volume = row or (day, 0, 0, 0, None, None)
        gaps = max(0, living[day] - chart - snapshot - without[day])
        days.append(Day(day, chart, snapshot, priced, market_cap, volume, gaps))
    return Coverage(days, active_coins)


def read_lifetimes(database: Database) -> dict[str, DateRange]:
    """The first and the last date with a row, by coin."""
    market = tables.daily_market
    # MySQL answers this from the two ends of each coin in the index, without reading what lies between.
    query = select(market.c.asset_id, func.min(market.c.date), func.max(market.c.date)).group_by(market.c.asset_id)
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    return {coin: DateRange(first, last) for coin, first, last in rows}


def count_without_value(
    lifetimes: Mapping[str, DateRange], coverage: Mapping[str, ArchiveCoverage], dates: ReportDates
) -> dict[date, int]:
    """Of how many coins that are alive on a date CoinGecko is known to have no value, for each date."""
    holes = [
        hole
        for coin, known in coverage.items()
        if (life := lifetimes.get(coin))
        for spoken_for in known.covered.within(life)
        for hole in known.points.lacking(spoken_for)
    ]
    begins = _positions((hole.first for hole in holes), dates)
    ends = _positions((hole.last + timedelta(days=1) for hole in holes), dates)
    return _running(begins, ends, dates)


def count_living(lifetimes: Mapping[str, DateRange], dates: ReportDates) -> dict[date, int]:
    """How many coins have rows both on or before a date and on or after it, for each date."""
    begins = _positions((life.first for life in lifetimes.values()), dates)
    ends = _positions((life.last + timedelta(days=1) for life in lifetimes.values()), dates)
    return _running(begins, ends, dates)


def _running(begins: Sequence[int], ends: Sequence[int], dates: ReportDates) -> dict[date, int]:
    counts = np.bincount(begins, minlength=DAYS + 1) - np.bincount(ends, minlength=DAYS + 1)
    return dict(zip(dates.days, (int(count) for count in np.cumsum(counts)), strict=False))


def _positions(days: Iterable[date], dates: ReportDates) -> list[int]:
    return [min(max((day - dates.first).days, 0), DAYS) for day in days]
