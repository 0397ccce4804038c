"""Whether a table is in the database as it is declared, so far as a difference would lose or change rows.

More room than declared is no difference. FLOAT is refused whoever asks for it, since it keeps seven digits of a double.
"""

from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import Column, Table, UniqueConstraint, types
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from coingecko_pipeline.warehouse.arrow_types import (
    BYTES,
    MOMENT,
    TEXT,
    TIME,
    arrow_type,
    declared_type,
    is_decimal,
    is_exact_text,
    is_json,
    second_digits,
    type_on,
)
from coingecko_pipeline.warehouse.errors import DeclarationError
from coingecko_pipeline.warehouse.stored_table import StoredTable, lower
from coingecko_pipeline.warehouse.types import MARIADB_EXACT_COLLATION, MYSQL_EXACT_COLLATION

Use = Literal["read", "replace_table", "replace_partition", "upsert"]

TRANSACTIONAL_ENGINES = frozenset({"INNODB", "NDBCLUSTER", "NDB", "ROCKSDB"})
SQLITE_DIGITS = 15
"""What SQLite keeps of a decimal, which it makes a double."""
_EXACT_COLLATIONS = frozenset({MYSQL_EXACT_COLLATION, MARIADB_EXACT_COLLATION})
_SIZES = {"TINY": 2**8 - 1, "": 2**16 - 1, "MEDIUM": 2**24 - 1, "LONG": 2**32 - 1}
"""Bytes that a TEXT or BLOB of each name holds."""
_BYTES_OF_A_CHARACTER = 4
_INTEGERS = {"TINYINT": 1, "SMALLINT": 2, "SMALLINTEGER": 2, "MEDIUMINT": 3, "INTEGER": 4, "BIGINT": 8, "BIGINTEGER": 8}
"""Bytes of the integers, by SQLAlchemy's names."""


def check_as_declared(table: Table, stored: StoredTable, use: Use, dialect: Dialect) -> None:
    """Do nothing where a table can be used as it is declared.

    Args:
        table: as declared.
        stored: what the database says of it.
        use: what it is to be used for.
        dialect: of a connection to the database.

    Raises:
        DeclarationError: rows would be lost or changed; names what is declared and what the database has.
    """
    found = [_column_problem(column, stored, use, dialect) for column in table.columns]
    problems = [problem for problem in found if problem is not None]
    if use != "read":
        problems += _key_problems(table, stored, use)
    if odd := stored.sqlite_collations - {str(getattr(each.type, "collation", "")).upper() for each in table.columns}:
        problems.append(f"it compares text by {', '.join(sorted(odd))}, to which 'a' and 'A' are one")
    if problems:
        raise DeclarationError(
            f"table {table.fullname!r} is not in the database as it is declared, and rows would be lost, changed or "
            f"refused: {'; '.join(problems)}"
        )


def _column_problem(column: Column[Any], stored: StoredTable, use: Use, dialect: Dialect) -> str | None:
    found = stored.columns.get(column.name.lower())
    if found is None:
        return f"it has no column {column.name}"
    if dialect.name == "sqlite":
        unfit = _unfit_for_sqlite(column, found["type"])
    else:
        unfit = _unfit_for_server(column, found["type"], stored, dialect)
    if unfit is not None:
        declared, there = (_shown(type_, dialect) for type_ in (column.type, found["type"]))
        return f"column {column.name} is declared {declared} and is {there}, {unfit}"
    if use == "read":
        return None
    if column.nullable and not found["nullable"]:
        return f"column {column.name} is declared nullable and is NOT NULL"
    if found.get("computed") is not None:
        return f"column {column.name} is computed by the database: leave it out of the declaration"
    return None


def _shown(type_: TypeEngine[Any], dialect: Dialect) -> str:
    return str(type_.compile(dialect=dialect)).replace(" CHARACTER SET utf8mb4", "")


def _key_problems(table: Table, stored: StoredTable, use: Use) -> list[str]:
    key = lower(table.primary_key.columns.keys())
    problems = []
    if stored.primary_key != key:
        declared, there = (", ".join(sorted(names)) for names in (key, stored.primary_key))
        problems.append(f"its primary key is declared ({declared}) and is ({there})")
    if stored.prefixes:
        problems.append(f"a unique key compares only the first characters of {', '.join(sorted(stored.prefixes))}")
    if stored.engine and stored.engine not in TRANSACTIONAL_ENGINES:
        problems.append(f"its engine is {stored.engine}, which has no transactions: make it InnoDB")
    if use == "upsert":
        problems += [
            f"its unique key {name} ({', '.join(sorted(columns))}) is not declared, and by it an upsert would replace "
            "a row of another primary key: drop it, or use replace_partition or replace_table"
            for name, columns in stored.unique_keys.items()
            if not columns >= key and columns not in declared_unique_keys(table)
        ]
    elif stored.children:
        problems.append(
            f"{use} deletes rows, by which those of {', '.join(stored.children)} would go or change: use upsert, or "
            "make that foreign key without an action"
        )
    return problems


