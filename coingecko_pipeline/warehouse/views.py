"""Views of declared tables, declared as selects, and made where they are missing or other than declared.

A view holds no rows, so it is not migrated: it is dropped before its tables change, and made again afterwards. What was
made is recorded in a table beside them, since a server keeps the text of a view in words of its own.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, Select, Table, delete, inspect, select
from sqlalchemy.engine import Dialect

from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import DeclarationError, StatementRefused
from coingecko_pipeline.warehouse.types import ExactText
from coingecko_pipeline.warehouse.upsert import upsert_rows

logger = logging.getLogger(__name__)

SELECT = "select"
"""Under this name the `info` of a view's Table has its select."""

DENIED_CODES = frozenset({1044, 1142, 1227})
"""What a server answers to an account that may not make or drop a view."""


def declare_view(
    name: str,
    metadata: MetaData,
    query: Select[Any],
    *,
    key: Sequence[str],
    comment: str,
    comments: Mapping[str, str] | None = None,
) -> Table:
    """Declare a view; what comes back is read like any declared table.

    Args:
        name: Of the view.
        metadata: Of the views alone: what is in it is never migrated.
        query: Its rows. A column that is computed needs a label, and a type by `type_coerce` where it has none.
        key: The columns that are never equal in two of its rows, the first ones those that an index finds rows by.
        comment: What one row is.
        comments: Of the columns that are none of a table's, or mean something else: what they are, and their unit.

    Raises:
        DeclarationError: A column has no comment, or the key is none of its columns.
    """
    comments = comments or {}
    columns = []
    for selected in query.selected_columns:
        told = comments.get(selected.key or "", getattr(selected, "comment", None))
        if not told or selected.key is None:
            raise DeclarationError(f"column {selected.key} of view {name!r} is declared without a comment")
        columns.append(Column(selected.key, selected.type, nullable=selected.key not in key, comment=told))
    if missing := set(key) - {column.name for column in columns}:
        raise DeclarationError(f"view {name!r} has no column {', '.join(sorted(missing))}, which its key names")
    return Table(name, metadata, *columns, PrimaryKeyConstraint(*key), comment=comment, info={SELECT: query})


def declare_record(name: str, metadata: MetaData) -> Table:
    """Declare the table in which it is recorded which views were made, and as what."""
    return Table(
        name,
        metadata,
        Column("view_name", ExactText(64), nullable=False, comment="the view"),
        Column("digest", ExactText(64), nullable=False, comment="SHA-256 of the statement that made it"),
        PrimaryKeyConstraint("view_name"),
        comment="The views that were made by the program, which replaces and drops no others",
        mysql_charset="utf8mb4",
    )


@dataclass(frozen=True)
class Views:
    """The views of a program.

    Attributes:
        metadata: What they are declared in, each after those that it reads.
        record: The table of `declare_record`. A database without it has no views.
    """

    metadata: MetaData
    record: Table

    def make(self, connection: Connection) -> None:
        """Make the views that are missing or other than declared, and drop those that are no longer declared.

        It reads two small lists where all is well.

        Args:
            connection: In a transaction; on MySQL and MariaDB each view that is made commits it.
        """
        inspector = inspect(connection)
        if not inspector.has_table(self.record.name):
            return
        there = set(inspector.get_view_names())
        made = self._made(connection)
        for name in made.keys() - self.metadata.tables.keys():
            self._drop(connection, name)
        for name, create in self._statements(connection.dialect).items():
            if name in there and made.get(name) == _digest(create):
                continue
            if connection.dialect.name == "sqlite":  # which replaces none
                connection.exec_driver_sql(_drop(name, connection.dialect))
            connection.exec_driver_sql(create)
            row = {"view_name": name, "digest": _digest(create)}
            connection.execute(upsert_rows(self.record, connection.dialect), [row])

    def drop(self, connection: Connection) -> None:
        """Drop the views, before their tables change.

        Args:
            connection: As for `make`.
        """
        if inspect(connection).has_table(self.record.name):
            for name in self._made(connection):
                self._drop(connection, name)

    def recorded(self, connection: Connection) -> set[str]:
        """The names of the views that the program has made."""
        return set(self._made(connection)) if inspect(connection).has_table(self.record.name) else set()

    def make_if_allowed(self, database: Database, program: str) -> None:
        """Make the views in a transaction; where the account may not, say in the log who may.

        Args:
            database: Where the tables are, at the program's version.
            program: The command whose subcommand `migrate` makes them.

        Raises:
            DatabaseUnavailable: The database did not let us in.
        """
        if database.run_reading(self._are_made):
            return
        try:
            database.run_in_transaction(self.make)
        except StatementRefused as refused:
            if refused.code not in DENIED_CODES:
                raise
            logger.warning(
                "%s: the views are not as this program declares them, and this account may not make them (%s): run "
                "`%s migrate` with one that has CREATE VIEW and DROP.",
                database,
                refused,
                program,
            )

    def _are_made(self, connection: Connection) -> bool:
        inspector = inspect(connection)
        if not inspector.has_table(self.record.name):
            return True
        declared = {name: _digest(create) for name, create in self._statements(connection.dialect).items()}
        return self._made(connection) == declared and declared.keys() <= set(inspector.get_view_names())

    def _statements(self, dialect: Dialect) -> dict[str, str]:
        return {view.name: _create(view, dialect) for view in self.metadata.tables.values()}

    def _made(self, connection: Connection) -> dict[str, str]:
        rows = connection.execute(select(self.record.c.view_name, self.record.c.digest))
        return {row.view_name: row.digest for row in rows}

    def _drop(self, connection: Connection, name: str) -> None:
        connection.exec_driver_sql(_drop(name, connection.dialect))
        connection.execute(delete(self.record).where(self.record.c.view_name == name))


def _create(view: Table, dialect: Dialect) -> str:
    """The statement that makes a view.

    On MySQL and MariaDB who reads it needs the right to read its tables, and no account has to be there that made it:
    a dump is restored by anybody, on any server.
    """
    query: Select[Any] = view.info[SELECT]
    rows = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    begin = "CREATE VIEW" if dialect.name == "sqlite" else "CREATE OR REPLACE SQL SECURITY INVOKER VIEW"
    return f"{begin} {dialect.identifier_preparer.quote(view.name)} AS {rows}"


def _digest(statement: str) -> str:
    return hashlib.sha256(statement.encode()).hexdigest()


def _drop(name: str, dialect: Dialect) -> str:
    return f"DROP VIEW IF EXISTS {dialect.identifier_preparer.quote(name)}"
