"""A spool: rows of any number kept on disk, to be read more than once, in bounded memory."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa

from coingecko_pipeline.warehouse.room import temporary_room


class Spool:
    """Batches of one schema, appended first and then read as often as needed.

    A replace reads them inside one transaction: the producer has finished by then, so the transaction is short, and
    a deadlock's victim can write them again. The file has no name and is gone when the block ends.
    """

    def __init__(self) -> None:
        # Open for as long as the spool is: __exit__ closes it.
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="warehouse-", suffix=".arrow")  # noqa: SIM115
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what is still in memory has no room, and nobody reads it any more
            self._file.close()

    def append(self, rows: pa.Table) -> None:
        """Keep one more batch. All come before the first reading.

        Raises:
            StorageFull: the folder for temporary files has no space left.
        """
        with temporary_room():
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self._file, rows.schema)
            self._writer.write_table(rows)

    def __iter__(self) -> Iterator[pa.Table]:
        """Every batch from the first, in the order in which they came."""
        if self._writer is None:
            return
        with temporary_room():
            self._writer.close()
            self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
