"""A Dagster IO manager for MySQL, MariaDB and SQLite whose tables are declared, never inferred."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from dagster import (
    AssetExecutionContext,
    AssetObservation,
    EnvVar,
    Failure,
    InputContext,
    IOManager,
    MetadataValue,
    OutputContext,
)
from sqlalchemy import Connection, MetaData, Table

from coingecko_pipeline.warehouse.as_declared import Use, check_as_declared
from coingecko_pipeline.warehouse.asset_metadata import (
    WritePlan,
    column_schema,
    partition_columns,
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
from coingecko_pipeline.warehouse.frames import Frame
from coingecko_pipeline.warehouse.output import Around, Frames, Written, frames_of
from coingecko_pipeline.warehouse.paging import count_rows
from coingecko_pipeline.warehouse.partition_slice import PartitionSlice, partition_slice
from coingecko_pipeline.warehouse.reading import read_arrow, read_frame
from coingecko_pipeline.warehouse.spool import Spool
from coingecko_pipeline.warehouse.stored_table import StoredTable, stored_table
from coingecko_pipeline.warehouse.writing import TableWriter

COLUMN_SCHEMA = "dagster/column_schema"


class MySQLIOManager(IOManager):
    """Stores assets in declared tables of MySQL, MariaDB or SQLite, and loads them as DataFrames.

    The last part of an asset's key is the name of its table, as is the name of an output that is no asset's; where two
    schemas declare that name, the part before tells which. At its first use a table is compared with what the database
    has. What an asset's metadata can say (`write_mode`,
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
        self._tables = list(_declared(tables))
        self._stored: dict[Table, StoredTable | None] = {}
        self._prepare = prepare
        self._clock = clock
        self._ready: Database | None = None

    def __repr__(self) -> str:
        shown = f"EnvVar({self._source.env_var_name!r})" if isinstance(self._source, EnvVar) else repr(self._source)
        return f"MySQLIOManager({shown}, tables={sorted(table.fullname for table in self._tables)})"

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

    def table(self, *path: str) -> Table:
        """The declared table of an asset's key; of its last part, and of the one before where schemas share a name.

        Raises:
            DeclarationError: there is none, or more than one.
        """
        found = [table for table in self._tables if table.name == path[-1]]
        if len(found) > 1:
            found = [table for table in found if table.schema == (path[-2] if len(path) > 1 else None)]
        if len(found) != 1:
            raise DeclarationError(
                f"no table {path[-1]!r} is declared for {'/'.join(path)} (an asset's table is the last part of its "
                "key, and the part before is its schema where two have a table of that name); declared are "
                f"{', '.join(sorted(table.fullname for table in self._tables))}"
            )
        return found[0]

    def handle_output(self, context: OutputContext, obj: "Frame | Iterable[Frame] | Frames") -> None:
        """Store what an asset returned, and log what was stored.

        Raises:
            dagster.Failure: without retries, where the frames do not fit or the declaration is wrong.
            DatabaseUnavailable: the database did not let us in.
        """
        with _permanent_errors():
            table = self.table(*_path(context))
            definition = context.asset_partitions_def if context.has_asset_partitions else None
            plan = write_plan(context.definition_metadata, table, definition)
            partitions = (
                partition_slice(context, definition, table, plan.partition_columns)
                if definition is not None and plan.partition_columns is not None
                else None
            )
            self._compare(table, plan.mode)
            output = frames_of(obj, table, plan)
            written = Written(partitions, self._clock)
            self._store(table, plan, partitions, output, written)
            self._log_stored(context, table, plan, partitions, written, output.metadata())

    def load_input(self, context: InputContext) -> Any:
        """The table, or the partitions of it that the run asks for, in the order of its key.

        A DataFrame, or what the input's annotation asks for: an Arrow table, or a class that is made of one and gives
        one by `__arrow_c_stream__`, as polars' frame.

        Raises:
            dagster.Failure: without retries, where the declaration is wrong.
            DatabaseUnavailable: the database did not let us in.
        """
        with _permanent_errors():
            table = self.table(*_path(context))
            asked = context.definition_metadata
            conditions = read_conditions(asked)
            if context.has_asset_partitions:
                upstream = context.upstream_output
                told = (upstream.definition_metadata if upstream else None) or asked
                definition = context.asset_partitions_def
                columns = partition_columns(told, table, definition)
                conditions.append(partition_slice(context, definition, table, columns).condition)
            self._compare(table, "read")
            chosen = read_columns(asked)
            wanted = context.dagster_type.typing_type
            if not _is_arrow(wanted):
                return read_frame(self.database, table, columns=chosen, conditions=conditions)
            rows = read_arrow(self.database, table, columns=chosen, conditions=conditions)
            return rows if wanted is pa.Table else wanted(rows)

    def _compare(self, table: Table, use: Use) -> None:
        """Compare a table with what the database has, which is asked for once."""
        database = self.database
        if table not in self._stored:
            self._stored[table] = database.run_reading(lambda connection: stored_table(connection, table))
        stored = self._stored[table]
        if stored is not None:
            check_as_declared(table, stored, use, database.engine.dialect)

    def _store(
        self, table: Table, plan: WritePlan, partitions: PartitionSlice | None, output: Frames, written: Written
    ) -> None:
        writer = TableWriter(self.database, table)
        if plan.mode == "upsert":
            for rows in written.checked(table, output.frames):
                with written.timed():
                    self.database.run_in_transaction(partial(_upsert, writer, rows, output.around))
            _check_not_empty(table, plan, partitions, written)
            return
        # The producer may take hours: its frames wait on disk, so that the transaction is short and can be repeated.
        with Spool() as spool:
            for rows in written.checked(table, output.frames):
                spool.append(rows)
            _check_not_empty(table, plan, partitions, written)
            with written.timed():
                writer.replace(spool, () if partitions is None else (partitions.condition,))

    def _log_stored(
        self,
        context: OutputContext,
        table: Table,
        plan: WritePlan,
        partitions: PartitionSlice | None,
        written: Written,
        produced: Mapping[str, Any],
    ) -> None:
        database = self.database
        metadata: dict[str, Any] = {
            "dagster/table_name": table_name(database, table),
            "storage_kind": database.kind,
            "write_mode": plan.mode,
            "rows_written": written.rows,
            "rows_per_second": written.per_second(written.rows),
            "bytes_per_second": written.per_second(written.bytes),
        }
        if COLUMN_SCHEMA not in context.definition_metadata:  # which Dagster shows too, without a copy in each event
            metadata[COLUMN_SCHEMA] = column_schema(table)
        if written.first_rows is not None:
            metadata["preview"] = MetadataValue.md(preview(written.first_rows))
        if partitions is None:
            metadata["dagster/row_count"] = (
                written.rows
                if plan.mode == "replace_table"
                else database.run_reading(lambda connection: count_rows(connection, table))
            )
            context.add_output_metadata({**metadata, **produced})
            return
        given = partitions.count_by_key(written.rows_by_value)
        stored = given if plan.mode == "replace_partition" else partitions.stored_by_key(database)
        if len(partitions.names) == 1:
            metadata["dagster/partition_row_count"] = stored[partitions.names[0]]
            context.add_output_metadata({**metadata, **produced})
            return
        # What is added to the output goes into the materialization of every partition: of a range each gets its own
        # numbers, and what holds for the run is told once.
        metadata["partitions_written"] = len(partitions.names)
        context.log_event(AssetObservation(context.asset_key, metadata={**metadata, **produced}))
        step = AssetExecutionContext.get()
        for key in partitions.names:
            numbers = {"dagster/partition_row_count": stored[key], "rows_written": given[key]}
            step.add_asset_metadata(numbers, context.asset_key, key)


