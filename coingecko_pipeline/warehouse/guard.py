"""What lets a row replace the stored one of the same key.

A table that takes upserts can carry a `Guard` in `Table.info["guard"]`: every writer of the table then obeys it,
which is why it belongs to the table and not to an asset.
"""

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Lowest:
    """A guard column of which the lower value is the stronger: the earliest reading stays, for example.

    Attributes:
        column: name of the column.
    """

    column: str


GuardColumn = str | Ranked | Lowest
"""A guard column: by its name where the higher value is the stronger."""


class Guard:
    """An upserted row replaces the stored one only where its guard columns are not weaker; else it changes nothing.

    The columns are compared in order, as in a dictionary: the second decides where the first is equal. Equal in all
    replaces. The higher value is the stronger, but for `Ranked` and `Lowest`; NULL is weaker than every value.

    Args:
        columns: the guard columns, the one that decides first at the beginning.
        keeps: columns whose stored value stays where the row that replaces has NULL, value by value.

    Example:
        `Guard(Ranked("quality", ("provisional", "checked")), "read_at", keeps=("mean_c",))`: a checked row replaces any
        provisional one, never the reverse; between rows of one quality the later reading wins; and a row that has no
        `mean_c` does not erase the stored one.
    """

    def __init__(self, *columns: GuardColumn, keeps: Sequence[str] = ()) -> None:
        self.columns: tuple[GuardColumn, ...] = columns
        self.keeps: tuple[str, ...] = tuple(keeps)
        if not columns or len({*self.names, *self.keeps}) != len(columns) + len(self.keeps):
            raise DeclarationError(f"a guard needs at least one column, and each column once; given: {self!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the guard columns, in the order in which they decide."""
        return tuple(c if isinstance(c, str) else c.column for c in self.columns)

    def __repr__(self) -> str:
        keeps = [f"keeps={self.keeps!r}"] if self.keeps else []
        return f"Guard({', '.join([*map(repr, self.columns), *keeps])})"


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
    for name in (*guard.names, *guard.keeps):
        if name not in table.columns:
            raise DeclarationError(f"table {table.name!r}: its guard names {name!r}, which is not a column")
        if table.columns[name].primary_key:
            raise DeclarationError(f"table {table.name!r}: its guard names {name!r}, which is part of the key")
    return guard
