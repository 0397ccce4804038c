"""A year of every coin into MySQL against the sandbox without a rate limit: rows, values, memory and speed.

Then the same again, and a part of it, both of which have to cost no call.

python -m benchmarks.full_history --url mysql+pymysql://root@127.0.0.1:33306/bench_history [--coins 2000 17400]
"""

import argparse
import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks.charts import CommitWatch, Truth, Values, first_chart_call, settings_of, settled_year
from benchmarks.databases import fresh_database
from benchmarks.processes import PROGRAM, succeed
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database

PLAN = "lite"
UNLIMITED = {"COINGECKO_CALLS_PER_MINUTE": "10000000", "COINGECKO_CREDITS_PER_MONTH": "1000000000"}
SAMPLE_COINS = 200
WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """One run of the command.

    Attributes:
        seconds: From the command's start to its exit, the interpreter and all imports included.
        peak_megabytes: The most memory that its process held.
        calls: Calls that the sandbox answered.
    """

    seconds: float
    peak_megabytes: float
    calls: int


def backfill(dates: DateRange, folder: Path, settings: Mapping[str, str], sandbox: RunningSandbox) -> Run:
    """Run `coingecko-pipeline backfill` for all coins."""
    sandbox.reset_calls()
    command = [*PROGRAM, "backfill", "--from", str(dates.first), "--to", str(dates.last)]
    finished = succeed(command, folder, settings)
    assert finished.peak_megabytes is not None
    return Run(finished.seconds, finished.peak_megabytes, len(sandbox.calls))


def rows_in(database: Database) -> int:
    """Rows of daily_market."""
    with database.connect() as connection:
        return connection.scalar(text("SELECT COUNT(*) FROM daily_market")) or 0


def coins_that_differ(database: Database, truth: Truth, dates: DateRange) -> int:
    """Coins of a random sample of which any date or any of the three values is not what their charts hold."""
    query = text("SELECT date, price_usd, volume_24h_usd, market_cap_usd FROM daily_market WHERE asset_id = :asset_id")
    sample = random.Random(365).sample(truth.coin_ids(), SAMPLE_COINS)
    different = 0
    for coin_id in sample:
        with database.connect() as connection:
            found: dict[date, Values] = {
                day: tuple(values) for day, *values in connection.execute(query, {"asset_id": coin_id}).all()
            }
        different += found != truth.rows(coin_id, dates)
    return different


def measure(url: str, coins: int) -> None:
    """Print what a market of so many coins takes."""
    options = SandboxOptions(coins=coins, plan=PLAN, calls_per_minute=0)
    dates, truth = settled_year(), Truth(options)
    with tempfile.TemporaryDirectory() as name, RunningSandbox(options) as sandbox:
        folder, database = Path(name), fresh_database(url)
        settings = {**settings_of(sandbox, PLAN, url), **UNLIMITED}
        with CommitWatch(database, dates.last, WATCH_SECONDS) as watch:
            first = backfill(dates, folder, settings, sandbox)
        seconds = watch.seconds_since(first_chart_call(sandbox))
        assert seconds is not None
        rows = rows_in(database)
        print(f"\n{coins:,} coins, {dates}: {seconds:.0f} s from the first chart's call to the last commit, ", end="")
        print(f"{coins / seconds:.0f} coin-years a second.\n")
        print("| run | whole command (s) | calls | rows afterwards | peak memory (MB) |\n|---|---:|---:|---:|---:|")

        def line(what: str, run: Run, rows: int) -> None:
            print(f"| {what} | {run.seconds:.1f} | {run.calls:,} | {rows:,} | {run.peak_megabytes:.0f} |", flush=True)

        line("first", first, rows)
        line("the same again", backfill(dates, folder, settings, sandbox), rows_in(database))
        part = DateRange(dates.first + timedelta(days=100), dates.last - timedelta(days=100))
        line(f"{part}", backfill(part, folder, settings, sandbox), rows_in(database))
        expected = sum(len(truth.rows(coin_id, dates)) for coin_id in truth.coin_ids())
        print(f"\nThe sandbox's charts hold {expected:,} rows for these dates: ", end="")
        print("the table has exactly as many." if rows_in(database) == expected else "THE TABLE HAS NOT.")
        print(f"Of {SAMPLE_COINS} coins, compared value by value, {coins_that_differ(database, truth, dates)} differ.")
        database.dispose()


def main() -> None:
    """Measure each size of market."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, nargs="+", default=[2_000, 17_400], help="coins of the markets")
    arguments = parser.parse_args()
    for coins in arguments.coins:
        measure(arguments.url, coins)


if __name__ == "__main__":
    main()
