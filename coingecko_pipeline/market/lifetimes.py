"""From which date to which each coin has rows, and so which coins should have one on a date."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from datetime import date, timedelta

from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.warehouse import Database


def read_lifetimes(warehouse: Database) -> dict[str, DateRange]:
    """The first and the last date with a row, by coin."""
    market = tables.daily_market
    # MySQL answers this from the two ends of each coin in the index, without reading what lies between.
    query = select(market.c.asset_id, func.min(market.c.date), func.max(market.c.date)).group_by(market.c.asset_id)
    rows = warehouse.run_reading(lambda connection: connection.execute(query).all())
    return {coin: DateRange(first, last) for coin, first, last in rows}


def living_by_date(lifetimes: Mapping[str, DateRange], dates: DateRange) -> Iterator[tuple[date, Set[str]]]:
    """Each date of a range with the coins that have rows both on or before it and on or after it.

    The set is the same one for all dates, brought up to date for each: use it before the next date is taken.
    """
    begins, ends = defaultdict(list), defaultdict(list)
    for coin, lifetime in lifetimes.items():
        begins[lifetime.first].append(coin)
        ends[lifetime.last].append(coin)
    living = {coin for coin, lifetime in lifetimes.items() if lifetime.first < dates.first <= lifetime.last}
    for offset in range((dates.last - dates.first).days + 1):
        day = dates.first + timedelta(days=offset)
        living.update(begins.get(day, ()))
        yield day, living
        living.difference_update(ends.get(day, ()))
