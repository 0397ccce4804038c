"""How large Dagster's own database is over a year, with its old records deleted each night and with all of them kept.

A real day is run on a small sandbox: the list, the snapshot, charts, everything derived, all checks. Its records are
then written again for each of 365 days with the day's own dates, run ids and numbers, and the nightly deletion runs
after each.

python -m benchmarks.dagster_year [--url mysql+pymysql://root@127.0.0.1:33306/bench_dagster]
    [--storages sqlite mysql] [--keep 90 36500]
"""

import argparse
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import AssetKeyTable, SqlEventLogStorageTable, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetEventTagsTable
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from sqlalchemy import Table, insert, make_url, select, update
from sqlalchemy.dialects import plugins

from benchmarks.dagster_storage import Contents, mysql_contents, sqlite_contents
from benchmarks.databases import empty_database
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.deployment.kept_connections import KeptConnections
from coingecko_pipeline.orchestration.retention import delete_old_records
from coingecko_pipeline.partitions import key_of
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline.tables import migrate, open_database
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.running import QUIET

DAYS, TOLD_EACH = 365, 30
COINS = 50
OF_THE_INDEX = (SqlEventLogStorageTable, AssetEventTagsTable, AssetCheckExecutionsTable)
OF_THE_RUNS = (RunsTable, RunTagsTable)
MOMENTS = {"timestamp", "event_timestamp", "evaluation_event_timestamp", "create_timestamp", "update_timestamp"}
EVENT_NUMBERS = {"event_id", "evaluation_event_storage_id", "materialization_event_storage_id"}
STRIDE = 10_000
"""Numbers of events that each day has: more than it has events."""


def run_a_day(instance: dg.DagsterInstance, folder: Path) -> date:
    """Run what a day's schedules and sensors ask for; the day."""
    today = datetime.now(UTC).date()
    options = SandboxOptions(coins=COINS, plan="demo", calls_per_minute=0)
    url = f"sqlite:///{folder}/market.db"
    database = open_database(url)
    migrate(database)
    database.dispose()
    with RunningSandbox(options) as sandbox:
        settings = load_settings(
            coingecko_api_key="CG-bench",
            coingecko_plan=options.plan,
            coingecko_base_url=sandbox.url,
            coinpaprika_base_url=sandbox.coinpaprika_url,
            coingecko_calls_per_minute=100_000,
            database_url=url,
            report_path=folder / "report.html",
        )
        definitions = build_definitions({"settings": dg.ResourceDefinition.hardcoded_resource(settings)})
        charts = {"coingecko__market_charts": {"config": {"complete_history": True}}}
        for name, key, ops in (
            ("daily_market_job", key_of(today), {}),
            ("market_charts_job", None, charts),
            ("derived_tables_job", None, {}),
            ("maintenance_job", None, {}),
        ):
            result = definitions.resolve_job_def(name).execute_in_process(
                instance=instance, partition_key=key, run_config={**QUIET, "ops": ops}, raise_on_error=False
            )
            if not result.success:
                raise SystemExit(f"{name} failed.")
    return today


def _storages(instance: dg.DagsterInstance) -> tuple[Any, Any]:
    """Where events and runs are kept, whose connections are no part of Dagster's declared interface."""
    return instance.event_log_storage, instance.run_storage


