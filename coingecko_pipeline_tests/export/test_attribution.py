"""Whose data an exported file holds."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from coingecko_pipeline import tables
from coingecko_pipeline.export import FORMATS, Attribution, Export, Selection, sidecar_of, source_in
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.export.rows import MARKET, store

WORDS = Attribution("coingecko", "Data provided by CoinGecko", "https://www.coingecko.com")


@on_sqlite
@pytest.mark.parametrize("name", FORMATS)
def test_each_file_tells_whose_data_it_holds(database: Database, tmp_path: Path, name: str) -> None:
    store(database, tables.daily_market, MARKET)
    path = tmp_path / f"file.{name}"
    Export(database, Selection(tables.daily_market), FORMATS[name], attribution=WORDS).to_file(path)
    assert source_in(path) == "coingecko"
    if name == "csv":
        assert sidecar_of(path).read_text(encoding="utf-8").splitlines() == [
            "attribution: Data provided by CoinGecko",
            "attribution_url: https://www.coingecko.com",
            "source: coingecko",
            "file: file.csv",
        ]
        return
    assert not sidecar_of(path).exists()
    with ipc.open_file(path) if name == "arrow" else parquet.ParquetFile(path) as file:
        metadata = (file.schema if name == "arrow" else file.schema_arrow).metadata
    assert metadata[b"attribution"] == b"Data provided by CoinGecko"
    assert metadata[b"attribution_url"] == b"https://www.coingecko.com"
    assert metadata[b"table"] == b"daily_market"


def test_a_file_of_another_program_is_no_export(tmp_path: Path) -> None:
    others = pa.table({"a": [1]}).replace_schema_metadata({"source": "coingecko"})
    parquet.write_table(others, tmp_path / "others.parquet")
    (tmp_path / "others.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    assert {source_in(path) for path in tmp_path.iterdir()} == {None}


def test_a_renamed_sidecar_speaks_for_no_other_file(tmp_path: Path) -> None:
    WORDS.put_beside(tmp_path / "one.csv")
    (tmp_path / "two.csv").write_text("a\n1\n", encoding="utf-8")
    sidecar_of(tmp_path / "one.csv").rename(sidecar_of(tmp_path / "two.csv"))
    assert source_in(tmp_path / "two.csv") is None
