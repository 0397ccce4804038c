"""How well a second source agrees with the prices, where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select

from coingecko_pipeline.report.dates import ReportDates
from coingecko_pipeline.tables.agreement import source_agreement
from coingecko_pipeline.warehouse import Database

LARGE_DIFFERENCE = 0.02
"""Two prices further apart than this, of 1, disagree: what different venues and moments explain is below it."""
SHOWN = 10


@dataclass(frozen=True)
class DayOfAgreement:
    """The two sources on one date.

    Attributes:
        day: The date.
        compared: Coins with a price in both.
        disagreeing: Those whose prices differ by more than 2 %.
        mean_difference: The mean of the differences' sizes, of 1.
    """

    day: date
    compared: int
    disagreeing: int
    mean_difference: float


@dataclass(frozen=True)
class Disagreement:
    """One coin of the latest compared date whose prices differ.

    Attributes:
        asset_id: CoinGecko's id.
        price_difference: Relative, of 1.
    """

    asset_id: str
    price_difference: float


@dataclass(frozen=True)
class Agreement:
    """The agreement of the sources.

    Attributes:
        days: Each date on which coins were compared, ascending.
        largest: The largest differences of the latest of them above 2 %, the largest first.
    """

    days: Sequence[DayOfAgreement]
    largest: Sequence[Disagreement]


def read_agreement(database: Database, dates: ReportDates) -> Agreement | None:
    """Read how far the prices are apart, added up by the database; None where no second source was compared.

    Args:
        database: The warehouse.
        dates: The dates to show.
    """
    table = source_agreement
    size = func.abs(table.c.price_difference)
    by_date = (
        select(table.c.date, func.count(size), func.count(case((size > LARGE_DIFFERENCE, 1))), func.avg(size))
        .where(table.c.date.between(dates.first, dates.last), table.c.price_difference.is_not(None))
        .group_by(table.c.date)
        .order_by(table.c.date)
    )
    days = [DayOfAgreement(*row) for row in database.run_reading(lambda connection: connection.execute(by_date).all())]
    if not days:
        return None
    largest = (
        select(table.c.asset_id, table.c.price_difference)
        .where(table.c.date == days[-1].day, size > LARGE_DIFFERENCE)
        .order_by(size.desc(), table.c.asset_id)
        .limit(SHOWN)
    )
    rows = database.run_reading(lambda connection: connection.execute(largest).all())
    return Agreement(days, [Disagreement(*row) for row in rows])
