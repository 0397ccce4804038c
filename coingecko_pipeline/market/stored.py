"""Rows of daily_market out of the database, by coin, as arrays."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import EPOCH
from coingecko_pipeline.market.rows import MICROSECONDS, VALUE_COLUMNS, MarketRows


def read_rows(
    connection: Connection, coin_ids: Sequence[str], first: date | None = None, last: date | None = None
) -> dict[str, MarketRows]:
    """The stored rows of some coins, by coin; coins without any are left out.

    Args:
        connection: Reads.
        coin_ids: The coins; their rows have to fit into memory.
        first: The first date; None for all.
        last: The last date; None for all.
    """
    market = tables.daily_market
    if connection.dialect.name == "sqlite":
        # SQLite's own arithmetic of moments loses the microseconds.
        day: ColumnElement[Any] = market.c.date
        moment: ColumnElement[Any] = market.c.observed_at
    else:
        # Numbers: the driver makes dates one by one, which takes as long as the rest of the row.
        day = func.to_days(market.c.date)
        moment = func.timestampdiff(literal_column("MICROSECOND"), market.c.date, market.c.observed_at)
    query = select(
        market.c.asset_id, day, *(market.c[column] for column in VALUE_COLUMNS), market.c.source, moment
    ).where(market.c.asset_id.in_(coin_ids))
    if first is not None:
        query = query.where(market.c.date >= first)
    if last is not None:
        query = query.where(market.c.date <= last)
    rows = connection.execute(query.order_by(market.c.asset_id, market.c.date)).all()
    return {coin: _arrays(list(of_coin)) for coin, of_coin in groupby(rows, key=itemgetter(0))}


TO_DAYS_OF_1970 = 719_528
"""MySQL's TO_DAYS of 1970-01-01."""


def _arrays(rows: Sequence[Sequence[Any]]) -> MarketRows:
    _, days, *values, sources, moments = zip(*rows, strict=True)
    if isinstance(days[0], date):
        numbers = np.array([day.toordinal() - EPOCH for day in days], dtype=np.int64)
        seconds = np.array([_seconds(day, at) for day, at in zip(days, moments, strict=True)], dtype=np.float64)
    else:
        numbers = np.array(days, dtype=np.int64) - TO_DAYS_OF_1970
        seconds = np.array(moments, dtype=np.float64) / MICROSECONDS
    return MarketRows(
        numbers,
        seconds,
        {column: np.array(cells, dtype=np.float64) for column, cells in zip(VALUE_COLUMNS, values, strict=True)},
        np.array([source == tables.CHART for source in sources], dtype=np.bool_),
    )


def _seconds(day: date, moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment - datetime(day.year, day.month, day.day, tzinfo=moment.tzinfo)).total_seconds()
