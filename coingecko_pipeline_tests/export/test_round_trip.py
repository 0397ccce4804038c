"""What is exported and read back is what the table holds: byte for byte, bit for bit, with types, NULLs and units."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Table

from coingecko_pipeline import tables
from coingecko_pipeline.export import FORMATS, Export, Selection
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.paging import arrow_schema
from coingecko_pipeline_tests.export.rows import HARD_ROWS, MARKET, exactly, read_file, rows_in, store

every_format = pytest.mark.parametrize("name", list(FORMATS))
every_table = pytest.mark.parametrize("table", list(HARD_ROWS), ids=lambda table: table.name)


@every_format
@every_table
def test_every_row_comes_back_exactly_and_in_the_order_of_the_key(
    database: Database, tmp_path: Path, table: Table, name: str
) -> None:
    if table is tables.market_charts and name == "csv":
        pytest.skip("refused, as another test shows")
    rows = HARD_ROWS[table]
    store(database, table, list(reversed(rows)))
    path = tmp_path / f"file.{name}"
    exported = Export(database, Selection(table), FORMATS[name]).to_file(path)
    assert (exported.rows, exported.size) == (len(rows), path.stat().st_size)
    found = read_file(path, name, table)
    assert exactly(rows_in(found)) == exactly(rows)
    assert [(field.name, field.type) for field in found.schema] == [
        (field.name, field.type) for field in arrow_schema(table)
    ]


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_the_files_carry_types_units_and_the_key(database: Database, tmp_path: Path, name: str) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / "file"
    Export(database, Selection(tables.daily_market), FORMATS[name]).to_file(path)
    schema = read_file(path, name, tables.daily_market).schema
    assert {field.name: str(field.type) for field in schema} == {
        "date": "date32[day]",
        "asset_id": "string",
        "price_usd": "double",
        "volume_24h_usd": "double",
        "market_cap_usd": "double",
        "source": "string",
        "observed_at": "timestamp[us, tz=UTC]",
    }
    assert [field.name for field in schema if not field.nullable] == ["date", "asset_id", "source"]
    assert schema.field("price_usd").metadata[b"comment"] == b"price of one coin (US dollars)"
    assert all(field.metadata[b"comment"] for field in schema)
    assert schema.metadata == {
        b"table": b"daily_market",
        b"comment": b"One coin on one date: price, volume and market cap",
        b"key": b"date,asset_id",
    }


def test_a_parquet_file_says_by_what_its_rows_are_sorted(database: Database, tmp_path: Path) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / "file.parquet"
    Export(database, Selection(tables.daily_market), FORMATS["parquet"]).to_file(path)
    group = parquet.ParquetFile(path).metadata.row_group(0)
    assert group.sorting_columns == (parquet.SortingColumn(0), parquet.SortingColumn(1))
    assert group.column(2).compression == "ZSTD"


def test_a_csv_file_is_as_its_page_says(database: Database, tmp_path: Path) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / "file.csv"
    Export(database, Selection(tables.daily_market), FORMATS["csv"]).to_file(path)
    assert path.read_text(encoding="utf-8").splitlines()[:4] == [
        '"date","asset_id","price_usd","volume_24h_usd","market_cap_usd","source","observed_at"',
        '2026-01-01,"bitcoin",0.30000000000000004,3.5e+10,1.7976931348623157e+308,"chart",2026-01-01 00:00:00.000000Z',
        '2026-01-01,"dps-doubloon",1e-18,,0,"snapshot",2026-01-01 00:03:04.005678Z',
        '2026-01-01,"dps-doubloon ",5e-324,0,,"snapshot",',
    ]


def test_an_arrow_stream_can_be_read_from_a_pipe(database: Database) -> None:
    store(database, tables.daily_market, MARKET)
    pipe = pa.BufferOutputStream()
    with pa.PythonFile(pipe, mode="w") as file:
        assert Export(database, Selection(tables.daily_market), FORMATS["arrow"]).to_stream(file).rows == len(MARKET)
        assert not pipe.closed
        with pa.ipc.open_stream(pipe.getvalue()) as reader:
            assert exactly(rows_in(reader.read_all())) == exactly(MARKET)
