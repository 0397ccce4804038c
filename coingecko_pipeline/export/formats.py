"""The formats, as writers that take one batch of rows after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol, Self

import pyarrow as pa
from pyarrow import csv, ipc, parquet
from sqlalchemy import Table

from coingecko_pipeline.export.errors import SelectionError
from coingecko_pipeline.warehouse.paging import arrow_schema


class Writer(Protocol):
    """Writes rows into an open file; complete when its block ends."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write some more rows."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Write what ends the file."""


class Opener(Protocol):
    """Begins a file of a format."""

    def __call__(self, file: IO[bytes], schema: pa.Schema) -> Writer:
        """A writer into an open file."""


def _parquet(file: IO[bytes], schema: pa.Schema) -> Any:
    key = [(name, "ascending") for name in schema.metadata[b"key"].decode().split(",")]
    return parquet.ParquetWriter(
        file, schema, compression="zstd", sorting_columns=parquet.SortingColumn.from_ordering(schema, key)
    )


def _csv(file: IO[bytes], schema: pa.Schema) -> Any:
    return csv.CSVWriter(file, schema)


def _arrow_file(file: IO[bytes], schema: pa.Schema) -> Any:
    return ipc.new_file(file, schema)


def _arrow_stream(file: IO[bytes], schema: pa.Schema) -> Any:
    return ipc.new_stream(file, schema)


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        suffix: What the name of its files ends with.
        opener: Begins a file.
        stream_opener: Begins what goes through a pipe, whose reader cannot jump to the end.
        is_text: Whether it can be shown in a terminal, and cannot hold bytes.
    """

    suffix: str
    opener: Opener
    stream_opener: Opener
    is_text: bool = False

    def check(self, table: Table) -> None:
        """Refuse a table that the format cannot hold.

        Raises:
            SelectionError: A column holds bytes, and the format is text.
        """
        if not self.is_text:
            return
        for field in arrow_schema(table):
            if pa.types.is_binary(field.type):
                raise SelectionError(
                    f"{table.name}.{field.name} holds bytes, which {self.suffix} cannot: choose "
                    f"{' or '.join(name for name, other in FORMATS.items() if not other.is_text)}."
                )


FORMATS: Mapping[str, Format] = {
    "parquet": Format("parquet", _parquet, _parquet),
    "csv": Format("csv", _csv, _csv, is_text=True),
    "arrow": Format("arrow", _arrow_file, _arrow_stream),
}
"""Each format by its name."""
