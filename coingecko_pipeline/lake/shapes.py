"""Declared tables as Iceberg knows them: columns with their units, the key, and the month of a row."""

from calendar import monthrange
from datetime import date

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform, MonthTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestamptzType,
)

from coingecko_pipeline.lake.copied import CopiedTable
from coingecko_pipeline.measures import Span

FIRST_PARTITION_ID = 1000
"""Where Iceberg's numbers of partition fields begin."""
FIELD_ID = "PARQUET:field_id"
EPOCH_YEAR = 1970


def schema_of(copied: CopiedTable) -> Schema:
    """The columns, numbered in their order, each with its comment, which ends with the unit of a number."""
    names = [field.name for field in copied.schema]
    fields = [
        NestedField(
            field_id=number,
            name=field.name,
            field_type=_type(field.type),
            required=not field.nullable,
            doc=field.metadata[b"comment"].decode(),
        )
        for number, field in enumerate(copied.schema, start=1)
    ]
    return Schema(*fields, identifier_field_ids=[names.index(name) + 1 for name in copied.key])


def spec_of(copied: CopiedTable) -> PartitionSpec:
    """By month; a table that has a row a date and no more is one file, and has no partitions."""
    if not copied.is_partitioned:
        return PartitionSpec()
    number = copied.schema.names.index(copied.dated_by) + 1
    return PartitionSpec(
        PartitionField(number, FIRST_PARTITION_ID, MonthTransform(), f"{copied.dated_by}_month"), spec_id=0
    )


def order_of(copied: CopiedTable) -> SortOrder:
    """As the rows of a file are sorted."""
    fields = (SortField(copied.schema.names.index(name) + 1, IdentityTransform()) for name in copied.sorted_by)
    return SortOrder(*fields, order_id=1)


def file_schema(copied: CopiedTable) -> pa.Schema:
    """What the files hold: the columns with their numbers, by which an engine knows them."""
    return pa.schema(
        [
            pa.field(field.name, field.type, field.nullable, {FIELD_ID: str(number)})
            for number, field in enumerate(copied.schema, start=1)
        ]
    )


def month_of(day: date) -> int:
    """The month of a date, as Iceberg counts: from January 1970."""
    return (day.year - EPOCH_YEAR) * 12 + day.month - 1


def dates_in(month: int) -> Span:
    """The dates of a month."""
    year, number = EPOCH_YEAR + month // 12, month % 12 + 1
    return Span(date(year, number, 1), date(year, number, monthrange(year, number)[1]))


def _type(kind: pa.DataType) -> PrimitiveType:
    found: dict[pa.DataType, PrimitiveType] = {
        pa.string(): StringType(),
        pa.float64(): DoubleType(),
        pa.int32(): IntegerType(),
        pa.int64(): LongType(),
        pa.bool_(): BooleanType(),
        pa.binary(): BinaryType(),
        pa.date32(): DateType(),
        pa.timestamp("us", "UTC"): TimestamptzType(),
    }
    return found[kind]
