"""Ranges of dates, and sets of dates as intervals."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

EPOCH = date(1970, 1, 1).toordinal()
"""The ordinal of the date from which days are counted in arrays, as NumPy's datetime64 and Arrow's date32 do."""

Days = npt.NDArray[np.int64]
"""Days since 1970, ascending."""


class BackwardsDates(ValueError):
    """A range whose first date is after its last; the message says what to do."""


@dataclass(frozen=True)
class DateRange:
    """Dates from the first to the last, both included.

    Raises:
        BackwardsDates: The first is after the last.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BackwardsDates(f"The dates {self.first} to {self.last} run backwards; swap them.")

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=offset) for offset in range(len(self)))


@dataclass(frozen=True)
class DateIntervals:
    """A set of dates as its unbroken intervals, ascending, with at least one date between two of them.

    Attributes:
        pairs: The ordinal of the first and of the last date of each interval.
    """

    pairs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of_range(cls, dates: DateRange) -> "DateIntervals":
        """The dates of a range."""
        return cls(((dates.first.toordinal(), dates.last.toordinal()),))

    @classmethod
    def of_days(cls, days: Days) -> "DateIntervals":
        """The dates of an array of days since 1970, ascending, each once."""
        if not len(days):
            return cls()
        breaks = np.flatnonzero(np.diff(days) > 1)
        firsts = days[np.concatenate(([0], breaks + 1))] + EPOCH
        lasts = days[np.concatenate((breaks, [len(days) - 1]))] + EPOCH
        return cls(tuple(zip(firsts.tolist(), lasts.tolist(), strict=True)))

    @classmethod
    def of_json(cls, text: str) -> "DateIntervals":
        """The dates of what `to_json` gives."""
        return cls(
            tuple(
                (date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal())
                for first, last in json.loads(text)
            )
        )

    def to_json(self) -> str:
        """Pairs of ISO dates as a JSON array."""
        return json.dumps([[str(each.first), str(each.last)] for each in self])

    def __iter__(self) -> Iterator[DateRange]:
        return (DateRange(date.fromordinal(first), date.fromordinal(last)) for first, last in self.pairs)

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def __contains__(self, day: date) -> bool:
        ordinal = day.toordinal()
        return any(first <= ordinal <= last for first, last in self.pairs)

    @property
    def first(self) -> date | None:
        """The earliest date; None where there is none."""
        return date.fromordinal(self.pairs[0][0]) if self.pairs else None

    @property
    def last(self) -> date | None:
        """The latest date; None where there is none."""
        return date.fromordinal(self.pairs[-1][1]) if self.pairs else None

    def count(self) -> int:
        """How many dates there are."""
        return sum(last - first + 1 for first, last in self.pairs)

    def days(self) -> Days:
        """The dates as days since 1970, ascending."""
        if not self.pairs:
            return np.empty(0, dtype=np.int64)
        return np.concatenate([np.arange(first, last + 1) for first, last in self.pairs]) - EPOCH

    def union(self, other: "DateIntervals") -> "DateIntervals":
        """The dates that are in either."""
        return DateIntervals(tuple(_merged(sorted(self.pairs + other.pairs))))

    def within(self, dates: DateRange) -> "DateIntervals":
        """Those of the dates that a range has."""
        low, high = dates.first.toordinal(), dates.last.toordinal()
        return DateIntervals(
            tuple((max(first, low), min(last, high)) for first, last in self.pairs if first <= high and last >= low)
        )

    def lacking(self, dates: DateRange) -> "DateIntervals":
        """The dates of a range that are not among these."""
        missing, start, high = [], dates.first.toordinal(), dates.last.toordinal()
        for first, last in self.within(dates).pairs:
            if first > start:
                missing.append((start, first - 1))
            start = last + 1
        if start <= high:
            missing.append((start, high))
        return DateIntervals(tuple(missing))

    def covers(self, other: "DateIntervals") -> bool:
        """Whether every date of another set is among these."""
        return all(any(low <= first and last <= high for low, high in self.pairs) for first, last in other.pairs)


def _merged(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Pairs in their order, those that touch or overlap as one."""
    current: tuple[int, int] | None = None
    for first, last in pairs:
        if current is None:
            current = (first, last)
        elif first <= current[1] + 1:
            current = (current[0], max(current[1], last))
        else:
            yield current
            current = (first, last)
    if current is not None:
        yield current
