"""The export of all rows of a year's market beside a bare cursor's fetch of the same rows.

python -m benchmarks.export --url mysql+pymysql://root@127.0.0.1:33306/bench_market
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import pymysql
from pymysql.cursors import SSCursor
from sqlalchemy.exc import DBAPIError

from benchmarks.databases import fresh_database
from benchmarks.filled_market import COINS, DAYS, fill_market
from benchmarks.processes import PROGRAM, succeed
from coingecko_pipeline.export import FORMATS
from coingecko_pipeline.tables import daily_market
from coingecko_pipeline.warehouse import Database, WarehouseError

FETCH_ROWS = 10_000


def filled(url: str, coins: int = COINS, days: int = DAYS) -> Database:
    """A database with a market of so many rows: as it stands where it has them, dropped and made otherwise."""
    database = Database(url)
    try:
        with database.connect() as connection:
            rows = connection.exec_driver_sql("SELECT COUNT(*) FROM daily_market").scalar_one()
    except (WarehouseError, DBAPIError):
        rows = 0
    if rows != coins * days:
        database.dispose()
        database = fresh_database(url)
        fill_market(database, coins, days)
    return database


def bare_fetch(database: Database) -> float:
    """Rows a second of PyMySQL's unbuffered cursor that fetches every row in the order of the key and keeps none."""
    url = database.url
    names = ", ".join(f"`{column.name}`" for column in daily_market.columns)
    connection = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database,
        charset="utf8mb4", cursorclass=SSCursor,
    )  # fmt: skip
    began = time.perf_counter()
    rows = 0
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM daily_market ORDER BY date, asset_id")
        while block := cursor.fetchmany(FETCH_ROWS):
            rows += len(block)
    return rows / (time.perf_counter() - began)


def main() -> None:
    """Print a line for each format, the command as a process of its own, between two fetches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and filled unless it has these rows")
    parser.add_argument("--coins", type=int, default=COINS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    arguments = parser.parse_args()
    database = filled(arguments.url, arguments.coins, arguments.days)
    rows = arguments.coins * arguments.days
    bare = [bare_fetch(database)]
    lines: list[tuple[str, float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "market"
        for name in arguments.formats:
            finished = succeed(
                [*PROGRAM, "export", "--format", name, "--output", str(path), "--overwrite"],
                Path(folder),
                {"DATABASE_URL": arguments.url},
            )
            lines.append((name, finished.seconds, finished.peak_megabytes or 0, path.stat().st_size / 1e6))
            if len(bare) == 1:
                bare.append(bare_fetch(database))
    fetch = statistics.mean(bare)
    print(f"\n{rows:,} rows; a bare cursor fetches {' and '.join(f'{rate:,.0f}' for rate in bare)} rows a second:\n")
    print("| format | whole command (s) | rows a second | to the bare cursor | peak memory (MB) | file (MB) |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, seconds, peak, size in lines:
        rate = rows / seconds
        print(f"| {name} | {seconds:.0f} | {rate:,.0f} | {rate / fetch:.2f} | {peak:.0f} | {size:,.0f} |")


if __name__ == "__main__":
    main()
