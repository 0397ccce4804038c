"""`make bench`: everything that is measured, on the server that TEST_MYSQL_URL names."""

import os
import subprocess
import sys


def main() -> None:
    """Run each benchmark in a process of its own, so that one's memory is not another's."""
    server = os.environ.get("TEST_MYSQL_URL", "").rstrip("/")
    if not server:
        raise SystemExit("Set TEST_MYSQL_URL to a MySQL server to measure on: mysql+pymysql://user:password@host:3306")
    for module, *options in (
        ("benchmarks.io_manager", "--part", "memory", "--url", f"{server}/bench_io"),
        ("benchmarks.io_manager", "--part", "read", "--url", f"{server}/bench_io"),
        ("benchmarks.io_manager", "--part", "upsert", "--url", f"{server}/bench_io"),
        ("benchmarks.daily", "--url", f"{server}/bench_daily"),
    ):
        print(f"\n## {module} {' '.join(options[:2])}", flush=True)
        subprocess.run([sys.executable, "-W", "ignore", "-m", module, *options], check=True)


if __name__ == "__main__":
    main()
