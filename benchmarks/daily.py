"""`coingecko-pipeline daily` against the sandbox without a rate limit: all coins, seconds and memory of its process.

python -m benchmarks.daily [--url mysql+pymysql://root@127.0.0.1:33306/bench_daily]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks.charts import settings_of
from benchmarks.databases import fresh_database
from benchmarks.processes import PROGRAM, succeed
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.settings import DEFAULT_DAGSTER_HOME


@dataclass(frozen=True)
class Measured:
    """One run of the command.

    Attributes:
        run_seconds: Of the command's Dagster runs, each from its start to its end.
        process_seconds: From the command's start to its exit, the interpreter and all imports included.
        peak_megabytes: The most memory that its process held.
        rows: Rows of daily_market afterwards.
    """

    run_seconds: float
    process_seconds: float
    peak_megabytes: float
    rows: int


def measure(url: str | None, coins: int) -> Measured:
    """Run the command on a fresh Dagster home and a fresh database.

    Args:
        url: A database that is dropped and created; None for an SQLite file.
        coins: Coins of the sandbox.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningSandbox(SandboxOptions(coins=coins, plan="analyst")) as sandbox,
    ):
        database = fresh_database(url or f"sqlite:///{folder}/bench.db")
        settings = settings_of(sandbox, "analyst", url or f"sqlite:///{folder}/bench.db")
        finished = succeed([*PROGRAM, "daily"], Path(folder), settings)
        assert finished.peak_megabytes is not None
        with database.connect() as connection:
            rows = connection.scalar(text("SELECT COUNT(*) FROM daily_market")) or 0
        database.dispose()
        return Measured(
            run_seconds_of(Path(folder) / DEFAULT_DAGSTER_HOME), finished.seconds, finished.peak_megabytes, rows
        )


def run_seconds_of(home: Path) -> float:
    """The duration of the runs of a Dagster home, added up."""
    program = (
        "import dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    print(sum(record.end_time - record.start_time for record in instance.get_run_records()))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(told.stdout)


def main() -> None:
    """Print one line of Markdown for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a MySQL database, dropped and created")
    parser.add_argument("--coins", type=int, default=17_400)
    arguments = parser.parse_args()
    print("| database | coins | runs (s) | whole command (s) | peak memory (MB) | rows |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, url in (("SQLite", None), ("MySQL", arguments.url)):
        if name == "MySQL" and url is None:
            continue
        found = measure(url, arguments.coins)
        print(
            f"| {name} | {arguments.coins:,} | {found.run_seconds:.1f} | {found.process_seconds:.1f} "
            f"| {found.peak_megabytes:.0f} | {found.rows:,} |"
        )


if __name__ == "__main__":
    main()
