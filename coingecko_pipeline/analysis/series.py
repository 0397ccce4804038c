"""One quantity of some coins as a frame of dates by coins."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Column, Connection, Table, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.coins import in_parts, known_ids
from coingecko_pipeline.analysis.currencies import is_dollar, no_rate, read_rates
from coingecko_pipeline.analysis.errors import InvalidQuestion, NothingStored
from coingecko_pipeline.analysis.moments import Day, to_range
from coingecko_pipeline.analysis.opening import reading
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.reading import as_stored, comparable, selected

Coins = str | Sequence[str]
"""The ids of some coins, or of one."""

SUPPLIES = ("circulating", "total", "max")
"""The kinds of supply that CoinGecko tells."""


def prices(
    coins: Coins,
    first: Day | None = None,
    last: Day | None = None,
    *,
    currency: str = "usd",
    arrow: bool = False,
    database: Database | str | None = None,
) -> Any:
    """The prices of some coins at 00:00:00 UTC of each date.

    Args:
        coins: Their ids.
        first: The first date; by default the coins' first.
        last: The last one, included; by default their last.
        currency: Another one than the dollar, by the rates of fx_rates.
        arrow: An Arrow table with a column `date` and one for each coin, for polars and DuckDB.
        database: Another one than DATABASE_URL names.

    Returns:
        A pandas frame of dates by coins, in the order in which they were asked for. No date is left out between the
        first and the last that has a row; NaN is what is not known: a hole, or a coin that was not there.

    Raises:
        InvalidQuestion: A coin or a currency is unknown, a date is none, or the dates are in the wrong order.
        NothingStored: No row is of these coins and dates, or a date with values has no rate.
        WarehouseError: The database cannot be read.
    """
    return _series(tables.daily_market.c.price_usd, coins, first, last, currency, arrow, database)


def volumes(
    coins: Coins,
    first: Day | None = None,
    last: Day | None = None,
    *,
    currency: str = "usd",
    arrow: bool = False,
    database: Database | str | None = None,
) -> Any:
    """The trading volumes of the 24 hours before 00:00:00 UTC of each date; otherwise as `prices`."""
    return _series(tables.daily_market.c.volume_24h_usd, coins, first, last, currency, arrow, database)


def caps(
    coins: Coins,
    first: Day | None = None,
    last: Day | None = None,
    *,
    currency: str = "usd",
    arrow: bool = False,
    database: Database | str | None = None,
) -> Any:
    """The market caps at 00:00:00 UTC of each date; 0 is CoinGecko's own. Otherwise as `prices`."""
    return _series(tables.daily_market.c.market_cap_usd, coins, first, last, currency, arrow, database)


def supply(
    coins: Coins,
    first: Day | None = None,
    last: Day | None = None,
    *,
    kind: str = "circulating",
    arrow: bool = False,
    database: Database | str | None = None,
) -> Any:
    """How many coins there are, as the snapshot of each date told it; of dates without a snapshot nothing is known.

    Args:
        coins: Their ids.
        first: The first date; by default the coins' first snapshot.
        last: The last one, included.
        kind: `circulating`, `total` or `max`, the most that there can be.
        arrow: As in `prices`.
        database: As in `prices`.

    Returns:
        As `prices` (coins).

    Raises:
        InvalidQuestion: As in `prices`, or there is no such kind.
        NothingStored: No snapshot is of these coins and dates.
        WarehouseError: The database cannot be read.
    """
    if kind not in SUPPLIES:
        raise InvalidQuestion(f"there is no supply {kind!r}; there are {', '.join(SUPPLIES)}")
    name = f"{kind}_supply"
    return _series(tables.market_snapshots.c[name], coins, first, last, "usd", arrow, database)


def _series(
    column: Column[Any],
    coins: Coins,
    first: Day | None,
    last: Day | None,
    currency: str,
    arrow: bool,
    database: Database | str | None,
) -> Any:
    dates = to_range(first, last)
    with reading(database) as open_database:

        def read(connection: Connection) -> tuple[list[str], Any, Any]:
            ids = known_ids(connection, coins)
            days, values = _matrix(connection, column, ids, dates)
            if not is_dollar(currency):
                values = values / _rates(connection, currency, days, ~np.isnan(values).all(axis=1))[:, None]
            return ids, days, values

        ids, days, values = open_database.run_reading(read)
    if arrow:
        arrays = [pa.array(days), *(pa.array(column, from_pandas=True) for column in values.T)]
        return pa.Table.from_arrays(arrays, names=["date", *ids])
    index = pd.DatetimeIndex(days, name="date", freq="D")
    return pd.DataFrame(values, index=index, columns=pd.Index(ids, name="asset_id"), copy=False)


def _matrix(
    connection: Connection, column: Column[Any], ids: Sequence[str], dates: tuple[date, date]
) -> tuple[Any, Any]:
    """The dates from the first to the last with a row, and the values by date and coin."""
    table = column.table.c
    parts: list[Any] = []
    for part in in_parts(ids):
        # Three columns of an index, without an order that the server would have to make.
        query = select(selected(table.date), table.asset_id, column).where(
            table.asset_id.in_(part), comparable(table.date).between(*map(as_stored, dates))
        )
        parts += connection.execute(query).fetchall()
    if not parts:
        raise NothingStored(_what_there_is(connection, column.table, ids, dates))
    texts, names, cells = zip(*parts, strict=True)
    found = np.array(texts, dtype="datetime64[D]")
    days = np.arange(found.min(), found.max() + 1)
    place = {asset_id: number for number, asset_id in enumerate(ids)}
    values = np.full((len(days), len(ids)), np.nan)
    values[(found - days[0]).astype(int), [place[name] for name in names]] = np.array(cells, dtype=np.float64)
    return days, values


def _rates(connection: Connection, currency: str, days: Any, is_needed: Any) -> Any:
    stored = read_rates(connection, currency, days[0].item(), days[-1].item())
    rates = np.array([stored.get(day, np.nan) for day in days.tolist()])
    lacking = days[np.isnan(rates) & is_needed]
    if len(lacking):
        raise no_rate(currency, lacking[0].item(), lacking[-1].item())
    return rates


def _what_there_is(connection: Connection, table: Any, ids: Sequence[str], dates: tuple[date, date]) -> str:
    assert isinstance(table, Table)  # noqa: S101 - of a declared column
    part = list(ids[:1_000])
    first, last = connection.execute(
        select(func.min(table.c.date), func.max(table.c.date)).where(table.c.asset_id.in_(part))
    ).one()
    coins = ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
    asked = " ".join(
        f"{word} {day}" for word, day in zip(("from", "to"), dates, strict=True) if day not in (date.min, date.max)
    )
    there = f"there are rows from {first} to {last}" if first else "none of them has a row"
    return f"{table.name} has no row of {coins} {asked}".rstrip() + f"; {there}"
