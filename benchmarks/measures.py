"""The derived tables: the whole, what a day of completion changed, and a new day, by how much is stored.

python -m benchmarks.measures --url mysql+pymysql://root@127.0.0.1:33306/bench_measures [--lives]

Without `--lives` 17,400 coins of 365 days are stored (6,351,000 rows), with it some 30,000,000 rows since 2013.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
from sqlalchemy import func, select

from benchmarks.filled_market import COINS
from benchmarks.processes import succeed
from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.running import QUIET

COMPLETED = 261
"""Coins whose chart the completion asks for on a day of the demo plan."""
DATES_OF_A_CHART = 365


def materialize(database: Database) -> dict[str, tuple[int, float]]:
    """Rows and seconds of each table in a real run of the measures, and of the whole run."""
    overrides = {"warehouse": dg.ResourceDefinition.hardcoded_resource(database)}
    with dg.DagsterInstance.ephemeral() as instance:
        began = time.perf_counter()
        job = build_definitions(overrides).resolve_job_def("measures_job")
        result = job.execute_in_process(instance=instance, run_config=QUIET)
        seconds = time.perf_counter() - began
    found: dict[str, tuple[int, float]] = {}
    for event in result.get_asset_materialization_events():
        facts = event.step_materialization_data.materialization.metadata
        assert event.asset_key is not None
        rows, took = facts["rows_written"].value, facts["seconds"].value
        assert isinstance(rows, int)
        assert isinstance(took, float)
        found[event.asset_key.path[-1]] = (rows, took)
    found["the run"] = (sum(rows for rows, _ in found.values()), seconds)
    return found


def log(database: Database, changes: Sequence[Change]) -> None:
    """Log changes, as if the rows had just been written."""
    with database.transaction() as connection:
        log_changes(connection, changes)


def megabytes() -> float:
    """The most memory that this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(url: str, coins: int, *, lives: bool) -> None:
    """Fill a database in a process of its own, whose memory is not counted."""
    filling = [sys.executable, "-m", "benchmarks.filled_market", "--url", url, "--coins", str(coins)]
    with tempfile.TemporaryDirectory() as folder:
        succeed([*filling, *(["--lives"] if lives else [])], Path(folder), {})


def coins_on(database: Database, day: date) -> Sequence[str]:
    """The coins that have a row on a date."""
    market = tables.daily_market
    query = select(market.c.asset_id).where(market.c.date == day).order_by(market.c.asset_id)
    return database.run_reading(lambda connection: connection.scalars(query).all())


def main() -> None:
    """Print a line of Markdown for each table and kind of change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, default=COINS)
    parser.add_argument("--lives", action="store_true", help="30,000,000 rows since 2013")
    arguments = parser.parse_args()
    fill(arguments.url, arguments.coins, lives=arguments.lives)
    database = Database(arguments.url)
    latest = select(func.max(tables.daily_market.c.date))
    last: date = database.run_reading(lambda connection: connection.scalar(latest))
    coins = coins_on(database, last)
    charts = random.Random(COMPLETED).sample(coins, min(COMPLETED, len(coins)))
    first = last - timedelta(days=DATES_OF_A_CHART - 1)
    name = tables.daily_market.name
    print("| what changed | table | rows | seconds | peak memory (MB) |\n|---|---|---:|---:|---:|")
    for what, changes in (
        ("everything", []),
        (f"{len(charts)} charts", [Change(name, first, last, coin) for coin in charts]),
        ("a new day", [Change(name, last, last)]),
    ):
        log(database, changes)
        for table, (rows, seconds) in materialize(database).items():
            print(f"| {what} | {table} | {rows:,} | {seconds:.1f} | {megabytes():.0f} |", flush=True)
    database.dispose()


if __name__ == "__main__":
    main()
