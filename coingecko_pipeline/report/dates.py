"""The dates that a report shows."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database

DAYS = 365
"""Dates that a report shows: what every plan serves, and 52 weeks and a day, so that a week's step meets both ends."""
WEEK = 7
CHANGES = (1, 7, 30)
"""Days over which the change of a price is told."""


@dataclass(frozen=True)
class ReportDates:
    """A year of dates that ends with the latest one that has rows.

    Attributes:
        last: The latest date.
    """

    last: date

    @cached_property
    def days(self) -> tuple[date, ...]:
        """Every date, ascending."""
        return tuple(self.last - timedelta(days=back) for back in range(DAYS - 1, -1, -1))

    @property
    def first(self) -> date:
        """The earliest date."""
        return self.days[0]

    @cached_property
    def weeks(self) -> tuple[date, ...]:
        """Every seventh date, ascending, the earliest and the latest included."""
        return self.days[::WEEK]

    def before(self, days: int) -> date:
        """The date so many days before the latest."""
        return self.last - timedelta(days=days)


def read_dates(database: Database) -> ReportDates | None:
    """The dates to show; None where there are no rows yet."""
    last = database.run_reading(
        lambda connection: connection.execute(select(func.max(tables.daily_market.c.date))).scalar_one()
    )
    return ReportDates(last) if last else None
