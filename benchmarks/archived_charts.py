"""An archive of charts without any row written from it: what a migration or a crash leaves, at any size.

It is written into the tables of this version, or of the one before, whose archive keeps one chart a coin.
"""

import json
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, inspect, text

from coingecko_pipeline.warehouse import Database

SEED = 20_260_101
ANSWERS_WRITTEN = 200
MILLISECONDS_A_DAY = 86_400_000

NEW = """
INSERT INTO market_charts
    (asset_id, answered_at, days, outcome, body, first_on, last_on, midnights, dates, is_written)
VALUES (:asset_id, :answered_at, :days, 'values', :body, :first_on, :last_on, :midnights, :dates, FALSE)
"""
NEW_COVERAGE = """
INSERT INTO chart_coverage (asset_id, covered, points, outcome, answered_at, misses)
VALUES (:asset_id, :dates, :dates, 'values', :answered_at, 0)
"""
OLD = """
INSERT INTO raw_market_charts
    (asset_id, body, fetched_at, covers_from, covers_to, points, midnights, first_on, last_on)
VALUES (:asset_id, :body, :answered_at, :first_on, :last_on, :points, :midnights, :first_on, :last_on)
"""
LIST = """
INSERT INTO raw_asset_list (asset_id, symbol, name, platforms, fetched_at)
VALUES (:asset_id, :asset_id, :asset_id, '{}', :answered_at)
"""
COINS = """
INSERT INTO assets (asset_id, symbol, name, first_seen_on, last_seen_on, is_active)
VALUES (:asset_id, :asset_id, :asset_id, :first_on, :today, TRUE)
"""


def archive_charts(database: Database, coins: int, days: int, today: date) -> None:
    """Archive a chart of each coin, answered today at 01:00, with a value of each of the latest dates.

    Args:
        database: Migrated and empty.
        coins: How many.
        days: Dates of each, today's included.
        today: The day of the answers.
    """
    with database.connect() as connection:
        is_old = inspect(connection).has_table("raw_market_charts")
    batch: list[dict[str, Any]] = []
    for row in _rows(coins, days, today):
        batch.append(row)
        if len(batch) == ANSWERS_WRITTEN:
            _write(database, batch, is_old=is_old)
            batch = []
    if batch:
        _write(database, batch, is_old=is_old)


def _write(database: Database, batch: list[dict[str, Any]], *, is_old: bool) -> None:
    def write(connection: Connection) -> None:
        for statement in (LIST, COINS, OLD) if is_old else (LIST, COINS, NEW, NEW_COVERAGE):
            connection.execute(text(statement), batch)

    database.run_in_transaction(write)


def _rows(coins: int, days: int, today: date) -> Iterator[dict[str, Any]]:
    first = today - timedelta(days=days - 1)
    moment = datetime.combine(today, time(1), UTC)
    midnights = (np.arange(days) + (first - date(1970, 1, 1)).days) * MILLISECONDS_A_DAY
    stamps = [*midnights.tolist(), int(moment.timestamp() * 1000)]
    for number in range(coins):
        yield {
            "asset_id": f"coin-{number:05}",
            "answered_at": moment.replace(tzinfo=None),
            "days": days,
            "body": zlib.compress(body_of(number, stamps)),
            "first_on": first,
            "last_on": today,
            "midnights": days,
            "points": len(stamps),
            "dates": json.dumps([[str(first), str(today)]]),
            "today": today,
        }


def body_of(number: int, stamps: list[int]) -> bytes:
    """A coin's chart as CoinGecko answers it: a random walk, with doubles of every digit."""
    rng = np.random.default_rng([SEED, number])
    supply = 10.0 ** rng.uniform(5, 14)
    prices = np.exp(np.cumsum(rng.normal(size=len(stamps)) * 0.04)) * 2e12 / (number + 1) ** 1.5 / supply
    volumes = prices * supply * rng.uniform(0.01, 0.2, len(stamps))
    series = {"prices": prices, "market_caps": prices * supply, "total_volumes": volumes}
    points = {
        name: [list(pair) for pair in zip(stamps, values.tolist(), strict=True)] for name, values in series.items()
    }
    return json.dumps(points, separators=(",", ":")).encode()
