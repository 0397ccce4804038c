"""Archived charts into daily_market: 2,000 coins of a year, and 79 coins of 3,875 dates, without a call.

The whole command, from its start to its exit, and the seconds from its start to its last commit.

python -m benchmarks.archive_rows --url mysql+pymysql://root@127.0.0.1:33306/bench_archive
    [--cases 2000x365 79x3875] [--revision COMMIT]
"""

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.archived_charts import archive_charts
from benchmarks.charts import CommitWatch, settings_of, settled_year
from benchmarks.databases import empty_database
from benchmarks.processes import PROGRAM, ROOT, Finished, run, succeed
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.previous_version import export_revision

PLAN = "analyst"
WATCH_SECONDS = 0.1


def stock(url: str, coins: int, days: int, package: Path) -> Database:
    """An archive of so many charts in a database that is dropped and made by the version's own migration."""
    database = empty_database(url)
    with tempfile.TemporaryDirectory() as folder:
        succeed([*PROGRAM, "migrate"], Path(folder), {"DATABASE_URL": url}, package)
    archive_charts(database, coins, days, settled_year().last)
    return database


def write_rows(url: str, database: Database, days: int, package: Path) -> tuple[Finished, float, int]:
    """Run the backfill that the archive covers: how it ended, the seconds to its last commit, and its charts."""
    today = datetime.now(UTC).date()
    options = SandboxOptions(coins=50, plan=PLAN, calls_per_minute=0)
    with tempfile.TemporaryDirectory() as folder, RunningSandbox(options) as sandbox:
        command = [*PROGRAM, "backfill", "--from", str(today - timedelta(days=days - 1)), "--to", str(today)]
        began = datetime.now(UTC)
        with CommitWatch(database, today, WATCH_SECONDS) as watch:
            finished = run(command, Path(folder), settings_of(sandbox, PLAN, url), package)
        charts = sum(call.path.endswith("/market_chart") for call in sandbox.calls)
    return finished, watch.seconds_since(began) or 0.0, charts


def measure(url: str, coins: int, days: int, package: Path) -> None:
    """Print a line for one size of archive."""
    began = time.perf_counter()
    database = stock(url, coins, days, package)
    stocked = time.perf_counter() - began
    finished, committed, charts = write_rows(url, database, days, package)
    with database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT COUNT(*) FROM daily_market").scalar_one()
    database.dispose()
    print(
        f"| {coins:,} x {days:,} | {rows:,} | {charts} | {committed:.1f} | {finished.seconds:.1f} "
        f"| {finished.peak_megabytes or 0:.0f} | {finished.code} | {stocked:.0f} |",
        flush=True,
    )


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--cases", nargs="+", default=["2000x365", "79x3875"], help="COINSxDAYS")
    parser.add_argument("--revision", help="the commit whose version is measured; this checkout by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        package = export_revision(arguments.revision, Path(name)) if arguments.revision else ROOT
        print("| coins x dates | rows | calls for charts | to the last commit (s) | whole command (s) ", end="")
        print(
            "| peak memory (MB) | exit code | archive made in (s) |\n|---|---:|---:|---:|---:|---:|---:|---:|",
            flush=True,
        )
        for case in arguments.cases:
            coins, days = map(int, case.split("x"))
            measure(arguments.url, coins, days, package)


if __name__ == "__main__":
    main()
