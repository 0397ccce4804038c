"""Every query of the SQL cookbook on a year of 17,400 coins.

python -m benchmarks.cookbook --url mysql+pymysql://root@127.0.0.1:33306/bench_market
"""

import argparse
import re
import statistics
import time
from datetime import UTC, date, datetime, timedelta

import pandas as pd
from sqlalchemy import delete, func, select, update

from benchmarks.export import filled
from benchmarks.filled_market import COINS, DAYS, FIRST, ids_of
from coingecko_pipeline import tables
from coingecko_pipeline.measures import ALWAYS, DAILY_RETURNS, GLOBAL_MARKET_DAILY, WEEKLY_MARKET, follow_market
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.cookbook_page import recipes

LATEST_OF_PAGE = date(2026, 11, 8)
"""The latest date that the page's queries name; it becomes the market's last."""
ROUNDS = 3
GONE_EVERY = 20
"""One coin of so many left the list."""
RENAMED_EVERY = 50
"""One coin of so many has another name since."""
TETHER_ON_ETHEREUM = "0xdac17f958d2ee523a2206206994597c13d831ec7"
"""The address that the page asks for."""
LISTED_EVERY = 35
"""One coin of so many was listed in the month that the page asks for: some 500, as in real months."""


def fill_lists(database: Database, ids: list[str], last: date) -> None:
    """Fill the tables of lists: what was listed, what is gone, contract addresses, a month of calls."""
    with database.transaction() as connection:
        gone = ", ".join(f"'{coin}'" for coin in ids[GONE_EVERY - 1 :: GONE_EVERY])
        connection.exec_driver_sql(f"UPDATE assets SET is_active = asset_id NOT IN ({gone})")
    listed = pd.DataFrame({"asset_id": ids[LISTED_EVERY - 1 :: LISTED_EVERY], "seen_on": last - timedelta(days=20)})
    renamed = pd.DataFrame({"asset_id": ids[RENAMED_EVERY - 1 :: RENAMED_EVERY], "seen_on": last - timedelta(days=40)})
    changes = pd.concat(
        [
            listed.assign(change="listed", old_value=None, new_value=None),
            renamed.assign(change="renamed", old_value="Before", new_value="After"),
        ]
    )
    ethereum = [TETHER_ON_ETHEREUM, *(f"0x{number:040x}" for number in range(1, len(ids)))]
    addresses = [f'{{"ethereum": "{address}", "solana": "{number:044d}"}}' for number, address in enumerate(ethereum)]
    received = pd.DataFrame({"asset_id": ids, "symbol": ids, "name": ids, "platforms": addresses})
    received["fetched_at"] = pd.Timestamp(datetime.now(UTC))
    days = [last - timedelta(days=number) for number in range(31)]
    usage = pd.DataFrame({"day": days, "plan": "demo", "endpoint": "coins/markets", "calls": 70, "credits": 70})
    for table, rows in (
        (tables.asset_changes, changes),
        (tables.raw_asset_list, received),
        (tables.api_usage, usage),
    ):
        TableWriter(database, table).replace([to_arrow(table, rows)])


def plant_findings(database: Database, ids: list[str], last: date) -> None:
    """A day on which ten volumes jump, and a coin that lacks three days: the market is filled again the next time."""
    market = tables.daily_market
    lacking = market.c.date.between(last - timedelta(days=60), last - timedelta(days=58))
    with database.transaction() as connection:
        connection.execute(
            update(market)
            .where(market.c.date == last, market.c.asset_id.in_(ids[10:20]))
            .values(volume_24h_usd=market.c.volume_24h_usd * 20)
        )
        connection.execute(delete(market).where(market.c.asset_id == ids[3], lacking))


def fill_measures(database: Database, last: date) -> None:
    """Fill the tables that are computed from the daily market, unless they are."""
    with database.connect() as connection:
        if connection.execute(select(func.max(tables.daily_returns.c.date))).scalar_one() == last:
            return
    for derived in (WEEKLY_MARKET, GLOBAL_MARKET_DAILY, DAILY_RETURNS):
        follow_market(database, derived, datetime.now(UTC), rebuild=ALWAYS)


def as_asked_here(query: str, last: date) -> str:
    """A query of the page about this market: its dates moved, and the one coin that is not here replaced."""

    def moved(found: re.Match[str]) -> str:
        return f"'{last - (LATEST_OF_PAGE - date.fromisoformat(found[1]))}'"

    return re.sub(r"'(\d{4}-\d\d-\d\d)'", moved, query).replace("'dogecoin'", "'coin-3'")


def main() -> None:
    """Print the seconds of each query."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--url", required=True, help="a MySQL database, dropped and filled unless it has just these rows"
    )
    parser.add_argument("--coins", type=int, default=COINS)
    parser.add_argument("--days", type=int, default=DAYS)
    arguments = parser.parse_args()
    database = filled(arguments.url, arguments.coins, arguments.days)
    last = FIRST + timedelta(days=arguments.days - 1)
    fill_lists(database, ids_of(arguments.coins), last)
    plant_findings(database, ids_of(arguments.coins), last)
    fill_measures(database, last)
    print(f"\n{arguments.coins * arguments.days:,} rows, the first run and the median of {ROUNDS}:\n")
    print("| question | rows | first (s) | median (s) |\n|---|---:|---:|---:|")
    for number, recipe in recipes().items():
        query = as_asked_here(recipe.query, last).replace("%", "%%")
        took: list[float] = []
        with database.connect() as connection:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                rows = len(connection.exec_driver_sql(query).all())
                took.append(time.perf_counter() - began)
        print(f"| {number}. {recipe.question} | {rows:,} | {took[0]:.2f} | {statistics.median(took):.2f} |", flush=True)


if __name__ == "__main__":
    main()
