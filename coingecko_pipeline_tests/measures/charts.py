"""A daily market of recorded charts, and of small ones that a test plants."""

import json
from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from coingecko_pipeline import tables
from coingecko_pipeline.sources.coingecko.charts import read_chart
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.recordings import load

RECORDED = ("binancecoin", "cardano", "ripple", "stellar", "tether")
"""Coins whose charts of 2023-08-15 reach five years back; tether lacks a day."""
VALUES = ["price_usd", "volume_24h_usd", "market_cap_usd"]


def recorded_market(first: date, last: date) -> dict[str, pd.DataFrame]:
    """The charts of the recorded coins between two dates, each with a row for every date, NaN where there is none."""
    days = pd.date_range(str(first), str(last), unit="s")
    return {coin: _recorded(coin).reindex(days) for coin in RECORDED}


def _recorded(coin: str) -> pd.DataFrame:
    points = read_chart(json.dumps(load(f"market_chart/2023-08-15/{coin}.json.gz")).encode())
    dates = pd.DatetimeIndex(points.days.astype("datetime64[D]").astype("datetime64[s]"))
    return pd.DataFrame({column: points.values[column] for column in VALUES}, index=dates)


def planted(first: date, prices: Iterable[float | None]) -> pd.DataFrame:
    """A chart of prices from a date on; None is a date without a row."""
    price = np.array([np.nan if value is None else value for value in prices], dtype=np.float64)
    days = pd.date_range(str(first), periods=len(price), unit="s")
    return pd.DataFrame({"price_usd": price, "volume_24h_usd": price * 10, "market_cap_usd": price * 1000}, days)


def store(database: Database, charts: Mapping[str, pd.DataFrame]) -> None:
    """Put charts into the daily market; a date without any value has no row."""
    writer = TableWriter(database, tables.daily_market)
    for coin, chart in charts.items():
        rows = chart.dropna(how="all").rename_axis("date").reset_index()
        rows["date"] = rows["date"].dt.date
        rows = rows.assign(asset_id=coin, source=tables.CHART, observed_at=pd.Timestamp("2026-01-01", tz="UTC"))
        writer.upsert(to_arrow(tables.daily_market, rows))


def stored(database: Database, table: Table, coin: str | None = None) -> pd.DataFrame:
    """The rows of a table in the order of their first column, which is the index; of one coin where one is named."""
    day = next(iter(table.columns))
    query = select(table).order_by(day)
    if coin is not None:
        query = query.where(table.c.asset_id == coin)
    with database.connect() as connection:
        frame = pd.DataFrame(connection.execute(query).mappings().all(), columns=table.columns.keys())
    frame = frame.set_index(pd.to_datetime(frame.pop(day.name)).astype("datetime64[s]"))
    return frame.drop(columns="asset_id", errors="ignore").astype(np.float64)


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same dates, the same NULLs, and values equal to 1e-9 of themselves."""
    assert list(found.index) == list(expected.index)
    for column in expected.columns:
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-9, atol=1e-15, err_msg=column)