def _upsert(writer: TableWriter, rows: pa.Table, around: Around | None, connection: Connection) -> None:
    with nullcontext() if around is None else around(connection, rows):
        writer.upsert_in(connection, rows)


def _check_not_empty(table: Table, plan: WritePlan, partitions: PartitionSlice | None, written: Written) -> None:
    if written.rows == 0 and not plan.allow_empty:
        where = table.name if partitions is None else f"{table.name}, {partitions}"
        raise InvalidFrameError(
            f"the asset returned no rows for {where}, and the stored ones were kept; where no rows are a valid "
            'result, say so in its metadata: "allow_empty": True'
        )


def _path(context: OutputContext | InputContext) -> list[str]:
    """What names the table: an asset's key, or the name of an output that is no asset's."""
    if context.has_asset_key:
        return list(context.asset_key.path)
    output = context.upstream_output if isinstance(context, InputContext) else context
    if output is None:
        raise DeclarationError("an input that comes from no asset and no output has no table")
    return [output.name]


def _is_arrow(annotation: Any) -> bool:
    """Whether an input's annotation is Arrow's table or a class that is made of one, and no pandas frame."""
    return (
        isinstance(annotation, type)
        and hasattr(annotation, "__arrow_c_stream__")
        and not issubclass(annotation, pd.DataFrame)
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
