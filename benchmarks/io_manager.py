"""The IO manager's upsert, its memory and its reads, beside the bare statements on the same server.

python -m benchmarks.io_manager --url mysql+pymysql://root@127.0.0.1:33306/bench_io [--part upsert|memory|read]
"""

import argparse
import gc
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import psutil
import pymysql
from sqlalchemy import Connection

from benchmarks.databases import fresh_database
from coingecko_pipeline import tables
from coingecko_pipeline.partitions import DAILY
from coingecko_pipeline.warehouse import Between, Database, Frames, MySQLIOManager, OneOf, read_frame
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.load_data import to_text
from coingecko_pipeline.warehouse.upsert import upsert_rows
from coingecko_pipeline.warehouse.writing import TableWriter

FIRST = date(2025, 1, 1)
DAYS = 365
CHUNK_COINS = 50
ROUNDS = 3
MEGABYTE = 1024 * 1024

TABLE = tables.daily_market


def chunk(first_coin: int, coins: int, factor: float = 1.0) -> pd.DataFrame:
    """A year of some coins, coin by coin, with doubles of every size."""
    rng = np.random.default_rng(first_coin)
    dates = pd.Series(pd.date_range(str(FIRST), periods=DAYS, unit="us"))
    rows = coins * DAYS
    price = np.exp(rng.normal(size=rows)) * np.repeat(10.0 ** rng.uniform(-12, 4, coins), DAYS) * factor
    return pd.DataFrame(
        {
            "date": np.tile(dates.to_numpy(), coins),
            "asset_id": np.repeat([f"coin-{first_coin + number}" for number in range(coins)], DAYS),
            "price_usd": price,
            "volume_24h_usd": price * 1234.5678,
            "market_cap_usd": price * 9876543.21,
            "source": tables.CHART,
            "observed_at": pd.to_datetime(np.tile(dates.to_numpy(), coins), utc=True),
        }
    )


def chunks(coins: int, factor: float = 1.0) -> Iterator[pd.DataFrame]:
    """Frames of 50 coins each."""
    for first in range(0, coins, CHUNK_COINS):
        yield chunk(first, min(CHUNK_COINS, coins - first), factor)


def empty(database: Database) -> None:
    """Make the table empty, as a new one is."""
    with database.transaction() as connection:
        connection.exec_driver_sql("TRUNCATE TABLE daily_market")


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def load_ready_file(database: Database, frames: list[pd.DataFrame], folder: str) -> float:
    """One raw LOAD DATA LOCAL of all rows from a file that is ready."""
    path = Path(folder) / "ready.tsv"
    with path.open("wb") as file:
        for frame in frames:
            file.write(to_text(to_arrow(TABLE, frame)))
    statement = (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE daily_market CHARACTER SET utf8mb4 "
        rf"FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' ({', '.join(TABLE.columns.keys())})"
    )

    def work() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(statement)

    return timed(work)


def execute_many(database: Database, frames: list[pd.DataFrame]) -> float:
    """PyMySQL's executemany with the same upsert from the same frames, a commit for each."""
    with database.connect() as connection:
        statement = str(upsert_rows(TABLE, connection.dialect).compile(dialect=connection.dialect))

    def work() -> None:
        for frame in frames:
            values = _tuples(frame)
            with database.transaction() as connection:
                _cursor(connection).executemany(statement, values)

    return timed(work)


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _tuples(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    ordered = frame[[column.name for column in TABLE.columns]].copy()
    ordered["date"] = ordered["date"].dt.strftime("%Y-%m-%d")
    ordered["observed_at"] = ordered["observed_at"].dt.strftime("%Y-%m-%d %H:%M:%S.%f")
    return list(ordered.itertuples(index=False, name=None))


def materialize(database: Database, frames: Iterator[pd.DataFrame], days: int = DAYS) -> None:
    """The IO manager's way: a real asset, a range of partitions in one run."""

    @dg.asset(
        key=["bench", "daily_market"],
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"write_mode": "upsert", "partition_expr": "date"},
    )
    def daily_market() -> Frames:
        return Frames(frames)

    last = (pd.Timestamp(FIRST) + pd.Timedelta(days=days - 1)).date()
    result = dg.Definitions(
        assets=[daily_market],
        resources={"io_manager": MySQLIOManager(database, tables.metadata)},
        jobs=[dg.define_asset_job("job", selection="*")],
    ).resolve_job_def("job").execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        tags={
            "dagster/asset_partition_range_start": FIRST.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        },
    )  # fmt: skip
    if not result.success:
        raise SystemExit("the materialization failed")


