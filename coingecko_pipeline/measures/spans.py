"""Spans of dates: merged, cut and clipped."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

ONE_DAY = timedelta(days=1)


class Span(NamedTuple):
    """Dates, both included.

    Attributes:
        first: The first date.
        last: The last date.
    """

    first: date
    last: date

    def clipped(self, other: "Span") -> "Span | None":
        """The dates that are in both; None where there are none."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Span(first, last) if first <= last else None

    def with_(self, other: "Span") -> "Span":
        """From the earlier first to the later last date."""
        return Span(min(self.first, other.first), max(self.last, other.last))

    def cut(self, days: int) -> Iterator["Span"]:
        """The span in pieces that begin where the calendar's blocks of so many days do, the same for every span."""
        first = self.first
        while first <= self.last:
            end = first + timedelta(days=days - 1 - first.toordinal() % days)
            yield Span(first, min(end, self.last))
            first = end + ONE_DAY


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same dates in as few spans as there can be, ascending."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.first <= found[-1].last + ONE_DAY:
            found[-1] = found[-1].with_(span)
        else:
            found.append(span)
    return found
