"""Upserts as SQLAlchemy's statements, for MySQL, MariaDB and SQLite.

Nothing here executes anything. An upsert obeys the guard of its table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Insert, Table, case, func, literal_column, or_, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect

from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.guard import GuardColumn, Lowest, Ranked, guard_of


def upsert_rows(table: Table, dialect: Dialect) -> Insert:
    """INSERT of rows that replace the stored rows of their keys where the guard allows it.

    It takes one row or a list: `connection.execute(upsert_rows(table, connection.dialect), rows)`.

    Args:
        table: as declared, with its key.
        dialect: of a connection to the database, which tells MySQL and MariaDB apart.

    Raises:
        DeclarationError: the guard does not fit the table; or, on MySQL and MariaDB, a column's name has a percent
            sign.
    """
    if dialect.name == "sqlite":
        return _on_conflict(table, dialect)
    odd = [column.name for column in table.columns if "%" in column.name and not column.primary_key]
    if odd:  # SQLAlchemy doubles the sign once too often in the name of an incoming value.
        raise DeclarationError(f"column {table.name}.{odd[0]} cannot be upserted: its name has a percent sign")
    statement = mysql.insert(table)
    return statement.on_duplicate_key_update(_assignments(_Upsert(table, dict(statement.inserted.items()), dialect)))


def upsert_from(staging: Table, table: Table, dialect: Dialect) -> Insert:
    """The same for all rows of a staging table with the same columns, on MySQL and MariaDB."""
    names = [column.name for column in table.columns]
    statement = mysql.insert(table).from_select(names, select(staging), include_defaults=False)
    return statement.on_duplicate_key_update(_assignments(_Upsert(table, dict(staging.columns.items()), dialect)))


@dataclass(frozen=True)
class _Upsert:
    """What becomes of a stored row that an incoming one meets.

    Attributes:
        table: where the row is stored.
        incoming: the values of the incoming row, by column name.
        dialect: of the database.
    """

    table: Table
    incoming: Mapping[str, ColumnElement[Any]]
    dialect: Dialect

    def new_value(self, name: str) -> ColumnElement[Any]:
        """The value of a column where the incoming row replaces the stored one."""
        guard = guard_of(self.table)
        if guard is not None and name in guard.keeps:
            return func.coalesce(self.incoming[name], self.table.columns[name])
        return self.incoming[name]

    def replaces(self) -> ColumnElement[bool] | None:
        """The condition that the incoming row's guard is not weaker than the stored one's; None without a guard."""
        guard = guard_of(self.table)
        if guard is None:
            return None
        # A comparison with NULL is NULL, which is as good as false: an incoming NULL is weaker than any stored value.
        *earlier, last = guard.columns
        condition = self._is_stronger(last, or_equal=True)
        for column in reversed(earlier):
            name = column if isinstance(column, str) else column.column
            equal = self.incoming[name].is_not_distinct_from(self.table.columns[name])
            condition = case((equal, condition), else_=self._is_stronger(column, or_equal=False))
        return condition

    def _is_stronger(self, column: GuardColumn, *, or_equal: bool) -> ColumnElement[bool]:
        name = column if isinstance(column, str) else column.column
        new, old = self.incoming[name], self.table.columns[name]
        if isinstance(column, Ranked):
            new_rank, old_rank = self._rank(column, new), self._rank(column, old)
            return new_rank >= old_rank if or_equal else new_rank > old_rank
        stronger, weaker = (old, new) if isinstance(column, Lowest) else (new, old)
        return or_(old.is_(None), stronger >= weaker if or_equal else stronger > weaker)

    def _rank(self, ranked: Ranked, value: ColumnElement[Any]) -> ColumnElement[int]:
        ranks: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [
            (value == self._literal(word), literal_column(str(rank)))
            for rank, word in enumerate(ranked.lowest_first, start=1)
        ]
        return case(*ranks, else_=literal_column("0"))

    def _literal(self, word: str) -> ColumnElement[str]:
        # By hand: PyMySQL sends an executemany as one statement only where no parameter follows the rows, and
        # SQLAlchemy's own literals (`literal_execute`) refuse executemany.
        quoted = word.replace("'", "''")
        return literal_column(f"'{quoted if self.dialect.name == 'sqlite' else quoted.replace(chr(92), chr(92) * 2)}'")


def _assignments(upsert: _Upsert) -> list[tuple[str, ColumnElement[Any]]]:
    """What ON DUPLICATE KEY UPDATE assigns, in this order."""
    table, guard, wins = upsert.table, guard_of(upsert.table), upsert.replaces()
    # Assignments take effect from left to right, so a guard column may change only after all that its old value
    # decides; and from the last to the first, since those to the left of a replaced one still compare the same way.
    last = tuple(reversed(guard.names)) if guard else ()
    names = [column.name for column in table.columns if not column.primary_key and column.name not in last]
    if not names and not last:  # the key is the whole row: keep it
        key = next(iter(table.primary_key.columns))
        return [(key.name, key)]
    return [
        (
            name,
            upsert.new_value(name) if wins is None else case((wins, upsert.new_value(name)), else_=table.columns[name]),
        )
        for name in (*names, *last)
    ]


def _on_conflict(table: Table, dialect: Dialect) -> Insert:
    statement = sqlite.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    names = [column.name for column in table.columns if not column.primary_key]
    if not names:
        return statement.on_conflict_do_nothing(index_elements=keys)
    upsert = _Upsert(table, dict(statement.excluded.items()), dialect)
    values = {name: upsert.new_value(name) for name in names}
    return statement.on_conflict_do_update(index_elements=keys, set_=values, where=upsert.replaces())
