"""The write modes as SQL, for MySQL, MariaDB and SQLite.

Nothing here executes anything. Every statement is for the driver as it is: `%s` parameters for MySQL and MariaDB, `?`
for SQLite. Values are always parameters; names are quoted.
"""

from collections.abc import Callable

from sqlalchemy import Table

from coingecko_pipeline.warehouse.database import Kind
from coingecko_pipeline.warehouse.guard import Ranked, guard_of


def quoted(name: str, kind: Kind) -> str:
    """A name as an identifier of the dialect, safe inside a statement that has parameters."""
    if kind == "sqlite":
        return '"' + name.replace('"', '""') + '"'
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def placeholder(kind: Kind) -> str:
    """What stands for a parameter."""
    return "?" if kind == "sqlite" else "%s"


def column_list(table: Table, kind: Kind) -> str:
    """The names of all columns, quoted, as a list."""
    return ", ".join(quoted(column.name, kind) for column in table.columns)


def insert_rows(table: Table, kind: Kind) -> str:
    """INSERT of one row of parameters, for a driver's `executemany`."""
    values = ", ".join([placeholder(kind)] * len(table.columns))
    return f"INSERT INTO {quoted(table.name, kind)} ({column_list(table, kind)}) VALUES ({values})"  # noqa: S608


def upsert_rows(table: Table, kind: Kind) -> str:
    """INSERT of one row of parameters that replaces the stored row of its key where the guard allows it."""
    insert = insert_rows(table, kind)
    if kind == "mysql":
        return f"{insert} AS `incoming` {_on_duplicate(table, kind, lambda name: f'`incoming`.{quoted(name, kind)}')}"
    if kind == "mariadb":
        return f"{insert} {_on_duplicate(table, kind, lambda name: f'VALUES({quoted(name, kind)})')}"
    return f"{insert} {_on_conflict(table)}"


def upsert_from(staging: str, table: Table, kind: Kind) -> str:
    """The same for all rows of a staging table with the same columns, on MySQL and MariaDB."""
    source = quoted(staging, kind)
    columns = ", ".join(f"{source}.{quoted(column.name, kind)}" for column in table.columns)
    update = _on_duplicate(table, kind, lambda name: f"{source}.{quoted(name, kind)}")
    return (
        f"INSERT INTO {quoted(table.name, kind)} ({column_list(table, kind)}) "  # noqa: S608
        f"SELECT {columns} FROM {source} {update}"
    )


def _on_duplicate(table: Table, kind: Kind, incoming: Callable[[str], str]) -> str:
    guard = guard_of(table)
    stored_table = quoted(table.name, kind)

    def stored(name: str) -> str:
        return f"{stored_table}.{quoted(name, kind)}"

    condition = _not_lower(table, kind, incoming, stored)
    # Assignments take effect from left to right, so a guard column may change only after all that its old value
    # decides; and from the last to the first, since those to the left of a replaced one still compare the same way.
    last = tuple(reversed(guard.names)) if guard else ()
    names = [column.name for column in table.columns if not column.primary_key and column.name not in last]
    assignments = [
        f"{quoted(name, kind)} = "
        + (incoming(name) if condition is None else f"IF({condition}, {incoming(name)}, {stored(name)})")
        for name in (*names, *last)
    ]
    if not assignments:  # the key is the whole row: keep it
        key = next(iter(table.primary_key.columns)).name
        assignments = [f"{quoted(key, kind)} = {stored(key)}"]
    return "ON DUPLICATE KEY UPDATE " + ", ".join(assignments)


def _on_conflict(table: Table) -> str:
    def incoming(name: str) -> str:
        return f"excluded.{quoted(name, 'sqlite')}"

    def stored(name: str) -> str:
        return f"{quoted(table.name, 'sqlite')}.{quoted(name, 'sqlite')}"

    keys = ", ".join(quoted(column.name, "sqlite") for column in table.primary_key.columns)
    names = [column.name for column in table.columns if not column.primary_key]
    if not names:
        return f"ON CONFLICT ({keys}) DO NOTHING"
    condition = _not_lower(table, "sqlite", incoming, stored)
    update = ", ".join(f"{quoted(name, 'sqlite')} = {incoming(name)}" for name in names)
    where = "" if condition is None else f" WHERE {condition}"
    return f"ON CONFLICT ({keys}) DO UPDATE SET {update}{where}"


def _not_lower(table: Table, kind: Kind, incoming: Callable[[str], str], stored: Callable[[str], str]) -> str | None:
    """The condition that the incoming row's guard is not lower than the stored one's; None without a guard."""
    guard = guard_of(table)
    if guard is None:
        return None
    equal = "IS" if kind == "sqlite" else "<=>"
    condition = ""
    # A comparison with NULL is NULL, which is as good as false here: an incoming NULL is lower than any stored value.
    for position, column in enumerate(reversed(guard.columns)):
        least = ">=" if position == 0 else ">"
        if isinstance(column, Ranked):
            new, old = incoming(column.column), stored(column.column)
            higher = f"{_rank(column, new, kind)} {least} {_rank(column, old, kind)}"
        else:
            new, old = incoming(column), stored(column)
            higher = f"({old} IS NULL OR {new} {least} {old})"
        condition = higher if position == 0 else f"CASE WHEN {new} {equal} {old} THEN {condition} ELSE {higher} END"
    return condition


def _rank(column: Ranked, value: str, kind: Kind) -> str:
    cases = " ".join(
        f"WHEN {_literal(word, kind)} THEN {rank}" for rank, word in enumerate(column.lowest_first, start=1)
    )
    return f"(CASE {value} {cases} ELSE 0 END)"


def _literal(word: str, kind: Kind) -> str:
    # A rank's value is part of the declaration, not data; it is quoted all the same.
    word = word.replace("'", "''")
    return f"'{word}'" if kind == "sqlite" else "'" + word.replace("\\", "\\\\").replace("%", "%%") + "'"
