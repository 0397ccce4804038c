"""A Dagster IO manager for MySQL, MariaDB and SQLite whose tables are declared, never inferred."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
from dagster import (
    AssetObservation,
    EnvVar,
    Failure,
    InputContext,
    IOManager,
    MetadataValue,
    OutputContext,
)
from sqlalchemy import MetaData, Table

from coingecko_pipeline.warehouse.asset_metadata import (
    WritePlan,
    column_schema,
    partition_column,
    preview,
    read_columns,
    read_conditions,
    table_name,
    write_plan,
)
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import (
    DatabaseUnavailable,
    DeclarationError,
    InvalidFrameError,
    WarehouseError,
)
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.paging import count_rows
from coingecko_pipeline.warehouse.partition_slice import PartitionSlice, partition_slice, value_counts
from coingecko_pipeline.warehouse.reading import read_frame
from coingecko_pipeline.warehouse.spool import Spool
from coingecko_pipeline.warehouse.writing import TableWriter


@dataclass(frozen=True)
class Frames:
    """What a streaming asset returns: its frames one by one, and what it knows when the last one is out.

    Attributes:
        frames: an iterator of DataFrames. In `upsert` mode each is committed before the next is asked for.
        metadata: asked once, after the last frame was stored; merged into the output's metadata, where it wins over
            the IO manager's own entries.
    """

    frames: Iterable[pd.DataFrame]
    metadata: Callable[[], Mapping[str, Any]] = field(default=dict)


class MySQLIOManager(IOManager):
    """Stores assets in declared tables of MySQL, MariaDB or SQLite, and loads them as DataFrames.

    The last part of an asset's key is the name of its table. What an asset's metadata can say (`write_mode`,
    `partition_expr`, `allow_empty`) and an input's (`columns`, `where`) is told in docs/mysql-io-manager.md.

    What cannot succeed the next time either (a frame that does not fit, a wrong declaration) is raised as
    `dagster.Failure` with `allow_retries=False`. An error of the asset's own iterator comes through as it is. A
    generator goes into `Frames`: Dagster itself takes a bare one for events.

    Args:
        database: a `Database`, its URL, or an `EnvVar` with the URL, which is looked up at the first use. It is not
            part of Dagster's resource config, so the UI shows neither the URL nor its password.
        tables: the declared tables, or the `MetaData` that holds them. They must exist in the database.
        prepare: called once with the database before its first use: to migrate it, or to refuse it.
        clock: a monotonic clock in seconds, for the rates in the metadata.

    Raises:
        DatabaseUrlError: the URL cannot be used.
    """

    def __init__(
        self,
        database: Database | str,
        tables: MetaData | Iterable[Table],
        *,
        prepare: Callable[[Database], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._source = database if isinstance(database, Database | EnvVar) else Database(database)
        self._tables = {table.name: table for table in _declared(tables)}
        self._prepare = prepare
        self._clock = clock
        self._ready: Database | None = None

    def __repr__(self) -> str:
        shown = f"EnvVar({self._source.env_var_name!r})" if isinstance(self._source, EnvVar) else repr(self._source)
        return f"MySQLIOManager({shown}, tables={sorted(self._tables)})"

    @property
    def database(self) -> Database:
        """The database, prepared.

        Raises:
            DatabaseUrlError: the environment variable is not set, or holds a URL that cannot be used.
        """
        if self._ready is None:
            database = Database(self._source.get_value() or "") if isinstance(self._source, EnvVar) else self._source
            if self._prepare is not None:
                self._prepare(database)
            self._ready = database
        return self._ready

    def table(self, name: str) -> Table:
        """The declared table of that name.

        Raises:
            DeclarationError: there is none.
        """
        if name not in self._tables:
            raise DeclarationError(
                f"no table {name!r} is declared (an asset's table is the last part of its key); "
                f"declared are {', '.join(sorted(self._tables))}"
            )
        return self._tables[name]

    def handle_output(self, context: OutputContext, obj: pd.DataFrame | Iterable[pd.DataFrame] | Frames) -> None:
        """Store what an asset returned, and log what was stored.

        Raises:
            dagster.Failure: without retries, where the frames do not fit or the declaration is wrong.
            DatabaseUnavailable: the database did not let us in.
        """
        with _permanent_errors():
            table = self.table(context.asset_key.path[-1])
            plan = write_plan(context.definition_metadata, table, partitioned=context.has_asset_partitions)
            part = (
                partition_slice(context, context.asset_partitions_def, table, plan.partition_column)
                if plan.partition_column is not None
                else None
            )
            output = obj if isinstance(obj, Frames) else Frames([obj] if isinstance(obj, pd.DataFrame) else obj)
            tally = _Tally(self._clock)
            self._store(table, plan, part, output.frames, tally)
            self._log_stored(context, table, plan, part, tally, output.metadata())

    def load_input(self, context: InputContext) -> pd.DataFrame:
        """The table, or the partitions of it that the run asks for, as a DataFrame in the order of its key.

        Raises:
            dagster.Failure: without retries, where the declaration is wrong.
            DatabaseUnavailable: the database did not let us in.
        """
        with _permanent_errors():
            table = self.table(context.asset_key.path[-1])
            asked = context.definition_metadata
            conditions = read_conditions(asked)
            if context.has_asset_partitions:
                upstream = context.upstream_output
                column = partition_column((upstream.definition_metadata if upstream else None) or asked, table)
                part = partition_slice(context, context.asset_partitions_def, table, column)
                conditions.append(part.condition)
            return read_frame(self.database, table, columns=read_columns(asked), conditions=conditions)

    def _store(
        self,
        table: Table,
        plan: WritePlan,
        part: PartitionSlice | None,
        frames: Iterable[pd.DataFrame],
        tally: "_Tally",
    ) -> None:
        writer = TableWriter(self.database, table)
        if plan.mode == "upsert":
            for rows in _checked(table, part, frames, tally):
                with tally.writing():
                    writer.upsert(rows)
            _check_not_empty(table, plan, part, tally)
            return
        # The producer may take hours: its frames wait on disk, so that the transaction is short and can be repeated.
        with Spool() as spool:
            for rows in _checked(table, part, frames, tally):
                spool.append(rows)
            _check_not_empty(table, plan, part, tally)
            with tally.writing():
                writer.replace(spool, () if part is None else (part.condition,))

    def _log_stored(
        self,
        context: OutputContext,
        table: Table,
        plan: WritePlan,
        part: PartitionSlice | None,
        tally: "_Tally",
        produced: Mapping[str, Any],
    ) -> None:
        database = self.database
        metadata: dict[str, Any] = {
            "dagster/table_name": table_name(database, table),
            "dagster/column_schema": column_schema(table),
            "storage_kind": database.kind,
            "write_mode": plan.mode,
            "rows_written": tally.rows,
            "rows_per_second": tally.per_second(tally.rows),
            "bytes_per_second": tally.per_second(tally.bytes),
        }
        if tally.first is not None:
            metadata["preview"] = MetadataValue.md(preview(tally.first))
        if part is None:
            metadata["dagster/row_count"] = (
                tally.rows
                if plan.mode == "replace_table"
                else database.run_reading(lambda connection: count_rows(connection, table))
            )
        else:
            written = part.count_by_key(tally.by_value)
            stored = written if plan.mode == "replace_partition" else part.stored_by_key(database)
            if len(part.keys) == 1:
                metadata["dagster/partition_row_count"] = stored[part.keys[0]]
            else:
                metadata["partitions_written"] = len(part.keys)
                for key in part.keys:
                    counts = {"dagster/partition_row_count": stored[key], "rows_written": written[key]}
                    context.log_event(AssetObservation(context.asset_key, partition=key, metadata=counts))
        context.add_output_metadata({**metadata, **produced})


class _Tally:
    """What was written so far, and the seconds that the database took."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.rows = 0
        self.bytes = 0
        self.seconds = 0.0
        self.first: pd.DataFrame | None = None
        self.by_value: Counter[Any] = Counter()

    def add(self, frame: pd.DataFrame, rows: pa.Table, part: PartitionSlice | None) -> None:
        self.rows += len(rows)
        self.bytes += rows.nbytes
        if self.first is None and len(frame):
            self.first = frame.head(10).copy()
        if part is not None:
            self.by_value.update(value_counts(rows, part.column))

    @contextmanager
    def writing(self) -> Iterator[None]:
        start = self._clock()
        yield
        self.seconds += self._clock() - start

    def per_second(self, amount: int) -> float:
        return round(amount / self.seconds, 1) if self.seconds > 0 else 0.0


