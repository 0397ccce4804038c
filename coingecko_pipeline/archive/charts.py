"""Charts as they were received: what was paid for once is read from here for ever after."""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import Coverage
from coingecko_pipeline.sources.coingecko import MarketChart
from coingecko_pipeline.sources.coingecko.responses import midnight_points
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

    def storing(self, chart: MarketChart) -> Callable[[Connection], object]:
        """What stores a chart, to be done in a transaction; an older one than what is there changes nothing."""
        dates = chart.midnights["date"]
        row: dict[str, Any] = {
            "asset_id": chart.coin_id,
            "body": zlib.compress(chart.body),
            "fetched_at": chart.fetched_at,
            "covers_from": chart.covers_from,
            "covers_to": chart.covers_to,
            "points": chart.points,
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
