"""How many rows each date of the daily market has: from the global market, and counted where that has not followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import MAIN_SOURCE, changes_after, followed_number
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class RowsOfDate:
    """Rows of one date.

    Attributes:
        rows: All rows.
        exact: Those of charts.
    """

    rows: int
    exact: int


def count_by_date(database: Database) -> Mapping[date, RowsOfDate]:
    """The rows of each date that has some, ascending.

    `global_market_daily` has them of every date, so only the dates that changed since it followed are counted; all of
    them where it was never made.

    Args:
        database: Where the tables are.
    """
    followed = followed_number(database, tables.global_market_daily.name, MAIN_SOURCE)
    if followed is None:
        return _counted(database, None)
    whole = tables.global_market_daily
    query = select(whole.c.date, whole.c.coins, whole.c.coins_exact)
    found = {
        row.date: RowsOfDate(row.coins or 0, row.coins_exact or 0)
        for row in database.run_reading(lambda connection: connection.execute(query).all())
    }
    changes = changes_after(database, tables.daily_market.name, followed).changes
    changed = {
        change.first + timedelta(days=number)
        for change in changes
        for number in range((change.last - change.first).days + 1)
    }
    if changed:
        for day in changed:
            found.pop(day, None)
        found |= _counted(database, tables.daily_market.c.date.in_(sorted(changed)))
    return dict(sorted(found.items()))


def _counted(database: Database, which: ColumnElement[bool] | None) -> dict[date, RowsOfDate]:
    market = tables.daily_market
    query = select(market.c.date, func.count(), func.count(case((market.c.source == tables.CHART, 1)))).group_by(
        market.c.date
    )
    if which is not None:
        query = query.where(which)
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    return {day: RowsOfDate(count, exact) for day, count, exact in rows}
