"""What an asset returns for its table: frames, one by one, each checked and counted on its way."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Table

from coingecko_pipeline.warehouse.asset_metadata import PREVIEW_ROWS, WritePlan
from coingecko_pipeline.warehouse.errors import DeclarationError, InvalidFrameError
from coingecko_pipeline.warehouse.frames import Frame, is_frame, to_arrow
from coingecko_pipeline.warehouse.partition_slice import PartitionSlice, value_counts

Around = Callable[[Connection, pa.Table], AbstractContextManager[None]]


@dataclass(frozen=True)
class Frames:
    """What a streaming asset returns: its frames one by one, and what it knows when the last one is out.

    Attributes:
        frames: an iterator of DataFrames or Arrow tables. In `upsert` mode each is committed before the next is asked
            for.
        metadata: asked once, after the last frame was stored; merged into the output's metadata, where it wins over
            the IO manager's own entries.
        around: in `upsert` mode: what else belongs to the transaction of a frame. It is called with the transaction's
            connection and the frame's rows, as `to_arrow` makes them; what it returns is entered before the rows are
            written and left after them, and the transaction commits only then. It can be called again for the same
            frame where the transaction is tried again, so it must leave nothing behind outside of it.
    """

    frames: Iterable[Frame]
    metadata: Callable[[], Mapping[str, Any]] = field(default=dict)
    around: Around | None = None


def frames_of(returned: Any, table: Table, plan: WritePlan) -> Frames:
    """What an asset returned, as `Frames`.

    Raises:
        InvalidFrameError: it is nothing that holds frames.
        DeclarationError: `around` is given where frames are not written one by one.
    """
    if is_frame(returned):
        return Frames([returned])
    output = returned if isinstance(returned, Frames) else Frames(returned)
    if not isinstance(output.frames, Iterable) or isinstance(output.frames, str | Mapping):
        raise InvalidFrameError(
            f"the asset of table {table.name!r} must return a DataFrame, an Arrow table, an iterator of them, or "
            f"Frames, not {type(output.frames).__name__}"
        )
    if output.around is not None and plan.mode != "upsert":
        raise DeclarationError(
            f"the asset of table {table.name!r} gives Frames.around, which goes with write_mode upsert: "
            f"{plan.mode} writes all frames in one transaction"
        )
    return output


class Written:
    """What was written so far, and the seconds that the database took.

    Args:
        partitions: the partitions that the rows must be in; None for an asset without partitions.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, partitions: PartitionSlice | None, clock: Callable[[], float]) -> None:
        self._partitions = partitions
        self._clock = clock
        self.rows = 0
        self.bytes = 0
        self.seconds = 0.0
        self.first_rows: pd.DataFrame | None = None
        self.rows_by_value: Counter[Any] = Counter()

    def checked(self, table: Table, frames: Iterable[Frame]) -> Iterator[pa.Table]:
        """Each frame as rows of the table, counted.

        Raises:
            InvalidFrameError: one does not fit the table, or has rows outside of the partitions.
        """
        for frame in frames:
            rows = to_arrow(table, frame)
            if self._partitions is not None:
                self._partitions.check(rows)
                self.rows_by_value.update(value_counts(rows, self._partitions.columns))
            if self.first_rows is None and len(rows):
                self.first_rows = _first_rows(frame, rows)
            self.rows += len(rows)
            self.bytes += rows.nbytes
            yield rows

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the seconds of the block as the database's."""
        start = self._clock()
        yield
        self.seconds += self._clock() - start

    def per_second(self, amount: int) -> float:
        """An amount by second of the database's time."""
        return round(amount / self.seconds, 1) if self.seconds > 0 else 0.0


def _first_rows(frame: Frame, rows: pa.Table) -> pd.DataFrame:
    if isinstance(frame, pd.DataFrame):
        return frame.head(PREVIEW_ROWS).copy()
    first: pd.DataFrame = rows.slice(0, PREVIEW_ROWS).to_pandas()
    return first