def upsert(database: Database, coins: int) -> None:
    """Rows a second of each way, medians of three rounds that take turns."""
    frames, changed = list(chunks(coins)), list(chunks(coins, factor=1.000001))
    rows = sum(map(len, frames))
    writer = TableWriter(database, TABLE)
    slow = Database(database.url.render_as_string(hide_password=False), local_infile=False)
    slow_writer = TableWriter(slow, TABLE)

    def write(with_writer: TableWriter, what: list[pd.DataFrame]) -> float:
        def work() -> None:
            for frame in what:
                with_writer.upsert(to_arrow(TABLE, frame))

        return timed(work)

    seconds: dict[str, list[float]] = {}

    def note(name: str, took: float) -> None:
        seconds.setdefault(name, []).append(took)

    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            empty(database)
            note("one LOAD DATA LOCAL, ready file", load_ready_file(database, frames, folder))
            empty(database)
            note("PyMySQL executemany of the frames' tuples", execute_many(database, frames))
            empty(database)
            note("ours, new rows", write(writer, frames))
            note("ours, the same rows again", write(writer, frames))
            note("ours, every value changed", write(writer, changed))
            empty(database)
            note("ours, LOCAL INFILE forbidden", write(slow_writer, frames))
    rates = {name: rows / statistics.median(took) for name, took in seconds.items()}
    raw, many = rates["one LOAD DATA LOCAL, ready file"], rates["PyMySQL executemany of the frames' tuples"]
    print(f"\n{rows:,} rows, {coins:,} coins, {DAYS} days, {CHUNK_COINS} coins a frame, medians of {ROUNDS}:\n")
    print("| way | rows a second | to LOAD DATA | to executemany |\n|---|---:|---:|---:|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / raw:.2f} | {rate / many:.2f} |")


class Peak:
    """The most memory that this process held, sampled ten times a second."""

    def __enter__(self) -> "Peak":
        """Begin to sample."""
        self._stop = threading.Event()
        self.samples: list[float] = []
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(0.1):
            self.samples.append(process.memory_info().rss / MEGABYTE)

    def __exit__(self, *_: object) -> None:
        """End sampling."""
        self._stop.set()
        self._thread.join()


def memory(database: Database, coins: int) -> None:
    """Peak memory of writing from an iterator, through a real materialization."""
    empty(database)
    with Peak() as peak:
        took = timed(lambda: materialize(database, chunks(coins)))
    quarters = [max(part) for part in np.array_split(peak.samples, 4)]
    print(f"\n{coins * DAYS:,} rows from an iterator in {took:.0f} s; peak {max(peak.samples):.0f} MB;")
    print("by quarter of the time (MB): " + ", ".join(f"{value:.0f}" for value in quarters))


def read(database: Database) -> None:
    """Milliseconds of reading one coin, and one date, beside the bare statement."""
    bare = pymysql.connect(
        host=database.url.host, port=database.url.port or 3306, user=database.url.username,
        password=database.url.password or "", database=database.url.database,
    )  # fmt: skip
    cursor = bare.cursor()

    def fetch(statement: str, *parameters: Any) -> int:
        cursor.execute(statement, parameters)
        return len(cursor.fetchall())

    names = ", ".join(f"`{column.name}`" for column in TABLE.columns)
    day = date(2025, 7, 1)
    cases: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {
        "one coin, all its days": (
            lambda: fetch(f"SELECT {names} FROM daily_market WHERE asset_id = %s ORDER BY date", "coin-777"),
            lambda: len(read_frame(database, TABLE, conditions=[OneOf("asset_id", ("coin-777",))])),
        ),
        "one date, all coins": (
            lambda: fetch(f"SELECT {names} FROM daily_market WHERE date = %s ORDER BY asset_id", day),
            lambda: len(read_frame(database, TABLE, conditions=[Between("date", day, date(2025, 7, 2))])),
        ),
    }
    print("\n| read | rows | bare SQL (ms) | IO manager's read (ms) | ratio |\n|---|---:|---:|---:|---:|")
    for name, (raw, ours) in cases.items():
        rows = ours()
        assert raw() == rows
        times: dict[str, list[float]] = {"raw": [], "ours": []}
        for _ in range(15):
            times["raw"].append(timed(raw))
            times["ours"].append(timed(ours))
        took = {key: statistics.median(values) * 1000 for key, values in times.items()}
        print(f"| {name} | {rows:,} | {took['raw']:.1f} | {took['ours']:.1f} | {took['ours'] / took['raw']:.2f} |")


def main() -> None:
    """Run the parts that are asked for, on a database that is dropped and created."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--part", choices=["upsert", "memory", "read"], help="one part; reading needs memory's rows")
    parser.add_argument("--coins", type=int, default=17_400, help="coins of the memory part")
    arguments = parser.parse_args()
    if arguments.part == "read":
        read(Database(arguments.url))
        return
    database = fresh_database(arguments.url)
    if arguments.part in (None, "memory"):
        memory(database, arguments.coins)
    if arguments.part is None:
        read(database)
    if arguments.part in (None, "upsert"):
        upsert(fresh_database(arguments.url), 2_000)


if __name__ == "__main__":
    main()
