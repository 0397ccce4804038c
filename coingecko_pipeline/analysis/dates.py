"""The whole market at one date: its values, and which coins there were."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Column, ColumnElement, Connection, and_, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.currencies import is_dollar, no_rate, read_rates
from coingecko_pipeline.analysis.errors import NothingStored
from coingecko_pipeline.analysis.moments import Day, to_date
from coingecko_pipeline.analysis.opening import reading
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.loading import to_frame
from coingecko_pipeline.warehouse.reading import selected

VALUES = ("price", "volume_24h", "market_cap")


def at(day: Day, *, currency: str = "usd", arrow: bool = False, database: Database | str | None = None) -> Any:
    """The values of every coin at 00:00:00 UTC of a date.

    Args:
        day: The date.
        currency: Another one than the dollar.
        arrow: An Arrow table instead of a frame, for polars and DuckDB.
        database: Another one than DATABASE_URL names.

    Returns:
        A frame by asset_id with price, volume_24h, market_cap, source and observed_at, the largest coin first.

    Raises:
        InvalidQuestion: The date is none, or the currency is unknown.
        NothingStored: The date has no row, or no rate.
        WarehouseError: The database cannot be read.
    """
    market = tables.daily_market.c
    return _frame_of(_read(to_date(day), [market.source, market.observed_at], currency, database), arrow)


def universe(day: Day, *, currency: str = "usd", arrow: bool = False, database: Database | str | None = None) -> Any:
    """The coins that there were at a date, those included that are gone since.

    Args:
        day: The date.
        currency: As in `at`.
        arrow: As in `at`.
        database: As in `at`.

    Returns:
        A frame by asset_id, the largest coin first, with

        - `rank`: by market cap among the coins that are not rehypothecated; NA without a cap, and of a stale row;
        - `rank_with_rehypothecated`: among all of them;
        - `is_rehypothecated`: whether it stands for others that are counted already: wrapped, staked or bridged. For
          dates before the first snapshot it is the class that this told;
        - price, volume_24h, market_cap, source, observed_at: as in `at`;
        - symbol, name: the latest ones;
        - `is_gone`, `last_seen_on`: whether it has left the list since, and the latest list that had it.

    Raises:
        InvalidQuestion: As in `at`.
        NothingStored: As in `at`.
        WarehouseError: The database cannot be read.
    """
    market, assets, twice = tables.daily_market.c, tables.assets.c, tables.rehypothecated_assets.c
    columns = [market.source, market.observed_at, assets.symbol, assets.name, assets.is_active, assets.last_seen_on]
    frame = _read(to_date(day), columns, currency, database, twice.first_on)
    frame["is_rehypothecated"] = frame.pop("first_on").notna()
    frame["is_gone"] = ~frame.pop("is_active").astype(bool)
    is_ranked = (frame["market_cap"] > 0) & (frame["source"] != tables.STALE)
    # The rows come in the order of their size.
    frame["rank_with_rehypothecated"] = is_ranked.cumsum().astype("Int64").where(is_ranked)
    is_own = is_ranked & ~frame["is_rehypothecated"]
    frame["rank"] = is_own.cumsum().astype("Int64").where(is_own)
    order = ["rank", "rank_with_rehypothecated", "is_rehypothecated", *VALUES]
    return _frame_of(frame[["asset_id", *order, *(name for name in frame if name not in ("asset_id", *order))]], arrow)


def _read(
    day: date,
    columns: Sequence[Column[Any]],
    currency: str,
    database: Database | str | None,
    class_since: Column[Any] | None = None,
) -> pd.DataFrame:
    market = tables.daily_market.c
    wanted = [market.asset_id, *(market[f"{name}_usd"] for name in VALUES), *columns]
    source: Any = tables.daily_market.outerjoin(tables.assets, tables.assets.c.asset_id == market.asset_id)
    if class_since is not None:
        wanted.append(class_since)
        source = source.outerjoin(tables.rehypothecated_assets, _is_class_of(day))
    query = select(*map(selected, wanted)).select_from(source).where(market.date == day)

    def read(connection: Connection) -> pd.DataFrame:
        rows = connection.execute(query).fetchall()
        if not rows:
            raise NothingStored(_what_there_is(connection, day))
        frame = to_frame(wanted, rows, outer_join=True).rename(columns={f"{name}_usd": name for name in VALUES})
        if not is_dollar(currency):
            rate = read_rates(connection, currency, day, day).get(day)
            if rate is None:
                raise no_rate(currency, day, day)
            frame[list(VALUES)] /= rate
        return frame

    with reading(database) as open_database:
        frame = open_database.run_reading(read)
    largest_first = np.lexsort((frame["asset_id"], -frame["market_cap"].fillna(-1.0)))
    return frame.iloc[largest_first].reset_index(drop=True)


def _is_class_of(day: date) -> ColumnElement[bool]:
    twice = tables.rehypothecated_assets.c
    return and_(twice.asset_id == tables.daily_market.c.asset_id, twice.first_on <= day, twice.last_on >= day)


def _frame_of(frame: pd.DataFrame, arrow: bool) -> Any:
    return pa.Table.from_pandas(frame, preserve_index=False) if arrow else frame.set_index("asset_id")


def _what_there_is(connection: Connection, day: date) -> str:
    market = tables.daily_market.c
    first, last = connection.execute(select(func.min(market.date), func.max(market.date))).one()
    there = f"it has rows from {first} to {last}" if first else "it is empty: coingecko-pipeline daily fills it"
    return f"daily_market has no row of {day}; {there}"
