"""What the lake has: told from its metadata, without reading a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from coingecko_pipeline.lake.copied import COPIES
from coingecko_pipeline.lake.opening import Lake

TOTALS = ("total-records", "total-data-files", "total-files-size")
"""What Iceberg keeps of each version."""


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake.

    Attributes:
        name: The table.
        rows: Rows.
        files: Files that hold them.
        bytes: Their size.
        metadata: Address of its current metadata, for an engine that is told them by hand.
    """

    name: str
    rows: int
    files: int
    bytes: int
    metadata: str


def tables_of(lake: Lake) -> Sequence[LakeTable]:
    """The tables that there are.

    Raises:
        LakeError: The lake is elsewhere, or its metadata cannot be read.
    """
    found = []
    for copied in COPIES:
        if table := lake.table(copied):
            snapshot = table.current_snapshot()
            summary = snapshot.summary if snapshot else None
            rows, files, size = (int((summary and summary[name]) or 0) for name in TOTALS)
            found.append(LakeTable(copied.name, rows, files, size, table.metadata_location))
    return found
