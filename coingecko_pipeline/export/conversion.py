"""Values in another currency than the dollar: those of each date by the rate of that date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

IN_DOLLARS = "_usd"
"""What the name of a column ends with whose values are US dollars."""


@dataclass(frozen=True)
class Conversion:
    """What makes values in US dollars values in another currency.

    Attributes:
        currency: Its code, which the names of the columns end with instead.
        usd_per_unit: The price of one unit (US dollars), by the date of the row. Of a date without one the values are
            left empty.
        date_column: The column that holds the date.
        lacking: Dates of rows that were converted and that have no rate.
    """

    currency: str
    usd_per_unit: Mapping[date, float]
    date_column: str = "date"
    lacking: set[date] = field(default_factory=set)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of rows that were converted."""
        return pa.schema([self._field(each) for each in schema], metadata=schema.metadata)

    def converted(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with their values in the currency."""
        days = rows.column(self.date_column).cast(pa.date32())
        known = pa.array(list(self.usd_per_unit), pa.date32())
        rates = pa.array(list(self.usd_per_unit.values()), pa.float64())
        rate = pc.take(rates, pc.index_in(days, known))
        self.lacking.update(pc.unique(days.filter(pc.is_null(rate))).to_pylist())
        columns = [
            pc.divide(column, rate) if each.name.endswith(IN_DOLLARS) else column
            for each, column in zip(rows.schema, rows.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema(rows.schema))

    def _field(self, each: pa.Field) -> pa.Field:
        if not each.name.endswith(IN_DOLLARS):
            return each
        comment = (each.metadata or {}).get(b"comment", b"").decode().replace("US dollars", self.currency)
        name = f"{each.name.removesuffix(IN_DOLLARS)}_{self.currency}"
        return each.with_name(name).with_metadata({"comment": comment})
