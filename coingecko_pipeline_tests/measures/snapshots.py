"""Whole rows of the markets, planted beside a daily market."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database

Row = Mapping[str, Any]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def market_row(day: date, coin: str, price: float | None, **others: Any) -> dict[str, Any]:
    """A row of daily_market as a chart gives it, with nothing odd about it."""
    cap = None if price is None else price * 1000
    row = {
        "date": day,
        "asset_id": coin,
        "price_usd": price,
        "volume_24h_usd": None if price is None else price * 10,
        "market_cap_usd": cap,
        "source": tables.CHART,
        "observed_at": midnight(day),
    }
    return {**row, **others}


def snapshot_row(day: date, coin: str, low: float | None, high: float | None, **others: Any) -> dict[str, Any]:
    """A row of market_snapshots, answered minutes after midnight."""
    row = {
        "date": day,
        "asset_id": coin,
        "low_24h_usd": low,
        "high_24h_usd": high,
        "circulating_supply": 1000.0,
        "last_updated_at": midnight(day) + timedelta(minutes=1),
        "answered_at": midnight(day) + timedelta(minutes=5),
    }
    return {**row, **others}


def put(database: Database, market: Iterable[Row] = (), snapshots: Iterable[Row] = ()) -> None:
    """Store rows."""
    with database.transaction() as connection:
        for table, rows in ((tables.daily_market, list(market)), (tables.market_snapshots, list(snapshots))):
            if rows:
                connection.execute(insert(table), rows)
