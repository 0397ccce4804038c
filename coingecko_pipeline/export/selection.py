"""Which rows of a table are exported."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
from sqlalchemy import Column, Table

from coingecko_pipeline.export.errors import SelectionError
from coingecko_pipeline.export.labels import CLOSE, DAY, OPEN, by_close, labelled_column, schema_by_close
from coingecko_pipeline.warehouse import Between, OneOf
from coingecko_pipeline.warehouse.arrow_types import arrow_type
from coingecko_pipeline.warehouse.reading import Condition

ASSET_COLUMN = "asset_id"


@dataclass(frozen=True)
class Selection:
    """Rows of a table: all of them, or those of some dates and assets.

    Attributes:
        table: As declared.
        first: The first UTC date; None for no bound.
        last: The last one, included; None for no bound.
        asset_ids: Only these assets; all where there are none.
        label: Which date a row carries, and is chosen by: `open`, its own, or `close`, the day that ends with it.
    """

    table: Table
    first: date | None = None
    last: date | None = None
    asset_ids: tuple[str, ...] = ()
    label: str = OPEN

    def conditions(self) -> list[Condition]:
        """The same for the warehouse.

        Raises:
            SelectionError: The table has no date to choose by, no asset_id, no values at a midnight to label by the
                close, or the last date comes before the first.
        """
        found: list[Condition] = []
        if self.label == CLOSE and labelled_column(self.table) is None:
            raise SelectionError(
                f"Rows of {self.table.name} have no close to be labelled by: they are no values at a midnight."
            )
        if self.first or self.last:
            found.append(self._dates())
        if self.asset_ids:
            if ASSET_COLUMN not in self.table.columns:
                raise SelectionError(f"Rows of {self.table.name} are not chosen by asset: it has no {ASSET_COLUMN}.")
            found.append(OneOf(ASSET_COLUMN, self.asset_ids))
        return found

    def labelled_schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of the rows as they are labelled."""
        column = self._relabelled
        return schema if column is None else schema_by_close(schema, column)

    def labelled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows under the date that they carry."""
        column = self._relabelled
        return batch if column is None else by_close(batch, column)

    @property
    def _relabelled(self) -> str | None:
        column = labelled_column(self.table) if self.label == CLOSE else None
        return None if column is None else column.name

    def _dates(self) -> Between:
        column = date_column(self.table)
        if column is None:
            raise SelectionError(
                f"Rows of {self.table.name} are not chosen by date: its key has none. Export the whole table."
            )
        first, last = self.first or date.min, self.last or date.max - DAY
        if last < first:
            raise SelectionError(f"The last date, {last}, comes before the first, {first}.")
        if self.label == CLOSE:  # the close of a day is the row of the next
            first, last = first + DAY, min(last, date.max - 2 * DAY) + DAY
        end = last + DAY
        if arrow_type(column) == pa.date32():
            return Between(column.name, first, end)
        return Between(column.name, _midnight(first), _midnight(end))

    def __str__(self) -> str:
        """The table and the dates, as a sentence has them."""
        name = f"the closes of {self.table.name}" if self.label == CLOSE else self.table.name
        if self.first and self.last:
            return f"{name} from {self.first} to {self.last}"
        since = f" from {self.first}" if self.first else ""
        return f"{name}{since}{f' to {self.last}' if self.last else ''}"


def date_column(table: Table) -> Column[Any] | None:
    """The column of a table's key that holds a date or a moment; None where it has none.

    A date outside of the key, such as `assets.first_seen_on`, is something that a row tells, not what it is about.
    """
    return next((key for key in table.primary_key.columns if pa.types.is_temporal(arrow_type(key))), None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
