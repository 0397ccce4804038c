"""Which Arrow type holds every value of a declared column, and what the column's own type says beyond that."""

from typing import Any

import pyarrow as pa
from sqlalchemy import Column, types
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from coingecko_pipeline.warehouse.errors import DeclarationError

TEXT = pa.string()
BYTES = pa.binary()
MOMENT = pa.timestamp("us")
TIME = pa.time64("us")
MICROSECOND_DIGITS = 6
_MYSQL = mysql.dialect()
_NARROW_DIGITS, _WIDE_DIGITS = 38, 76
"""The most digits of Arrow's two decimals; MySQL and MariaDB have 65."""


def arrow_type(column: Column[Any]) -> Any:
    """The Arrow type that holds every value of a declared column exactly; JSON documents are their text.

    Raises:
        DeclarationError: for a column type that the warehouse cannot write (arrays, intervals and the like).
    """
    declared = declared_type(column)
    match declared:
        case types.String() | types.JSON():
            return TEXT
        case types.Boolean():
            return pa.bool_()
        case types.SmallInteger():
            return pa.int16()
        case types.BigInteger():
            return pa.int64()
        case types.Integer():
            return pa.int32()
        case types.Float():
            return pa.float64()
        case types.Numeric() if declared.precision is not None and declared.precision <= _WIDE_DIGITS:
            decimal = pa.decimal128 if declared.precision <= _NARROW_DIGITS else pa.decimal256
            return decimal(declared.precision, declared.scale or 0)
        case types.DateTime():
            return MOMENT
        case types.Date():
            return pa.date32()
        case types.Time():
            return TIME
        case types.LargeBinary():
            return BYTES
    raise DeclarationError(f"column {column.table.name}.{column.name} is a {declared!r}, which cannot be written")


def declared_type(column: Column[Any]) -> TypeEngine[Any]:
    """A column's type without what decorates it."""
    declared: TypeEngine[Any] = column.type
    while isinstance(declared, TypeDecorator):
        declared = declared.impl_instance
    return declared


def type_on(column: Column[Any], dialect: Dialect) -> TypeEngine[Any]:
    """A column's type as a database makes it."""
    made: TypeEngine[Any] = column.type.dialect_impl(dialect)
    return made.impl_instance if isinstance(made, TypeDecorator) else made


def is_json(column: Column[Any]) -> bool:
    """Whether a column holds JSON documents."""
    return isinstance(declared_type(column), types.JSON)


def is_decimal(kind: Any) -> bool:
    """Whether an Arrow type is one of the decimals."""
    return bool(pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind))


def is_exact_text(column: Column[Any]) -> bool:
    """Whether a text column is compared byte for byte on every database, as ExactText and an ENUM's values are."""
    declared = declared_type(column)
    return not isinstance(column.type, types.String) or (isinstance(declared, types.Enum) and declared.native_enum)


def second_digits(column: Column[Any]) -> int:
    """How many digits of a second a moment or time of day has; none where MySQL would round to seconds."""
    return getattr(type_on(column, _MYSQL), "fsp", None) or 0
