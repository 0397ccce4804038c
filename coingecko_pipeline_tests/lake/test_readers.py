"""Engines read the lake: DuckDB by its folder or by Arrow, Spark by its metadata or by the files of the moment.

Spark runs in a process of its own, by the interpreter that SPARK_PYTHON names, or this one where it has pyspark; it
needs Java. Where either is missing its tests are skipped; REQUIRE_SPARK=1 makes that a failure.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.lake.opening import Lake
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.export.rows import MARKET, store
from coingecko_pipeline_tests.lake.copying import DAILY_MARKET, copy, files_of, in_database, lake
from coingecko_pipeline_tests.measures.deriving import changed, log

__all__ = ["lake"]

pytestmark = on_sqlite

Row = tuple[Any, ...]


@pytest.fixture
def changed_lake(lake: Lake) -> Lake:
    """A lake whose market was replaced in part, so that there are files that no reader may take."""
    store(lake.database, tables.daily_market, MARKET[:3])
    copy(lake, DAILY_MARKET)
    store(lake.database, tables.daily_market, MARKET)
    log(lake.database, changed(date(2026, 1, 1), date(2026, 1, 4)))
    copy(lake, DAILY_MARKET)
    return lake


@pytest.fixture
def duck() -> duckdb.DuckDBPyConnection:
    """DuckDB with the extension that reads Iceberg, from the package that holds it."""
    connection = duckdb.connect()
    for name in ("avro", "iceberg"):
        package = importlib.import_module(f"duckdb_extension_{name}")
        (file,) = Path(str(package.__file__)).parent.rglob(f"*/{name}.duckdb_extension")
        connection.execute(f"LOAD '{file}'")
    return connection


def expected(database: Database) -> list[Row]:
    """Each row as Python has it, but for the moment, whose zone engines name differently."""
    return [tuple(row.values())[:-1] for row in in_database(database, DAILY_MARKET).to_pylist()]


def columns() -> str:
    return ", ".join(DAILY_MARKET.schema.names[:-1])


def test_duckdb_reads_the_tables_folder(changed_lake: Lake, duck: duckdb.DuckDBPyConnection) -> None:
    folder = changed_lake.location("daily_market").removeprefix("file://")
    query = f"SELECT {columns()} FROM iceberg_scan('{folder}') ORDER BY date, asset_id"
    assert duck.execute(query).fetchall() == expected(changed_lake.database)
    one = f"SELECT price_usd FROM iceberg_scan('{folder}') WHERE asset_id = 'dps-doubloon ' AND date = '2026-01-01'"
    assert duck.execute(one).fetchall() == [(5e-324,)]


def test_duckdb_reads_what_pyiceberg_hands_over(changed_lake: Lake, duck: duckdb.DuckDBPyConnection) -> None:
    found = changed_lake.made(DAILY_MARKET).scan("date >= '2026-01-02'").to_arrow()
    duck.register("market", found)
    assert duck.execute("SELECT count(*), max(price_usd) FROM market").fetchall() == [(4, 2.0)]


WITH_ICEBERG = """
import glob, json, os, sys
import snowpark_connect_deps_iceberg
from pyspark.sql import SparkSession
folder = os.path.join(os.path.dirname(snowpark_connect_deps_iceberg.__file__), "jars")
jars = [glob.glob(f"{folder}/iceberg-spark-{part}-3.5_2.12-*.jar")[0] for part in ("runtime", "extensions")]
session = SparkSession.builder.master("local[1]").config("spark.jars", ",".join(jars))
"""
"""The jars in that package are Iceberg's for Spark 3.5."""
PLAIN = """
import json, sys
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]")
"""
READ = """
session = session.config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").getOrCreate()
told = json.loads(sys.argv[1])
read = session.read.format("iceberg") if told["iceberg"] else session.read.format("parquet")
rows = read.load(told["places"]).select(*told["columns"]).orderBy("date", "asset_id").collect()
print(json.dumps([[str(row[0]), *row[1:]] for row in rows]))
"""


def spark(modules: Sequence[str], script: str, **told: Any) -> list[Row]:
    """The rows that Spark reads."""
    python = os.environ.get("SPARK_PYTHON", sys.executable)
    imports = "; ".join(f"import {name}" for name in modules)
    there = subprocess.run([python, "-c", imports], capture_output=True, check=False).returncode == 0
    if not (there and shutil.which("java")):
        needed = f"{', '.join(modules)} and java; SPARK_PYTHON names an interpreter that has them"
        (pytest.fail if os.environ.get("REQUIRE_SPARK") else pytest.skip)(f"needs {needed}")
    done = subprocess.run(
        [python, "-c", script + READ, json.dumps({**told, "columns": DAILY_MARKET.schema.names[:-1]})],
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows: list[list[Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return [(date.fromisoformat(row[0]), *row[1:]) for row in rows]


def test_spark_reads_the_table_by_its_metadata(changed_lake: Lake) -> None:
    metadata = changed_lake.made(DAILY_MARKET).metadata_location
    found = spark(["pyspark", "snowpark_connect_deps_iceberg"], WITH_ICEBERG, iceberg=True, places=metadata)
    assert found == expected(changed_lake.database)


def test_any_spark_reads_the_files_of_the_moment(changed_lake: Lake) -> None:
    places = sorted(files_of(changed_lake, DAILY_MARKET))
    assert spark(["pyspark"], PLAIN, iceberg=False, places=places) == expected(changed_lake.database)
