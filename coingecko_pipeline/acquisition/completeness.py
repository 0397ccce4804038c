"""How large a part of the coins lacks no day of a year."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import DateIntervals, DateRange

A_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Completeness:
    """The share of the coins that lack no day of some dates.

    Attributes:
        dates: The dates.
        share: Of the coins that were there on one of them; of 1.
    """

    dates: DateRange
    share: float


def years_of(dates: DateRange) -> tuple[DateRange, ...]:
    """The years of a range, the latest first; the first and the last may be parts of one."""
    return tuple(
        DateRange(max(dates.first, date(year, 1, 1)), min(dates.last, date(year, 12, 31)))
        for year in range(dates.last.year, dates.first.year - 1, -1)
    )


def last_year_of(dates: DateRange) -> DateRange:
    """The latest 365 days of a range, or all of it where it is shorter."""
    return DateRange(max(dates.first, dates.last - A_YEAR + timedelta(days=1)), dates.last)


def completeness_of(
    periods: Iterable[DateRange],
    dates: DateRange,
    coins: Iterable[str],
    left_on: Mapping[str, date],
    coverage: Mapping[str, Coverage],
) -> list[Completeness]:
    """How complete some parts of the history are.

    A coin lacks a day that no answer has spoken for and no snapshot has; what came before it was listed is spoken for
    by its first chart.

    Args:
        periods: The parts.
        dates: All dates that count.
        coins: The coins that count.
        left_on: The date of the latest list that had it, for each coin that left the list.
        coverage: What the archived answers have spoken for, by coin.
    """
    periods = tuple(periods)
    there, lacking = [0] * len(periods), [0] * len(periods)
    for coin in coins:
        last = min(dates.last, left_on.get(coin, dates.last))
        if last < dates.first:
            continue
        until = DateRange(dates.first, last)
        known = coverage.get(coin)
        missing = DateIntervals.of_range(until) if known is None else known.missing_without_snapshots(until)
        for number, period in enumerate(periods):
            if period.first <= last:
                there[number] += 1
                lacking[number] += bool(missing and missing.within(period))
    return [
        Completeness(period, 1 - lacks / coins_there if coins_there else 0.0)
        for period, coins_there, lacks in zip(periods, there, lacking, strict=True)
    ]
