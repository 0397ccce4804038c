"""Rows into the Parquet files of a table, in bounded memory: each file is of one month, and sorted."""

import uuid
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from coingecko_pipeline.lake.copied import CopiedTable
from coingecko_pipeline.lake.shapes import file_schema

FILE_BYTES = 64_000_000
"""Of rows in memory with which a file is full: a month of every coin's prices is 32 MB, and 12 MB as a file."""
BLOCK_ROWS = 131_072
"""Rows of a block, of which an engine reads those whose coins it wants."""


class MonthFiles:
    """Writes the rows of one month into new files, which nobody sees until they are committed.

    Args:
        table: Of the lake.
        copied: What it is a copy of.
        month: As `month_of` counts; None for a table without partitions.
    """

    def __init__(self, table: Table, copied: CopiedTable, month: int | None) -> None:
        self._table = table
        self._copied = copied
        self._month = month
        self._schema = file_schema(copied)
        self._rows: list[pa.RecordBatch] = []
        self._waiting = 0
        self._written: list[DataFile] = []

    @property
    def size(self) -> int:
        """Of the files that were written so far (bytes)."""
        return sum(file.file_size_in_bytes for file in self._written)

    def write(self, rows: pa.RecordBatch) -> None:
        """Take some more rows."""
        if not rows.num_rows:
            return
        self._rows.append(rows)
        self._waiting += rows.nbytes
        if self._waiting >= FILE_BYTES:
            self._write_file()

    def close(self) -> Sequence[DataFile]:
        """Write what is left; the files."""
        if self._rows:
            self._write_file()
        return self._written

    def _write_file(self) -> None:
        rows = pa.Table.from_batches(self._rows)
        self._rows, self._waiting = [], 0
        rows = rows.sort_by([(name, "ascending") for name in self._copied.sorted_by]).cast(self._schema)
        self._written.append(self._file_of(rows))

    def _file_of(self, rows: pa.Table) -> DataFile:
        metadata, key = self._table.metadata, self._partition()
        location = self._table.location_provider().new_data_location(f"{uuid.uuid4()}.parquet", key)
        output = self._table.io.new_output(location)
        with output.create() as stream:
            # Doubles repeat too rarely for a dictionary: with one they take six times as long and more room.
            texts = [field.name for field in rows.schema if not pa.types.is_floating(field.type)]
            with pq.ParquetWriter(stream, rows.schema, compression="zstd", use_dictionary=texts) as writer:
                writer.write_table(rows, row_group_size=BLOCK_ROWS)
            told = data_file_statistics_from_parquet_metadata(
                writer.writer.metadata,
                compute_statistics_plan(metadata.schema(), metadata.properties),
                parquet_path_to_id_mapping(metadata.schema()),
            )
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=location,
            file_format=FileFormat.PARQUET,
            partition=key.partition if key else Record(),
            file_size_in_bytes=len(output),
            sort_order_id=metadata.default_sort_order_id,
            spec_id=metadata.default_spec_id,
            equality_ids=None,
            key_metadata=None,
            **told.to_serialized_dict(),
        )

    def _partition(self) -> PartitionKey | None:
        spec = self._table.spec()
        if spec.is_unpartitioned():
            return None
        (field,) = spec.fields
        return PartitionKey([PartitionFieldValue(field, self._month)], spec, self._table.schema())


def read_file(table: Table, file: DataFile, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a file, or some of their columns."""
    with table.io.new_input(file.file_path).open() as stream:
        return pq.read_table(stream, columns=columns)


def dates_of(copied: CopiedTable, rows: pa.Table | pa.RecordBatch) -> pa.ChunkedArray | pa.Array:
    """The date of each row."""
    moments = rows[copied.dated_by]
    # A moment is cut to its date in UTC, whose zone it has to lose first.
    return moments.cast(pa.timestamp("us")).cast(pa.date32()) if copied.is_dated_by_moments else moments