def _checked(
    table: Table, part: PartitionSlice | None, frames: Iterable[pd.DataFrame], tally: _Tally
) -> Iterator[pa.Table]:
    if not isinstance(frames, Iterable) or isinstance(frames, str | Mapping):
        raise InvalidFrameError(
            f"the asset of table {table.name!r} must return a DataFrame, an iterator of them, or Frames, "
            f"not {type(frames).__name__}"
        )
    for frame in frames:
        rows = to_arrow(table, frame)
        if part is not None:
            part.check(rows)
        tally.add(frame, rows, part)
        yield rows


def _check_not_empty(table: Table, plan: WritePlan, part: PartitionSlice | None, tally: _Tally) -> None:
    if tally.rows == 0 and not plan.allow_empty:
        where = table.name if part is None else f"{table.name}, {part}"
        raise InvalidFrameError(
            f"the asset returned no rows for {where}, and the stored ones were kept; where no rows are a valid "
            'result, say so in its metadata: "allow_empty": True'
        )


def _declared(tables: MetaData | Iterable[Table]) -> Iterable[Table]:
    return tables.tables.values() if isinstance(tables, MetaData) else tables


@contextmanager
def _permanent_errors() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable:
        raise
    except WarehouseError as error:
        raise Failure(description=str(error), allow_retries=False) from error
