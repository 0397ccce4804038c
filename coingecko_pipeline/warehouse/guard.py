"""What lets a row replace the stored one of the same key.

A table that takes upserts can carry a `Guard` in `Table.info["guard"]`: every writer of the table then obeys it,
which is why it belongs to the table and not to an asset.
"""

from dataclasses import dataclass

from sqlalchemy import Table

from coingecko_pipeline.warehouse.errors import DeclarationError


@dataclass(frozen=True)
class Ranked:
    """A guard column that is compared by the rank of its value, not by the value.

    Attributes:
        column: name of the column.
        lowest_first: every value that the column may have, the weakest first.
    """

    column: str
    lowest_first: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.lowest_first)) != len(self.lowest_first) or not self.lowest_first:
            raise DeclarationError(f"the ranks of guard column {self.column!r} must be distinct and not empty")


class Guard:
    """An upserted row replaces the stored one only where its guard columns are not lower.

    The columns are compared in order, as in a dictionary: the second decides where the first is equal. Equal in all
    replaces. NULL is lower than every value.

    Example:
        `Guard(Ranked("source", ("snapshot", "chart")), "observed_at")`: a chart row replaces any snapshot row, a
        snapshot never replaces a chart row, and between rows of one source the newer wins.
    """

    def __init__(self, *columns: str | Ranked) -> None:
        self.columns: tuple[str | Ranked, ...] = columns
        if not columns or len(set(self.names)) != len(columns):
            raise DeclarationError(f"a guard needs at least one column, each once; given: {columns!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the order in which they decide."""
        return tuple(c if isinstance(c, str) else c.column for c in self.columns)

    def __repr__(self) -> str:
        return f"Guard({', '.join(map(repr, self.columns))})"


def guard_of(table: Table) -> Guard | None:
    """The guard that `table` declares in `info["guard"]`, checked against its columns, or None.

    Raises:
        DeclarationError: `info["guard"]` is something else, or names a column that the table has not or that is
            part of the key (rows of one key are equal there, so it could never decide).
    """
    guard = table.info.get("guard")
    if guard is None:
        return None
    if not isinstance(guard, Guard):
        raise DeclarationError(f"table {table.name!r}: info['guard'] must be a Guard, not {type(guard).__name__}")
    for name in guard.names:
        if name not in table.columns:
            raise DeclarationError(f"table {table.name!r}: its guard names {name!r}, which is not a column")
        if table.columns[name].primary_key:
            raise DeclarationError(f"table {table.name!r}: its guard names {name!r}, which is part of the key")
    return guard
