"""The part of a range that one statement makes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select

from coingecko_pipeline.warehouse.database import Kind


@dataclass(frozen=True)
class Part:
    """Dates, both included, whose rows are made by one statement in one transaction.

    Attributes:
        first: First date.
        last: Last date.
        kind: Of the database.
        computed_before: The rows that the table has of dates before this one are up to date. Those from it to `first`
            may be old, or be made at the same time.
    """

    first: date
    last: date
    kind: Kind
    computed_before: date


Rows = Callable[[Part], Select[Any]]
"""Gives the new rows of a part, with the table's columns in their order."""


def batches(first: date, last: date, kind: Kind, days: int, at_once: int) -> Iterator[list[Part]]:
    """A range in parts of at most so many days, those together that may be made at once.

    The batches come in order: a part may read what the table has of the batches before its own.
    """
    while first <= last:
        starts = [day for day in (first + timedelta(days=days * number) for number in range(at_once)) if day <= last]
        yield [
            Part(start, min(last, start + timedelta(days=days - 1)), kind, computed_before=first) for start in starts
        ]
        first = starts[-1] + timedelta(days=days)
