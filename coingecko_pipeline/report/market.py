"""The coins and their numbers: a year by weeks of every coin, and by days of the largest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.report.dates import CHANGES, DAYS, ReportDates
from coingecko_pipeline.warehouse import Between, Database, OneOf, read_frame

DETAILED = 500
"""Coins whose every date is shown: the largest by market cap. Their year takes about a sixth of the file."""
CHUNK_COINS = 50
"""Coins that are read at once: 18,250 rows."""

MEASURES = ("price_usd", "volume_24h_usd", "market_cap_usd")

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Coin:
    """One coin that was ever listed.

    Attributes:
        asset_id: CoinGecko's id.
        symbol: Its latest ticker symbol.
        name: Its latest name.
        left_on: The date of the latest list that had it, where the latest list of all has it no more.
    """

    asset_id: str
    symbol: str
    name: str
    left_on: date | None


@dataclass(frozen=True)
class Market:
    """The numbers of a report; rows are coins, NaN where a number is not known.

    Attributes:
        dates: The dates.
        coins: Every coin, the largest market cap of the latest date first, those without one last.
        latest: Price, volume and market cap (US dollars) on the latest date, by column name: one number a coin.
        earlier: The price so many days before the latest date, by days.
        weekly: The three on every seventh date, by column name: coins by weeks.
        daily: The three on every date, by column name: the first coins by days.
    """

    dates: ReportDates
    coins: Sequence[Coin]
    latest: dict[str, Matrix]
    earlier: dict[int, Matrix]
    weekly: dict[str, Matrix]
    daily: dict[str, Matrix]

    def growth(self, days: int) -> Matrix:
        """The latest price as a multiple of the one so many days before: one number a coin."""
        before = self.earlier[days]
        return np.divide(self.latest["price_usd"], before, where=before > 0, out=np.full_like(before, np.nan))


def read_market(database: Database, dates: ReportDates) -> Market:
    """Read the coins and their numbers, a date or some coins at a time.

    Args:
        database: The warehouse.
        dates: The dates to show.
    """
    latest = read_date(database, dates.last)
    coins = _ranked(_read_coins(database), latest)
    index = pd.Index([coin.asset_id for coin in coins])
    weekly = _empty(len(coins), len(dates.weeks))
    for column, day in enumerate(dates.weeks):
        points = latest if day == dates.last else read_date(database, day)
        _fill(weekly, index, points, column)
    return Market(
        dates=dates,
        coins=coins,
        latest={measure: numbers[:, -1] for measure, numbers in weekly.items()},
        earlier={days: _prices(database, index, dates.before(days)) for days in CHANGES},
        weekly=weekly,
        daily=_read_daily(database, dates, index[:DETAILED]),
    )


def read_date(database: Database, day: date) -> pd.DataFrame:
    """Id, price, volume and market cap of every coin that has a row on a date."""
    return read_frame(
        database,
        tables.daily_market,
        columns=("asset_id", *MEASURES),
        conditions=[Between("date", day, day + timedelta(days=1))],
    )


def _read_coins(database: Database) -> list[Coin]:
    assets = tables.assets.c
    query = select(assets.asset_id, assets.symbol, assets.name, assets.is_active, assets.last_seen_on)
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    return [Coin(row.asset_id, row.symbol, row.name, None if row.is_active else row.last_seen_on) for row in rows]


def _ranked(coins: Sequence[Coin], latest: pd.DataFrame) -> list[Coin]:
    """The coins by market cap; equal ones, and those without one, by name."""
    market_caps = dict(zip(latest["asset_id"], latest["market_cap_usd"].fillna(-1.0), strict=True))

    def rank(coin: Coin) -> tuple[float, str, str]:
        return -market_caps.get(coin.asset_id, -1.0), coin.name.casefold(), coin.asset_id

    return sorted(coins, key=rank)


def _read_daily(database: Database, dates: ReportDates, coins: "pd.Index[Any]") -> dict[str, Matrix]:
    numbers = _empty(len(coins), DAYS)
    first = np.datetime64(dates.first)
    for chunk in _chunks(coins):
        rows = read_frame(
            database,
            tables.daily_market,
            columns=("date", "asset_id", *MEASURES),
            conditions=[
                OneOf("asset_id", tuple(chunk)),
                Between("date", dates.first, dates.last + timedelta(days=1)),
            ],
        )
        row = coins.get_indexer(pd.Index(rows["asset_id"]))
        column = (rows["date"].to_numpy().astype("datetime64[D]") - first).astype(int)
        for measure, values in numbers.items():
            values[row, column] = rows[measure].to_numpy()
    return numbers


def _chunks(coins: "pd.Index[Any]") -> Iterator["pd.Index[Any]"]:
    for first in range(0, len(coins), CHUNK_COINS):
        yield coins[first : first + CHUNK_COINS]


def _prices(database: Database, index: "pd.Index[Any]", day: date) -> Matrix:
    numbers = _empty(len(index), 1)
    _fill(numbers, index, read_date(database, day), 0)
    return numbers["price_usd"][:, 0]


def _empty(rows: int, columns: int) -> dict[str, Matrix]:
    return {measure: np.full((rows, columns), np.nan) for measure in MEASURES}


def _fill(numbers: dict[str, Matrix], index: "pd.Index[Any]", points: pd.DataFrame, column: int) -> None:
    row = index.get_indexer(pd.Index(points["asset_id"]))
    # A coin that a run lists while the report is made has a row before the report knows it.
    known = row >= 0
    for measure, values in numbers.items():
        values[row[known], column] = points[measure].to_numpy()[known]
