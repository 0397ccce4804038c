"""Column types that mean the same on MySQL, MariaDB and SQLite.

Here belongs what a declared table needs beyond SQLAlchemy's own types. No table is declared here.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

# The collations without padding: in utf8mb4_bin 'a' equals 'a ', and some ids do end in a space.
MYSQL_EXACT_COLLATION = "utf8mb4_0900_bin"
MARIADB_EXACT_COLLATION = "utf8mb4_nopad_bin"


class ExactText(TypeDecorator[str]):
    """Text that is stored and compared byte for byte: case, accents and trailing spaces count.

    With a `length` (in characters) a VARCHAR, which can be part of a key; without one a MEDIUMTEXT. The collation is
    `utf8mb4_0900_bin` on MySQL and `utf8mb4_nopad_bin` on MariaDB; SQLite compares that way by itself.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that `dialect`, as it is connected, knows the column by."""
        if dialect.name not in ("mysql", "mariadb"):
            return dialect.type_descriptor(Text() if self.length is None else String(self.length))
        collation = MARIADB_EXACT_COLLATION if getattr(dialect, "is_mariadb", False) else MYSQL_EXACT_COLLATION
        if self.length is None:
            return dialect.type_descriptor(mysql.MEDIUMTEXT(charset="utf8mb4", collation=collation))
        return dialect.type_descriptor(mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation))


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC to the microsecond: DATETIME(6) on MySQL and MariaDB, ISO text on SQLite.

    Takes aware datetimes of any zone and gives aware datetimes in UTC. A naive one is refused: whose noon is it?
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that `dialect` knows the column by."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To naive UTC, which is what the column holds.

        Raises:
            ValueError: for a datetime without a time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a datetime without a time zone was given where UTC is stored: {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To an aware datetime in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def compressed_body() -> TypeEngine[bytes]:
    """Bytes up to 16 MB: MEDIUMBLOB on MySQL and MariaDB, whose BLOB would end at 64 KB; BLOB on SQLite."""
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")


def counted_id() -> TypeEngine[int]:
    """A number that the database counts up by itself: BIGINT, on SQLite INTEGER, the only type that it counts."""
    return BigInteger().with_variant(Integer(), "sqlite")
