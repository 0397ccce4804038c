"""A daily market of every coin, to measure on: 17,400 coins of 365 days are 6,351,000 rows.

python -m benchmarks.filled_market --url mysql+pymysql://root@127.0.0.1:33306/bench_market [--lives]

With `--lives` the coins are born one after another since 2013, as the real ones were: some 30,000,000 rows.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd

from benchmarks.databases import fresh_database
from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Between, Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter

FIRST = date(2025, 1, 1)
DAYS = 365
COINS = 17_400

BEST_KNOWN = ("bitcoin", "ethereum", "tether")
"""The ids of the largest coins; the others are `coin-3` and so on, the larger ones first."""

SEED = 20_250_101
INDEX = next(iter(tables.daily_market.indexes))


SINCE = date(2013, 4, 28)
"""CoinGecko's first date."""
LIFE_EXPONENT = 1.686
"""Of a number u between 0 and 1, u to this power is a coin's share of the days since 2013: 0.37 of them on average."""


def fill_market(
    database: Database, coins: int = COINS, days: int = DAYS, first: date = FIRST, *, lives: bool = False
) -> int:
    """Fill the empty tables `assets` and `daily_market` and return the number of rows of the latter.

    Each coin has a row for every date from its birth on, which is the first date where the coins have no lives. Its
    price is a random walk, its market cap falls with its rank as in the real market, and a fifth of the coins has none,
    as there. The same arguments give the same rows.

    Args:
        database: Migrated; `daily_market` is empty.
        coins: How many.
        days: Dates of each coin.
        first: The first date.
        lives: Whether the coins are born one after another.
    """
    ids = ids_of(coins)
    last = first + timedelta(days=days - 1)
    asset_list = pd.DataFrame(
        {"asset_id": ids, "symbol": ids, "name": ids, "first_seen_on": first, "last_seen_on": last, "is_active": True}
    )
    TableWriter(database, tables.assets).replace([to_arrow(tables.assets, asset_list)])
    writer = TableWriter(database, tables.daily_market)
    with database.transaction() as connection:
        INDEX.drop(connection)  # made at once at the end, it takes a third of the time
    shares = np.random.default_rng(SEED + 1).uniform(size=coins) ** LIFE_EXPONENT if lives else np.ones(coins)
    born = dict(zip(ids, days - np.ceil(shares * days), strict=True))
    rows = 0
    for number, (day, whole) in enumerate(days_of_market(ids, days, first)):
        frame = whole[whole["asset_id"].map(born) <= number] if lives else whole
        writer.replace([to_arrow(tables.daily_market, frame)], [Between("date", day, day + timedelta(days=1))])
        rows += len(frame)
    with database.transaction() as connection:
        INDEX.create(connection)
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE TABLE daily_market")
    return rows


def ids_of(coins: int) -> list[str]:
    """The ids, the largest coin first."""
    return [*BEST_KNOWN, *(f"coin-{rank}" for rank in range(len(BEST_KNOWN), coins))][:coins]


def days_of_market(ids: list[str], days: int, first: date) -> Iterator[tuple[date, pd.DataFrame]]:
    """Each date with its frame, in the order of the table's key."""
    rng = np.random.default_rng(SEED)
    coins = len(ids)
    rank = np.arange(1, coins + 1)
    supply = 10.0 ** rng.uniform(5, 14, coins)
    daily_move = rng.uniform(0.01, 0.08, coins)
    log_price = np.log(2e12 / rank**1.5 / supply)
    turnover = rng.uniform(0.001, 0.2, coins)
    without_cap = (rank % 5 == 0) & (rank > len(BEST_KNOWN))
    order = np.argsort(np.array(ids, dtype=object))
    for number in range(days):
        day = first + timedelta(days=number)
        price = np.exp(log_price)
        frame = pd.DataFrame(
            {
                "date": day,
                "asset_id": ids,
                "price_usd": price,
                "volume_24h_usd": price * supply * turnover * rng.uniform(0.5, 1.5, coins),
                "market_cap_usd": np.where(without_cap, np.nan, price * supply),
                "source": tables.CHART,
                "observed_at": pd.Timestamp(day, tz="UTC"),
            }
        )
        yield day, frame.iloc[order].reset_index(drop=True)
        log_price = log_price + rng.normal(size=coins) * daily_move


def main() -> None:
    """Fill a database that is dropped and created."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, default=COINS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--lives", action="store_true", help="coins born one after another since 2013")
    arguments = parser.parse_args()
    database = fresh_database(arguments.url)
    began = time.perf_counter()
    last = FIRST + timedelta(days=arguments.days - 1)
    first = SINCE if arguments.lives else FIRST
    rows = fill_market(database, arguments.coins, (last - first).days + 1, first, lives=arguments.lives)
    print(f"{rows:,} rows in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
