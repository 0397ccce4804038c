"""Roll-ups and measures of every coin: a year in one run, one new day, and whether a day costs more as days are stored.

python -m benchmarks.measures --url mysql+pymysql://root@127.0.0.1:33306/bench_measures [--stored 90 180 365]
"""

import argparse
import resource
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from benchmarks.filled_market import COINS, FIRST
from benchmarks.processes import succeed
from coingecko_pipeline.cli.runs import QUIET
from coingecko_pipeline.orchestration.assets import daily_returns, global_market_daily, monthly_market, weekly_market
from coingecko_pipeline.partitions import DAILY, range_tags
from coingecko_pipeline.warehouse import Database

MEASURES = (weekly_market, monthly_market, daily_returns, global_market_daily)


def materialize(database: Database, asset: dg.AssetsDefinition, first: date, last: date) -> float:
    """Seconds of a real run over the partitions that begin from a first to a last date."""
    with dg.DagsterInstance.ephemeral() as instance:
        began = time.perf_counter()
        result = dg.materialize(
            [asset],
            instance=instance,
            resources={"warehouse": dg.ResourceDefinition.hardcoded_resource(database)},
            run_config=QUIET,
            tags=range_tags(first, last),
        )
        if not result.success:
            raise SystemExit(f"the run of {asset.key.path[-1]} failed")
        return time.perf_counter() - began


def first_and_last(asset: dg.AssetsDefinition, first: date, last: date) -> tuple[date, date]:
    """The first and the last partition that begins in a range of dates and is over by its end."""
    definition = asset.partitions_def
    assert isinstance(definition, dg.TimeWindowPartitionsDefinition)
    if definition == DAILY:
        return first, last
    starts = [
        date.fromisoformat(key)
        for key in definition.get_partition_keys()
        if first.isoformat() <= key and definition.time_window_for_partition_key(key).end.date() <= last
    ]
    return starts[0], starts[-1]


def peak_megabytes() -> float:
    """The most memory that this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def own_megabytes() -> float:
    """The memory of this process that is its own: without the pages of libraries that are mapped from their files."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024


def fill(url: str, coins: int, days: int) -> None:
    """Fill a database in a process of its own, whose memory is not counted."""
    filling = [sys.executable, "-m", "benchmarks.filled_market", "--url", url]
    with tempfile.TemporaryDirectory() as folder:
        succeed([*filling, "--coins", str(coins), "--days", str(days)], Path(folder), {})


def measure(url: str, stored: int, coins: int) -> None:
    """Fill a database with so many days and one more, compute them, and then the last one alone."""
    fill(url, coins, stored + 1)
    database = Database(url)
    last = FIRST + timedelta(days=stored - 1)
    for asset in MEASURES:
        took = materialize(database, asset, *first_and_last(asset, FIRST, last))
        new = first_and_last(asset, FIRST, last + timedelta(days=1))[1]
        one = materialize(database, asset, new, new)
        memory = f"{peak_megabytes():.0f} | {own_megabytes():.0f}"
        print(f"| {asset.key.path[-1]} | {stored} | {took:.1f} | {one:.2f} | {memory} |", flush=True)
    database.dispose()


def main() -> None:
    """Print a line of Markdown for each asset and number of days."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--stored", type=int, nargs="+", default=[90, 180, 365], help="days that are stored")
    parser.add_argument("--coins", type=int, default=COINS)
    arguments = parser.parse_args()
    print("| asset | days stored | all of them (s) | one more (s) | peak memory (MB) | its own (MB) |")
    print("|---|---:|---:|---:|---:|---:|")
    for stored in arguments.stored:
        measure(arguments.url, stored, arguments.coins)


if __name__ == "__main__":
    main()
