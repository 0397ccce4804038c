"""Which data a database holds, live or sandbox: the two never meet in one."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Column, PrimaryKeyConstraint, SmallInteger, Table, insert, select
from sqlalchemy.exc import IntegrityError

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import WarehouseError
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

Origin = Literal["live", "sandbox"]

warehouse_origin = Table(
    "warehouse_origin",
    metadata,
    Column(
        "one_row",
        SmallInteger,
        nullable=False,
        autoincrement=False,
        comment="always 1: the key that lets there be one row only",
    ),
    Column("origin", ExactText(16), nullable=False, comment="live or sandbox: the only data allowed in this database"),
    Column("claimed_at", UtcDateTime, nullable=False, comment="moment of the first data (UTC)"),
    PrimaryKeyConstraint("one_row"),
    comment="Whether this database holds live or sandbox data",
    mysql_charset="utf8mb4",
)


class OriginError(WarehouseError):
    """The database holds data of the other origin: live where sandbox was meant, or the reverse."""


def stored_origin(database: Database) -> str | None:
    """Whose data the database holds: `live`, `sandbox`, or None before the first data came."""
    with database.connect() as connection:
        origin: str | None = connection.scalar(select(warehouse_origin.c.origin))
    return origin


FOR_GOOD = "set DATABASE_URL to another database, or, to change its origin for good, drop it and migrate again"


def assert_origin(database: Database, origin: Origin, advice: str = FOR_GOOD) -> None:
    """Do nothing where the database is empty or holds data of `origin`.

    Args:
        database: a migrated database.
        origin: of the data that are meant.
        advice: what to do where it holds data of the other origin.

    Raises:
        OriginError: it holds data of the other origin.
    """
    stored = stored_origin(database)
    if stored not in (None, origin):
        raise OriginError(
            f"{database.masked_url} holds {stored} data, and {origin} data was about to be written to it or read from "
            f"it: {advice}"
        )


def claim_origin(
    database: Database, origin: Origin, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Make the database one for data of `origin`, if it is not yet. To be called before any data are written.

    Args:
        database: a migrated database.
        origin: of the data that will be written.
        now: the clock (aware).

    Raises:
        OriginError: the database holds data of the other origin.
    """
    if stored_origin(database) is None:
        row = {"one_row": 1, "origin": origin, "claimed_at": now()}
        # Another process may claim it in between: whether with the same origin is told below.
        with suppress(IntegrityError):
            database.run_in_transaction(lambda connection: connection.execute(insert(warehouse_origin), row))
    assert_origin(database, origin)
