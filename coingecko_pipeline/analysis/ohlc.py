"""The candles of some coins."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Select, select

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.coins import in_parts, known_ids
from coingecko_pipeline.analysis.currencies import is_dollar, no_rate, read_rates
from coingecko_pipeline.analysis.errors import NothingStored
from coingecko_pipeline.analysis.moments import Day, to_range
from coingecko_pipeline.analysis.opening import reading
from coingecko_pipeline.analysis.series import Coins
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.loading import to_frame
from coingecko_pipeline.warehouse.reading import as_stored, comparable, selected

PRICES = ("open", "high", "low", "close")


def candles(
    coins: Coins,
    first: Day | None = None,
    last: Day | None = None,
    *,
    currency: str = "usd",
    arrow: bool = False,
    database: Database | str | None = None,
) -> Any:
    """The open, high, low and close of some coins on each day, from its 00:00 to its 24:00 UTC.

    Args:
        coins: Their ids.
        first: The first day; by default all.
        last: The last one, included.
        currency: Another one than the dollar: all four by the rate of the midnight that begins the day.
        arrow: An Arrow table instead of a frame, for polars and DuckDB.
        database: Another one than DATABASE_URL names.

    Returns:
        A frame by date and asset_id with open, high, low, close and `quality`, which tells whether open and close lie
        between low and high. A day without a snapshot at its end has no candle.

    Raises:
        InvalidQuestion: A coin or a currency is unknown, a date is none, or the dates are in the wrong order.
        NothingStored: No candle is of these coins and days, or a day has no rate.
        WarehouseError: The database cannot be read.
    """
    table = tables.daily_candles
    begin, end = map(as_stored, to_range(first, last))
    columns = [table.c.date, table.c.asset_id, *(table.c[f"{name}_usd"] for name in PRICES), table.c.quality]

    def rows_of(ids: list[str]) -> Select[Any]:
        chosen = table.c.asset_id.in_(ids), comparable(table.c.date).between(begin, end)
        return select(*map(selected, columns)).where(*chosen).order_by(table.c.date, table.c.asset_id)

    with reading(database) as open_database:

        def read(connection: Connection) -> pd.DataFrame:
            ids = known_ids(connection, coins)
            rows = [row for part in in_parts(ids) for row in connection.execute(rows_of(list(part)))]
            if not rows:
                raise NothingStored(
                    "daily_candles has no row of these coins and days: a candle is made from the snapshot at the "
                    "midnight that ends its day"
                )
            frame = to_frame(columns, rows).rename(columns={f"{name}_usd": name for name in PRICES})
            return frame if is_dollar(currency) else _converted(connection, frame, currency)

        frame = open_database.run_reading(read).sort_values(["date", "asset_id"], ignore_index=True)
    if arrow:
        found = pa.Table.from_pandas(frame, preserve_index=False)
        return found.set_column(0, "date", found["date"].cast(pa.date32()))
    return frame.set_index(["date", "asset_id"])


def _converted(connection: Connection, frame: pd.DataFrame, currency: str) -> pd.DataFrame:
    days = frame["date"].to_numpy().astype("datetime64[D]")
    rates = read_rates(connection, currency, days.min().item(), days.max().item())
    by_row = np.array([rates.get(day, np.nan) for day in days.tolist()])
    if lacking := days[np.isnan(by_row)].tolist():
        raise no_rate(currency, min(lacking), max(lacking))
    return frame.assign(**{name: frame[name] / by_row for name in PRICES})
