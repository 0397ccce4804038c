"""30 million rows since 2013: what must not cost more as rows are stored, and the report.

The market is made by `benchmarks.real_lives`; it ends yesterday, so that the program's own clock can be used. Every
step is a process of its own. The seconds of a step are its own, without the interpreter's start; those of a command are
from its start to its exit.

python -m benchmarks.large_market --url mysql+pymysql://root@127.0.0.1:33306/bench_large
    [--coins 17400] [--keep] [--derived] [--revision COMMIT] [--plan analyst]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from benchmarks.charts import KEY
from benchmarks.databases import empty_database
from benchmarks.processes import PROGRAM, ROOT, run, succeed
from benchmarks.real_lives import COINS, FIRST, add_new_day, fill_lives, lives_of
from coingecko_pipeline.warehouse import Database, WarehouseError
from coingecko_pipeline_tests.previous_version import export_revision

NOWHERE = "http://127.0.0.1:9/api/v3"
"""No call is made: the address is one that nobody serves."""
STEPS = {
    "tick": "the completion schedule's tick",
    "gaps": "the gaps check of a day",
    "lost_rows": "the check of lost rows of a day",
    "refresh": "planning a refresh of every coin",
}
BOUNDS = {"tick": 2, "gaps": 5, "lost_rows": 5, "status": 3, "a new day of everything derived": 10, "report": 60}
"""Seconds at most."""


def fill(url: str, coins: int, last: date, package: Path) -> Database:
    """A database with the market, dropped and made by the version's own migration."""
    database = empty_database(url)
    with tempfile.TemporaryDirectory() as folder:
        succeed([*PROGRAM, "migrate"], Path(folder), {"DATABASE_URL": url}, package)
    began = time.perf_counter()
    rows = fill_lives(database, lives_of(coins, last), last, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"\n{rows:,} rows of {coins:,} coins in {time.perf_counter() - began:.0f} s.\n", flush=True)
    return database


def latest_date(url: str) -> date | None:
    """The last date with rows; None where there is no such database."""
    database = Database(url)
    try:
        with database.connect() as connection:
            found: date | None = connection.exec_driver_sql("SELECT MAX(date) FROM daily_market").scalar()
    except (WarehouseError, DBAPIError):
        return None
    finally:
        database.dispose()
    return found


def line(what: str, seconds: float, peak: float | None, came: str) -> None:
    bound = BOUNDS.get(what)
    print(
        f"| {STEPS.get(what, what)} | {seconds:.2f} | {bound or '-'} | {peak or 0:.0f} | {came} |",
        flush=True,
    )


def measure_step(step: str, last: date, folder: Path, settings: Mapping[str, str], package: Path) -> None:
    """Print a step's own seconds and memory."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.steps", step, "--last", str(last)]
    finished = run(command, folder, settings, package)
    if finished.code:
        line(step, finished.seconds, finished.peak_megabytes, f"failed: {finished.errors[-200:]!r}")
        return
    told = json.loads(finished.output.splitlines()[-1])
    line(step, told["seconds"], told["peak_megabytes"], told["came"])


def measure_command(what: str, arguments: list[str], folder: Path, settings: Mapping[str, str], package: Path) -> None:
    """Print a whole command's seconds and memory."""
    finished = run([*PROGRAM, *arguments], folder, settings, package)
    came = "done" if not finished.code else f"ended with {finished.code}: {finished.errors[-300:]!r}"
    line(what, finished.seconds, finished.peak_megabytes, came)


def main() -> None:
    """Fill the market and print a line for each thing that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, default=COINS, help="of 17,400 coins there are 30 million rows")
    parser.add_argument("--keep", action="store_true", help="measure on what is there from before, if it is of today")
    parser.add_argument(
        "--derived",
        action="store_true",
        help="compute everything derived first: without it the new day is the first one",
    )
    parser.add_argument("--revision", help="the commit whose version is measured; this checkout by default")
    parser.add_argument("--plan", default="analyst", help="the CoinGecko plan of the settings")
    arguments = parser.parse_args()
    today = datetime.now(UTC).date()
    last = today - timedelta(days=1)
    with tempfile.TemporaryDirectory() as name:
        package = ROOT
        if arguments.revision:
            package = export_revision(arguments.revision, Path(name) / "package")
        settings = {
            "DATABASE_URL": arguments.url,
            "COINGECKO_PLAN": arguments.plan,
            "COINGECKO_API_KEY": KEY,
            "COINGECKO_BASE_URL": NOWHERE,
        }
        if not arguments.keep or latest_date(arguments.url) not in (last, today):
            fill(arguments.url, arguments.coins, last, package).dispose()
        print("| what | seconds | at most | peak memory (MB) | what came |\n|---|---:|---:|---:|---|", flush=True)
        folder = Path(name)
        for step in STEPS:
            measure_step(step, last, folder, settings, package)
        measure_command("status", ["status"], folder, settings, package)
        whole = ["--from", str(FIRST), "--to", str(last)]
        if arguments.derived:
            measure_command("everything derived of all dates", ["measures", *whole], folder, settings, package)
        if latest_date(arguments.url) == last:
            database = Database(arguments.url)
            print(f"{add_new_day(database, today):,} rows of {today}.", file=sys.stderr)
            database.dispose()
        # The version before did not follow changes: it was told which dates.
        new_day = ["--from", str(today), "--to", str(today)] if arguments.revision else []
        measure_command("a new day of everything derived", ["measures", *new_day], folder, settings, package)
        measure_command("report", ["report"], folder, settings, package)


if __name__ == "__main__":
    main()
