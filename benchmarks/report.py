"""`coingecko-pipeline report` from a year of every coin: seconds and memory of its process, and the file's size.

python -m benchmarks.report --url mysql+pymysql://root@127.0.0.1:33306/bench_report
"""

import argparse
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from benchmarks.databases import fresh_database
from benchmarks.filled_market import COINS, DAYS, FIRST, fill_market, ids_of
from benchmarks.processes import PROGRAM, succeed
from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.warehouse import Database

MEGABYTE = 1_000_000


def cover(database: Database, coins: int) -> None:
    """What answers have spoken for of each coin, so that the completeness of the history is told of all rows."""
    last = FIRST + timedelta(days=DAYS - 1)
    dates = DateIntervals.of_range(DateRange(FIRST, last)).to_json()
    coverage = {
        "covered": dates,
        "points": dates,
        "outcome": "values",
        "answered_at": datetime(last.year, last.month, last.day, 1, tzinfo=UTC),
        "misses": 0,
    }
    with database.transaction() as connection:
        connection.execute(insert(tables.chart_coverage), [{"asset_id": coin, **coverage} for coin in ids_of(coins)])


def main() -> None:
    """Print one line of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, default=COINS)
    arguments = parser.parse_args()
    database = fresh_database(arguments.url)
    rows = fill_market(database, arguments.coins)
    cover(database, arguments.coins)
    database.dispose()
    with tempfile.TemporaryDirectory() as folder:
        finished = succeed([*PROGRAM, "report"], Path(folder), {"DATABASE_URL": arguments.url})
        size = (Path(folder) / "data" / "report" / "index.html").stat().st_size
    made = re.search(r"in ([\d.]+) s", finished.output)
    assert made is not None
    assert finished.peak_megabytes is not None
    print("| rows | coins | report (s) | whole command (s) | peak memory (MB) | file (MB) |")
    print("|---:|---:|---:|---:|---:|---:|")
    print(
        f"| {rows:,} | {arguments.coins:,} | {made[1]} | {finished.seconds:.1f} | {finished.peak_megabytes:.0f} "
        f"| {size / MEGABYTE:.2f} |"
    )


if __name__ == "__main__":
    main()
