"""What a database says of a table: its columns, its keys, and the tables that refer to it.

Three statements on a server: the one that made the table, its unique keys, and the foreign keys on it. An account that
may only read its own tables sees these.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Inspector, Table, column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.failures import is_denied

ACTIONS = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
"""What ON DELETE does to the rows of another table; RESTRICT and NO ACTION refuse."""
_SQLITE_COLLATE = re.compile(r"\bCOLLATE\s+[\"'`\[]?(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class StoredTable:
    """What a database says of one table.

    Attributes:
        columns: as SQLAlchemy's inspector tells them, by lower-case name, which servers and SQLite take for the same.
        primary_key: the lower-case names of its columns.
        unique_keys: those of every unique key beside it, by the key's name.
        prefixes: columns of which a unique key compares the first characters only.
        engine: the storage engine in capitals; empty on SQLite, and of a view.
        collation: of a text column that names none; empty where it is not told.
        sqlite_collations: those that SQLite's statement names.
        children: the tables whose rows are deleted or changed by deleting a row of this one.
    """

    columns: Mapping[str, Any]
    primary_key: frozenset[str] = frozenset()
    unique_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    prefixes: frozenset[str] = frozenset()
    engine: str = ""
    collation: str = ""
    sqlite_collations: frozenset[str] = frozenset()
    children: tuple[str, ...] = ()


def stored_table(connection: Connection, declared: Table) -> StoredTable | None:
    """What the database says of a declared table; None where the account may not ask.

    Raises:
        DeclarationError: there is no such table.
        sqlalchemy.exc.DBAPIError: any other error of the database.
    """
    inspector = inspect(connection)
    try:
        return (_of_sqlite if connection.dialect.name == "sqlite" else _of_server)(connection, inspector, declared)
    except NoSuchTableError:
        raise DeclarationError(
            f"the database has no table {declared.fullname!r}: make it, by MetaData.create_all or a migration"
        ) from None
    except DBAPIError as error:
        if is_denied(error):
            return None
        raise


def _of_sqlite(connection: Connection, inspector: Inspector, declared: Table) -> StoredTable:
    name, schema = declared.name, declared.schema
    columns = inspector.get_columns(name, schema)
    unique = {str(each["name"]): lower(each["column_names"]) for each in inspector.get_unique_constraints(name, schema)}
    unique |= {
        str(each["name"]): lower(each["column_names"]) for each in inspector.get_indexes(name, schema) if each["unique"]
    }
    made = table("sqlite_master", column("name"), column("sql"), schema=schema)
    statement = connection.execute(select(made.c.sql).where(func.lower(made.c.name) == name.lower())).scalar() or ""
    return StoredTable(
        {each["name"].lower(): each for each in columns},
        lower(inspector.get_pk_constraint(name, schema)["constrained_columns"]),
        unique,
        sqlite_collations=frozenset(found.upper() for found in _SQLITE_COLLATE.findall(statement)) - {"BINARY"},
    )


def _of_server(connection: Connection, inspector: Inspector, declared: Table) -> StoredTable:
    name = declared.name
    columns = inspector.get_columns(name, declared.schema)
    options = inspector.get_table_options(name, declared.schema)
    database = declared.schema or connection.engine.url.database
    parts = table(
        "statistics",
        *map(column, ("table_schema", "table_name", "index_name", "column_name", "sub_part", "non_unique")),
        schema="information_schema",
    )
    keys: dict[str, set[str]] = {}
    prefixes = set()
    asked = select(parts.c.index_name, parts.c.column_name, parts.c.sub_part).where(
        parts.c.table_schema == database, parts.c.table_name == name, parts.c.non_unique == 0
    )
    for key, of, sub_part in connection.execute(asked):
        # Part of a key may be an expression, which has no column.
        keys.setdefault(key, set()).add(str(of or "an expression").lower())
        if sub_part is not None:
            prefixes.add(str(of).lower())
    primary = keys.pop("PRIMARY", set())
    return StoredTable(
        {each["name"].lower(): each for each in columns},
        frozenset(primary),
        {key: frozenset(names) for key, names in keys.items()},
        frozenset(prefixes),
        str(options.get("mysql_engine", "")).upper(),
        str(options.get("mysql_collate", "")),
        children=_children(connection, str(database), name),
    )


def _children(connection: Connection, database: str, name: str) -> tuple[str, ...]:
    references = table(
        "referential_constraints",
        *map(
            column,
            ("constraint_schema", "table_name", "unique_constraint_schema", "referenced_table_name", "delete_rule"),
        ),
        schema="information_schema",
    )
    asked = select(references.c.constraint_schema, references.c.table_name, references.c.delete_rule).where(
        references.c.unique_constraint_schema == database,
        references.c.referenced_table_name == name,
        references.c.delete_rule.in_(sorted(ACTIONS)),
    )
    return tuple(f"{schema}.{child} (ON DELETE {rule})" for schema, child, rule in connection.execute(asked))


def lower(names: Iterable[str | None]) -> frozenset[str]:
    """Names as they are compared: servers and SQLite take capitals in a column's name for small letters."""
    return frozenset(str(name).lower() for name in names)
