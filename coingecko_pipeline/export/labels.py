"""Which date a row carries: its own, whose midnight begins it, or the day whose close it is."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Table

DAY = timedelta(days=1)
OPEN, CLOSE = "open", "close"
LABELS = (OPEN, CLOSE)
"""`open`: the row of date D is the value at 00:00:00 UTC of D, as stored. `close`: at 24:00:00 UTC of D."""

AT_MIDNIGHT = "the values are those of 00:00:00 UTC of this date"
"""The comment of a date whose rows can be labelled by the day that has ended."""
AT_CLOSE = "the values are those of 24:00:00 UTC of this date, its close"


def labelled_column(table: Table) -> Column[object] | None:
    """The date of a table whose rows are values at a midnight; None of other tables."""
    return next((column for column in table.primary_key.columns if column.comment == AT_MIDNIGHT), None)


def schema_by_close(schema: pa.Schema, column: str) -> pa.Schema:
    """The schema of rows whose date is the day that has ended."""
    place = schema.get_field_index(column)
    field = schema.field(place).with_metadata({"comment": AT_CLOSE})
    return schema.set(place, field).with_metadata({**(schema.metadata or {}), "label": CLOSE})


def by_close(batch: pa.RecordBatch, column: str) -> pa.RecordBatch:
    """Rows with the day that has ended as their date."""
    place = batch.schema.get_field_index(column)
    days = pc.subtract(batch.column(place).cast(pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32())
    return pa.RecordBatch.from_arrays(
        [days if number == place else values for number, values in enumerate(batch.columns)], schema=batch.schema
    )
