"""What Dagster's own database holds: its rows, how many bytes its events have, and how large its files are."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from coingecko_pipeline.warehouse import Database

COUNTED = (
    *("event_logs", "asset_check_executions", "asset_event_tags", "asset_keys", "runs", "run_tags", "bulk_actions"),
    *("backfill_tags", "job_ticks", "asset_daemon_asset_evaluations", "concurrency_slots", "pending_steps"),
)
"""Tables whose rows are told; the others hold a row for each daemon or none."""


@dataclass(frozen=True)
class Contents:
    """What is stored.

    Attributes:
        rows: Rows by table; on SQLite, where the index repeats the events of assets, those of the runs' own files.
        checks: Check records by status.
        event_bytes: Of all event bodies.
        index_event_bytes: Of the events that SQLite's index repeats.
        file_bytes: Of the database's files.
        by_run: Events and their bytes, by run.
    """

    rows: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    event_bytes: int = 0
    index_event_bytes: int = 0
    file_bytes: int = 0
    by_run: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def less(self, before: "Contents") -> "Contents":
        """What came since."""
        rows, checks = Counter(self.rows), Counter(self.checks)
        rows.subtract(before.rows)
        checks.subtract(before.checks)
        return Contents(
            rows,
            checks,
            self.event_bytes - before.event_bytes,
            self.index_event_bytes - before.index_event_bytes,
            self.file_bytes - before.file_bytes,
        )

    def lines(self) -> Iterator[tuple[str, int]]:
        """What is told, each with its number."""
        for table in COUNTED:
            if self.rows[table]:
                yield f"rows of {table}", self.rows[table]
        for status, number in sorted(self.checks.items()):
            if number:
                yield f"check records, {status.lower()}", number
        yield "bytes of event bodies", self.event_bytes
        if self.index_event_bytes:
            yield "bytes of event bodies again in SQLite's index", self.index_event_bytes
        yield "bytes of files", self.file_bytes


def sqlite_contents(home: Path) -> Contents:
    """What the files of a Dagster home hold: one for each run's events, an index, the runs, the schedules."""
    rows: Counter[str] = Counter()
    checks: Counter[str] = Counter()
    by_run: dict[str, tuple[int, int]] = {}
    event_bytes = index_event_bytes = 0
    files = sorted({*home.glob("history/**/*.db"), *home.glob("schedules/*.db")})
    for file in files:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            is_index = file.stem == "index"
            for table in there.intersection(COUNTED):
                if table != "event_logs" or not is_index:
                    rows[table] += connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            if "asset_check_executions" in there:
                counted = "SELECT execution_status, COUNT(*) FROM asset_check_executions GROUP BY execution_status"
                checks.update(dict(connection.execute(counted).fetchall()))
            if "event_logs" in there:
                sizes = "SELECT run_id, COUNT(*), SUM(LENGTH(CAST(event AS BLOB))) FROM event_logs GROUP BY run_id"
                for run, number, size in connection.execute(sizes):
                    if is_index:
                        index_event_bytes += size
                    else:
                        event_bytes += size
                        by_run[run] = (number, size)
    # What the last commits left in a log of their own is part of the file soon.
    sizes_of_files = sum(path.stat().st_size for file in files for path in file.parent.glob(f"{file.name}*"))
    return Contents(rows, checks, event_bytes, index_event_bytes, sizes_of_files, by_run)


def mysql_contents(database: Database) -> Contents:
    """What a MySQL database of Dagster holds; its files are the tables' own."""
    with database.connect() as connection:
        found = connection.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema=DATABASE()")
        )
        there = set(found)
        rows = Counter(
            {
                table: int(connection.scalar(text(f"SELECT COUNT(*) FROM {table}")) or 0)
                for table in there.intersection(COUNTED)
            }
        )
        counted = "SELECT execution_status, COUNT(*) FROM asset_check_executions GROUP BY execution_status"
        checks = Counter({status: int(number) for status, number in connection.execute(text(counted))})
        sizes = "SELECT run_id, COUNT(*), SUM(LENGTH(event)) FROM event_logs GROUP BY run_id"
        by_run = {run: (int(number), int(size)) for run, number, size in connection.execute(text(sizes))}
        files = "SELECT SUM(file_size) FROM information_schema.innodb_tablespaces WHERE name LIKE :name"
        file_bytes = int(connection.scalar(text(files), {"name": f"{database.url.database}/%"}) or 0)
    database.dispose()
    return Contents(rows, checks, sum(size for _, size in by_run.values()), 0, file_bytes, by_run)
