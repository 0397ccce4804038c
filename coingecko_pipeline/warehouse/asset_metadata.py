"""What an asset's metadata tells the IO manager, and what the IO manager tells Dagster about a table."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, Literal, cast, get_args

import pandas as pd
from dagster import (
    AssetKey,
    MetadataValue,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
)
from sqlalchemy import Column, Table
from sqlalchemy.dialects import mysql

from coingecko_pipeline.warehouse.arrow_types import TEXT, arrow_type, is_exact_text
from coingecko_pipeline.warehouse.as_declared import declared_unique_keys
from coingecko_pipeline.warehouse.column_inputs import Inputs
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.markdown import LEFT, markdown_table
from coingecko_pipeline.warehouse.reading import Condition, OneOf

WriteMode = Literal["replace_table", "replace_partition", "upsert"]
PREVIEW_ROWS = 10
"""Rows that Dagster shows of a frame."""
_PREVIEW_WIDTH = 60


@dataclass(frozen=True)
class WritePlan:
    """How an asset's rows go into its table.

    Attributes:
        mode: `replace_table`, `replace_partition` or `upsert`.
        partition_columns: the table's columns that hold the partition, by dimension; None for an asset without
            partitions.
        allow_empty: whether no rows at all are a valid result.
    """

    mode: WriteMode
    partition_columns: Mapping[str, str] | None
    allow_empty: bool


def write_plan(
    metadata: Mapping[str, Any], table: Table, partitions: PartitionsDefinition[Any] | None = None
) -> WritePlan:
    """The plan from an asset's definition metadata: `write_mode`, `partition_expr`, `allow_empty`.

    Without `write_mode` a partitioned asset replaces its partitions and another one its table.

    Raises:
        DeclarationError: an unknown mode, a mode that does not go with the partitions, a missing or unknown column.
    """
    partitioned = partitions is not None
    mode = plain(metadata.get("write_mode", "replace_partition" if partitioned else "replace_table"))
    if mode not in get_args(WriteMode):
        raise DeclarationError(
            f"write_mode {mode!r} of table {table.name!r} is none of {', '.join(get_args(WriteMode))}"
        )
    if mode == "replace_table" and partitioned:
        raise DeclarationError(
            f"write_mode replace_table would delete every other partition of table {table.name!r}: "
            "use replace_partition or upsert"
        )
    if mode == "replace_partition" and not partitioned:
        raise DeclarationError(f"write_mode replace_partition of table {table.name!r} needs a partitioned asset")
    allow_empty = plain(metadata.get("allow_empty", False))
    if not isinstance(allow_empty, bool):
        raise DeclarationError(f"allow_empty of table {table.name!r} must be true or false, not {allow_empty!r}")
    columns = None if partitions is None else partition_columns(metadata, table, partitions)
    _check_can_be_written(table, mode)
    return WritePlan(cast("WriteMode", mode), columns, allow_empty)


def _check_can_be_written(table: Table, mode: str) -> None:
    """Refuse what would lose rows without a word.

    Raises:
        DeclarationError: the table has a text key that is not compared byte for byte, or it takes upserts and has
            another unique key than its primary one.
    """
    for column in table.primary_key.columns:
        if arrow_type(column) == TEXT and not is_exact_text(column):
            raise DeclarationError(
                f"key column {table.name}.{column.name} is a {column.type!r}, of which a server may take 'a' and 'A' "
                "for one key: declare it as ExactText"
            )
    if mode != "upsert":
        return
    if declared_unique_keys(table):
        raise DeclarationError(
            f"table {table.name!r} has a unique key beside its primary one, by which an upsert would replace a row of "
            "another key: use replace_partition or replace_table"
        )


def partition_columns(
    metadata: Mapping[str, Any], table: Table, partitions: PartitionsDefinition[Any]
) -> Mapping[str, str]:
    """The columns that `partition_expr` names, by dimension; the only one's name is empty.

    Raises:
        DeclarationError: it is missing, does not name one column for each dimension, or none of the table's.
    """
    given = plain(metadata.get("partition_expr"))
    if isinstance(partitions, MultiPartitionsDefinition):
        dimensions = [dimension.name for dimension in partitions.partitions_defs]
        columns, wanted = given, f"a column for each of the dimensions {', '.join(dimensions)}"
    else:
        dimensions, columns, wanted = [""], {"": given}, "the column that holds its partition"
    named: Mapping[Any, Any] = columns if isinstance(columns, Mapping) else {}
    known = all(isinstance(name, str) and name in table.columns for name in named.values())
    if set(named) != set(dimensions) or not known:
        raise DeclarationError(
            f"the partitioned asset of table {table.name!r} must name {wanted} in metadata partition_expr "
            f"(given: {given!r}; columns: {', '.join(table.columns.keys())})"
        )
    return named


def read_columns(metadata: Mapping[str, Any]) -> list[str] | None:
    """The columns that an input's metadata `columns` asks for; None for all.

    Raises:
        DeclarationError: it is not a list of names.
    """
    columns = plain(metadata.get("columns"))
    if columns is None:
        return None
    if not isinstance(columns, list | tuple) or not all(isinstance(name, str) for name in columns):
        raise DeclarationError(f"metadata columns of an input must be a list of column names, not {columns!r}")
    return list(columns)


def read_conditions(metadata: Mapping[str, Any]) -> list[Condition]:
    """The rows that an input's metadata `where` asks for: a value, or a list of values, for each column.

    Raises:
        DeclarationError: it is not a mapping from column to values, or asks for NULL.
    """
    wanted = plain(metadata.get("where", {}))
    if not isinstance(wanted, Mapping):
        raise DeclarationError(f"metadata where of an input must map columns to values, not {wanted!r}")
    if any(
        value is None
        for values in wanted.values()
        for value in (values if isinstance(values, list | tuple) else [values])
    ):
        raise DeclarationError("metadata where of an input asks for None, which no row equals")
    return [
        OneOf(column, tuple(values) if isinstance(values, list | tuple) else (values,))
        for column, values in wanted.items()
    ]


def plain(value: Any) -> Any:
    """A metadata entry as it was given, whether Dagster has wrapped it or not."""
    return value.value if isinstance(value, MetadataValue) else value


def table_name(database: Database, table: Table) -> str:
    """What Dagster shows as the place of a table: on a server with the name of its database."""
    if database.is_sqlite:
        return table.fullname
    return f"{table.schema or database.url.database}.{table.name}"


def table_uri(database: Database, table: Table) -> str:
    """The address of a table, without the user and the password of its database. Nothing is connected to.

    `mysql://host:3306/name/table`, or the file of an SQLite database: `sqlite:///folder/name.db#table`.
    """
    url = database.url
    if database.is_sqlite:
        return f"sqlite://{Path(url.database or '').resolve()}#{table.name}"
    return f"mysql://{url.host}:{url.port or 3306}/{table.schema or url.database}/{table.name}"


def column_lineage(inputs: Mapping[str, Inputs], key_of: Callable[[Table], AssetKey]) -> TableColumnLineage:
    """What `column_inputs` tells of a table, as Dagster has it.

    Args:
        inputs: The columns that each column is computed from, by its name.
        key_of: The key of a table's asset.
    """
    return TableColumnLineage(
        {
            name: [
                TableColumnDep(key_of(column.table), column.name)
                for column in sorted(columns, key=lambda each: (each.table.fullname, each.name))
            ]
            for name, columns in inputs.items()
        }
    )


def column_schema(table: Table, lineage: TableColumnLineage | None = None) -> TableSchema:
    """A declared table as Dagster's column schema: types, comments as descriptions, keys and NULLs as constraints.

    An asset can carry it before its first run: `metadata={"dagster/column_schema": column_schema(table)}`.

    Args:
        table: As declared.
        lineage: Told with each column's description, since Dagster's own UI does not show it.
    """
    keys = set(table.primary_key.columns.keys())
    return TableSchema(
        columns=[
            TableColumn(
                name=column.name,
                type=_type_name(column),
                description=_described(column, lineage),
                constraints=TableColumnConstraints(
                    nullable=bool(column.nullable),
                    unique=keys == {column.name},
                    other=["primary key" if len(keys) == 1 else "part of the primary key"]
                    if column.name in keys
                    else None,
                ),
            )
            for column in table.columns
        ]
    )


def preview(rows: pd.DataFrame) -> str:
    """The first ten rows as a Markdown table; long values are cut, NULL is empty."""
    first = rows.head(PREVIEW_ROWS)
    cells = ([_cell(value) for value in row] for row in first.itertuples(index=False, name=None))
    return markdown_table(dict.fromkeys(map(str, first.columns), LEFT), cells)


def _described(column: Column[Any], lineage: TableColumnLineage | None) -> str | None:
    names: dict[str, list[str]] = defaultdict(list)
    for dep in lineage.deps_by_column.get(column.name, ()) if lineage else ():
        names[dep.asset_key.to_user_string()].append(dep.column_name)
    if not names:
        return column.comment
    told = "; ".join(f"{', '.join(columns)} of {asset}" for asset, columns in names.items())
    return f"{column.comment} — from {told}"


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and isnan(value)):
        return ""
    text = " ".join(str(value).split())
    return text if len(text) <= _PREVIEW_WIDTH else text[: _PREVIEW_WIDTH - 1] + "…"


def _type_name(column: Column[Any]) -> str:
    arrow_type(column)  # an unsupported type is told here, at the start
    return column.type.compile(dialect=mysql.dialect()).split(" CHARACTER SET")[0].lower()
