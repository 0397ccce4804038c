"""`coingecko-pipeline verify` of a year of every coin: its time and memory, and whether it finds what was planted.

The archive is made first and written by the program itself, with all that is computed from the market; then one row of
each kind of difference is planted, `verify` has to find each, `verify --repair` to mend them, and another `verify` to
find nothing.

python -m benchmarks.verify --url mysql+pymysql://root@127.0.0.1:33306/bench_verify [--coins 17400] [--keep]
"""

import argparse
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks.archive_rows import stock, write_rows
from benchmarks.filled_market import COINS, DAYS
from benchmarks.processes import PROGRAM, ROOT, run, succeed
from coingecko_pipeline.warehouse import Database

PLANTED = {
    "different: a price by its last bit": "UPDATE daily_market SET price_usd = price_usd * (1 + 2.3e-16) {where}",
    "different: a market cap that is gone": "UPDATE daily_market SET market_cap_usd = NULL {where}",
    "different: a source": "UPDATE daily_market SET source = 'snapshot' {where}",
    "different: a moment by a microsecond": (
        "UPDATE daily_market SET observed_at = observed_at + INTERVAL 1 MICROSECOND {where}"
    ),
    "missing: a row": "DELETE FROM daily_market {where}",
    "missing: a row of daily_returns": "DELETE FROM daily_returns {where}",
    "surplus: a row of a date that has no value": (
        "INSERT INTO daily_market SELECT date - INTERVAL {days} DAY, asset_id, price_usd, volume_24h_usd, "
        "market_cap_usd, source, observed_at - INTERVAL {days} DAY FROM daily_market {where}"
    ),
}
"""Each of another coin, in the middle of its year."""


def plant(database: Database, coins: int, today: date) -> None:
    """Plant one difference of each kind.

    Raises:
        SystemExit: A statement did not change one row.
    """
    day = today - timedelta(days=DAYS // 2)
    for number, (what, statement) in enumerate(PLANTED.items()):
        coin = f"coin-{number * coins // len(PLANTED):05}"
        where = f"WHERE date = '{day}' AND asset_id = '{coin}'"
        with database.transaction() as connection:
            if "INSERT" in statement:
                # An answer has spoken for these dates, and has no value of them.
                covered = f'[["{today - timedelta(days=2 * DAYS)}", "{today}"]]'
                connection.execute(
                    text("UPDATE chart_coverage SET covered = :covered WHERE asset_id = :coin"),
                    {"covered": covered, "coin": coin},
                )
            changed = connection.execute(text(statement.format(where=where, days=DAYS))).rowcount
        if changed != 1:
            raise SystemExit(f"{what} was not planted: {changed} rows changed.")


def main() -> None:
    """Print a line for each run of the command, and what it told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, default=COINS)
    parser.add_argument("--keep", action="store_true", help="verify what is there from before")
    arguments = parser.parse_args()
    today = datetime.now(UTC).date()
    if arguments.keep:
        database = Database(arguments.url)
    else:
        database = stock(arguments.url, arguments.coins, DAYS, ROOT)
        written, seconds, _ = write_rows(arguments.url, database, DAYS, ROOT)
        with tempfile.TemporaryDirectory() as folder:
            succeed([*PROGRAM, "measures"], Path(folder), {"DATABASE_URL": arguments.url})
        print(f"\nThe rows were written in {seconds:.0f} s, with {written.peak_megabytes or 0:.0f} MB at most.\n")
    told: list[str] = []
    print("| command | exit code | seconds | peak memory (MB) |\n|---|---:|---:|---:|", flush=True)
    plant(database, arguments.coins, today)
    database.dispose()
    with tempfile.TemporaryDirectory() as folder:
        for options in ((), ("--repair",), ()):
            finished = run([*PROGRAM, "verify", *options], Path(folder), {"DATABASE_URL": arguments.url})
            line = f"| {' '.join(['verify', *options])} | {finished.code} | {finished.seconds:.1f} "
            print(f"{line}| {finished.peak_megabytes or 0:.0f} |", flush=True)
            told.append(finished.output + finished.errors)
    print(f"\nPlanted: {'; '.join(PLANTED)}.\n")
    print("\n".join(told))


if __name__ == "__main__":
    main()