def declared_unique_keys(table: Table) -> list[frozenset[str]]:
    """The columns of each unique key that is declared beside the primary one."""
    constraints = [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    return [lower(each.keys()) for each in (*constraints, *(index.columns for index in table.indexes if index.unique))]


def _unfit_for_sqlite(column: Column[Any], found: TypeEngine[Any]) -> str | None:
    """What SQLite makes of a value is decided by the affinity of the column's type."""
    kind = arrow_type(column)
    as_given = isinstance(found, types.NullType | types.LargeBinary)
    is_text = as_given or isinstance(found, types.String)
    if kind == TEXT and not is_json(column):
        return None if is_text else "which makes numbers of digits"
    if is_decimal(kind) and kind.precision > SQLITE_DIGITS and not is_text:
        return f"of which SQLite keeps {SQLITE_DIGITS} digits"
    if kind == pa.float64() or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "which makes text of numbers" if is_text and not as_given else None
    return None


def _unfit_for_server(column: Column[Any], found: TypeEngine[Any], stored: StoredTable, dialect: Dialect) -> str | None:
    kind, declared = arrow_type(column), type_on(column, dialect)
    if is_json(column):
        return None if isinstance(found, types.JSON | mysql.LONGTEXT) else "which is no JSON"
    if kind == TEXT:
        return _unfit_for_text(column, found, stored, dialect)
    if kind == BYTES:
        is_binary = isinstance(found, types.VARBINARY) or type(found).__name__.endswith("BLOB")
        return (
            None
            if is_binary and _room(found) >= _room(declared)
            else "which holds less, or other bytes than it is given"
        )
    if kind == pa.float64():
        return (
            None if isinstance(found, types.Double | types.REAL) and found.scale is None else "which rounds: use DOUBLE"
        )
    if is_decimal(kind):
        return _unfit_for_decimals(kind, found)
    if kind == pa.date32():
        return None if isinstance(found, types.Date) else "which is no date"
    if kind in (MOMENT, TIME):
        return _unfit_for_seconds(column, found, declared)
    # What is left are integers and truth values.
    there = _INTEGERS.get(type(found).__name__, 0)
    if there < _INTEGERS.get(type(declared).__name__.upper(), 1):
        return "which holds less"
    if getattr(found, "unsigned", False) and not getattr(declared, "unsigned", False):
        return "which holds no negative numbers"
    return None


def _unfit_for_text(column: Column[Any], found: TypeEngine[Any], stored: StoredTable, dialect: Dialect) -> str | None:
    if isinstance(found, mysql.ENUM):
        declared = declared_type(column)
        missing = set(declared.enums if isinstance(declared, types.Enum) else [None]) - set(found.enums)
        return "which has other values" if missing else None
    if not isinstance(found, types.String) or isinstance(found, types.CHAR | mysql.SET):
        return "which keeps another text than it is given"
    if _room(found) < _room(type_on(column, dialect)):
        return "which holds less"
    if not is_exact_text(column) or not stored.engine:  # of a view no collation is told
        return None
    charset = getattr(found, "charset", None)
    collation = found.collation or (f"the usual one of {charset}" if charset else stored.collation)
    return None if collation in _EXACT_COLLATIONS else f"compared by collation {collation}, which takes several for one"


def _room(type_: TypeEngine[Any]) -> int:
    """Bytes that a text or binary column holds; none where it pads them."""
    length = getattr(type_, "length", None)
    name = type(type_).__name__.upper()
    if isinstance(type_, types.Enum):
        return (length or 0) * _BYTES_OF_A_CHARACTER
    for ending in ("TEXT", "BLOB"):
        if name.endswith(ending):
            return _SIZES[name.removesuffix(ending)]
    if name == "LARGEBINARY":
        return _SIZES[""]
    if isinstance(type_, types.VARBINARY):
        return length or 0
    return (length or 0) * _BYTES_OF_A_CHARACTER if isinstance(type_, types.String) else 0


def _unfit_for_decimals(kind: Any, found: TypeEngine[Any]) -> str | None:
    if not isinstance(found, types.Numeric) or isinstance(found, types.Float) or getattr(found, "unsigned", False):
        return "which holds other numbers"
    precision, scale = found.precision or 0, found.scale or 0
    fits = scale >= kind.scale and precision - scale >= kind.precision - kind.scale
    return None if fits else "which holds less"


def _unfit_for_seconds(column: Column[Any], found: TypeEngine[Any], declared: TypeEngine[Any]) -> str | None:
    wanted = types.Time if arrow_type(column) == TIME else types.DateTime
    is_narrower = isinstance(found, types.TIMESTAMP) and not isinstance(declared, types.TIMESTAMP)
    if not isinstance(found, wanted) or is_narrower:
        return "which holds others"
    digits = getattr(found, "fsp", None) or 0
    return f"which keeps {digits} digits of a second" if digits < second_digits(column) else None
