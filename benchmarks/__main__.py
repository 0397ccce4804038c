"""`make bench`: everything that is measured, on the server that TEST_MYSQL_URL names.

BENCH_PEERS_PYTHON names an interpreter with requirements-bench.lock; without it the backfill is measured without peers.
"""

import os
import subprocess
import sys


def main() -> None:
    """Run each benchmark in a process of its own, so that one's memory is not another's."""
    server = os.environ.get("TEST_MYSQL_URL", "").rstrip("/")
    if not server:
        raise SystemExit("Set TEST_MYSQL_URL to a MySQL server to measure on: mysql+pymysql://user:password@host:3306")
    python = os.environ.get("BENCH_PEERS_PYTHON")
    for module, database, *options in (
        ("benchmarks.io_manager", "bench_io", "--part", "memory"),
        ("benchmarks.io_manager", "bench_io", "--part", "read"),
        ("benchmarks.io_manager", "bench_io", "--part", "upsert"),
        ("benchmarks.daily", "bench_daily"),
        ("benchmarks.backfill", "bench_backfill", *(["--peers-python", python] if python else [])),
        ("benchmarks.full_history", "bench_history"),
        ("benchmarks.archive_rows", "bench_archive"),
        ("benchmarks.survival", "bench_survival"),
        ("benchmarks.months", "bench_months"),
        ("benchmarks.measures", "bench_measures"),
        ("benchmarks.export", "bench_market"),
        ("benchmarks.beside", "bench_market"),
        ("benchmarks.cookbook", "bench_market"),
        ("benchmarks.report", "bench_report"),
        ("benchmarks.verify", "bench_verify"),
        ("benchmarks.dagster_events", "bench_dagster"),
        ("benchmarks.large_market", "bench_large", "--derived"),
    ):
        print(f"\n## {' '.join([module, *options])}", flush=True)
        command = [sys.executable, "-W", "ignore", "-m", module, "--url", f"{server}/{database}", *options]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