class Year:
    """A day's records, to be written again with other dates.

    Args:
        instance: Where they are, and are written.
        today: The day's date.
    """

    def __init__(self, instance: dg.DagsterInstance, today: date) -> None:
        self._today = today
        self._events, self._runs = _storages(instance)
        self._rows: dict[str, Sequence[Mapping[str, Any]]] = {}
        places = ((OF_THE_INDEX, self._events.index_connection), (OF_THE_RUNS, self._runs.connect))
        for tables, connect in places:
            with connect() as connection:
                self._rows |= {table.name: connection.execute(select(table)).mappings().all() for table in tables}
        with places[0][1]() as connection:
            self._made_by = connection.execute(select(AssetKeyTable.c.id, AssetKeyTable.c.last_run_id)).all()
        self._run_ids = [row["run_id"] for row in self._rows["runs"]]
        # On SQLite each run has a file of its own; that of the real day is deleted in time.
        self._files = {}
        if isinstance(self._events, SqliteEventLogStorage):
            self._files = {run_id: Path(self._events.path_for_shard(run_id)).read_bytes() for run_id in self._run_ids}

    def write(self, number: int) -> datetime:
        """Write the records of a day, so many after the real one; its moment."""
        day = self._today + timedelta(days=number)
        at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
        new = {run_id: str(uuid.uuid4()) for run_id in self._run_ids}
        words = {**new, self._today.isoformat(): day.isoformat()}

        def anew(table: Table) -> list[dict[str, Any]]:
            return [_anew(table, row, words, at, number) for row in self._rows[table.name]]

        with self._runs.connect() as connection:
            for table in OF_THE_RUNS:
                connection.execute(insert(table), anew(table))
        with self._events.index_connection() as connection:
            for table in OF_THE_INDEX:
                connection.execute(insert(table), anew(table))
            for asset, run_id in self._made_by:
                of_asset = update(AssetKeyTable).where(AssetKeyTable.c.id == asset)
                connection.execute(of_asset.values(last_run_id=new[run_id]))
        for old, content in self._files.items():
            self._copy_file(content, new[old], words, at)
        return at

    def _copy_file(self, content: bytes, copy: str, words: Mapping[str, str], at: datetime) -> None:
        path = Path(self._events.path_for_shard(copy))
        path.write_bytes(content)
        with closing(sqlite3.connect(path)) as connection, connection:
            for number, event in connection.execute("SELECT id, event FROM event_logs").fetchall():
                values = (_translated(event, words), copy, at.replace(tzinfo=None).isoformat(" "), number)
                connection.execute("UPDATE event_logs SET event = ?, run_id = ?, timestamp = ? WHERE id = ?", values)


def _anew(table: Table, row: Mapping[str, Any], words: Mapping[str, str], at: datetime, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name == "id":
            if table is SqlEventLogStorageTable:
                found[name] = value + number * STRIDE
        elif name in EVENT_NUMBERS and value is not None:
            found[name] = value + number * STRIDE
        elif name in MOMENTS:
            found[name] = at.replace(tzinfo=None)
        elif name in {"start_time", "end_time"}:
            found[name] = at.timestamp()
        else:
            found[name] = _translated(value, words) if isinstance(value, str) else value
    return found


def _translated(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def simulate(instance: dg.DagsterInstance, folder: Path, keep: int, read: Callable[[], Contents]) -> None:
    """Write a year, delete each night, and print the size of each month."""
    year = Year(instance, run_a_day(instance, folder))
    slowest = 0.0
    print("\n| days | runs | events | MB of events | MB of files | slowest deletion so far (s) |\n|---:|" + "---:|" * 5)
    for number in range(1, DAYS + 1):
        at = year.write(number)
        began = time.monotonic()
        delete_old_records(instance, at + timedelta(hours=3) - timedelta(days=keep))
        slowest = max(slowest, time.monotonic() - began)
        if number % TOLD_EACH == 0 or number == DAYS:
            found = read()
            print(
                f"| {number} | {found.rows['runs']:,} | {found.rows['event_logs']:,} | {found.event_bytes / 1e6:.1f} | "
                f"{found.file_bytes / 1e6:.1f} | {slowest:.2f} |",
                flush=True,
            )


def measure(storage: str, url: str, keep: int) -> None:
    """Simulate a year in one storage."""
    print(f"\n### {storage}, {keep} days kept")
    settings = (Path(__file__).parents[1] / "dagster.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        if storage == "mysql":
            empty_database(url).dispose()
            plugins.register("kept_connections", KeptConnections.__module__, KeptConnections.__name__)
            kept = make_url(url).set(drivername="mysql+mysqlconnector", query={"plugin": "kept_connections"})
            settings += f"\nstorage:\n  mysql:\n    mysql_url: {kept.render_as_string(hide_password=False)}\n"
        (home / "dagster.yaml").write_text(settings, encoding="utf-8")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            read = (lambda: mysql_contents(Database(url))) if storage == "mysql" else (lambda: sqlite_contents(home))
            simulate(instance, folder, keep, read)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="", help="a MySQL database for Dagster, dropped and created")
    parser.add_argument("--storages", nargs="+", choices=["sqlite", "mysql"], default=["sqlite", "mysql"])
    parser.add_argument("--keep", nargs="+", type=int, default=[90, 36_500], help="days, one after the other")
    arguments = parser.parse_args()
    for storage in arguments.storages:
        for keep in arguments.keep:
            if storage == "sqlite" or arguments.url:
                measure(storage, arguments.url, keep)


if __name__ == "__main__":
    main()
