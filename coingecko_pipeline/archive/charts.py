"""Charts as they were received: what was paid for once is read from here for ever after."""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import Coverage
from coingecko_pipeline.sources.coingecko import ChartAnswer
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.responses import CHART_SERIES, MILLISECONDS_PER_DAY
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.reading import as_stored
from coingecko_pipeline.warehouse.upsert import upsert_rows

READ_CHARTS = 50
"""Charts read in one statement: some 20 kB each, so about 1 MB."""


class ChartArchive:
    """The latest chart of each coin, byte for byte as received, compressed with zlib.

    Args:
        database: Where the table raw_market_charts is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def coverage(self) -> dict[str, Coverage]:
        """The dates that each archived chart covers, by coin."""
        table = tables.raw_market_charts
        query = select(table.c.asset_id, table.c.covers_from, table.c.covers_to)
        rows = self._database.run_reading(lambda connection: connection.execute(query).all())
        return {coin_id: Coverage(first, last) for coin_id, first, last in rows}

    def storing(self, chart: ChartAnswer) -> Callable[[Connection], object]:
        """What stores a chart, to be done in a transaction; an older one than what is there changes nothing."""
        series = json.loads(chart.body)
        dates = midnight_points(series)["date"]
        row: dict[str, Any] = {
            "asset_id": chart.coin_id,
            "body": zlib.compress(chart.body),
            "fetched_at": chart.asked_at,
            "covers_from": chart.asked_at.date() - timedelta(days=chart.days - 1),
            "covers_to": latest_complete_date(chart.asked_at),
            "points": len(series["prices"]),
            "midnights": len(dates),
            "first_on": None if dates.empty else dates.iloc[0].date(),
            "last_on": None if dates.empty else dates.iloc[-1].date(),
        }
        table = tables.raw_market_charts
        values = tuple(as_stored(row[column.name]) for column in table.columns)
        statement = upsert_rows(table, self._database.kind)
        return lambda connection: connection.exec_driver_sql(statement, values)

    def read(self, coin_ids: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
        """The midnight points of archived charts, in the order asked for; coins that are not archived are left out."""
        for start in range(0, len(coin_ids), READ_CHARTS):
            group = coin_ids[start : start + READ_CHARTS]
            table = tables.raw_market_charts
            query = select(table.c.asset_id, table.c.body).where(table.c.asset_id.in_(group))
            bodies = self._database.run_reading(partial(_pairs, query=query))
            for coin_id in group:
                if coin_id in bodies:
                    yield coin_id, midnight_points(json.loads(zlib.decompress(bodies.pop(coin_id))))


def _pairs(connection: Connection, query: Select[tuple[str, bytes]]) -> dict[str, bytes]:
    return {row.asset_id: row.body for row in connection.execute(query)}


def midnight_points(chart: Mapping[str, Sequence[Sequence[float | None]]]) -> pd.DataFrame:
    """The points of a market chart that stand at exactly 00:00:00 UTC; every other point is left out.

    Returns:
        One row for each date, ascending: columns date (datetime64[s], midnight UTC without a zone), price_usd,
        volume_24h_usd and market_cap_usd (US dollars). A date that a series lacks has NaN there.
    """
    series = {column: _at_midnight(chart[name]) for column, name in CHART_SERIES.items()}
    days = series["price_usd"][0]
    if all(np.array_equal(days, other) for other, _ in series.values()):
        values = {column: numbers for column, (_, numbers) in series.items()}
    else:
        days = np.unique(np.concatenate([other for other, _ in series.values()]))
        values = {column: np.full(len(days), np.nan) for column in series}
        for column, (own, numbers) in series.items():
            values[column][np.searchsorted(days, own)] = numbers
    return pd.DataFrame({"date": days.astype("datetime64[D]").astype("datetime64[s]"), **values})


def _at_midnight(
    points: Sequence[Sequence[float | None]],
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Days since 1970 and values of one series' midnight points, ascending; of equal days the last one counts."""
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    table = table[table[:, 0] % MILLISECONDS_PER_DAY == 0]
    days = (table[:, 0] // MILLISECONDS_PER_DAY).astype(np.int64)
    if len(days) > 1 and not np.all(np.diff(days) > 0):
        days, last = np.unique(days[::-1], return_index=True)
        return days, table[::-1, 1][last]
    return days, table[:, 1]
