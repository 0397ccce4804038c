"""The latest outcome of each check of the tables."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.upsert import upsert_rows


@dataclass(frozen=True)
class StoredCheck:
    """What a check found.

    Attributes:
        asset: The key of the Dagster asset that it is about.
        check_name: The statement that holds when it passes.
        is_passed: Whether it holds.
        is_error: Whether it is an error where it does not hold, or a warning.
        detail: The figures that it was told from.
        evaluated_at: When (UTC).
    """

    asset: str
    check_name: str
    is_passed: bool
    is_error: bool
    detail: str
    evaluated_at: datetime


def store_checks(database: Database, asset: str, declared: Collection[str], found: Sequence[StoredCheck]) -> None:
    """Keep what some checks of an asset found, in the place of what they found before.

    Args:
        database: The main database.
        asset: The key of the Dagster asset.
        declared: The names of all its checks: what others found, which there are no more, is deleted.
        found: What was evaluated now.
    """
    table = tables.check_results

    def store(connection: Connection) -> None:
        connection.execute(delete(table).where(table.c.asset == asset, table.c.check_name.not_in(declared)))
        if found:
            connection.execute(upsert_rows(table, connection.dialect), [asdict(check) for check in found])

    database.run_in_transaction(store)


def read_checks(database: Database, *, failed: bool = False) -> Sequence[StoredCheck]:
    """What each check found when it was last evaluated, errors first.

    Args:
        database: The main database.
        failed: Whether only those that do not hold.
    """
    table = tables.check_results
    query = select(table).order_by(table.c.is_error.desc(), table.c.asset, table.c.check_name)
    if failed:
        query = query.where(~table.c.is_passed)
    rows = database.run_reading(lambda connection: connection.execute(query).mappings().all())
    return [StoredCheck(**row) for row in rows]


def snapshot_stored_at(database: Database, day: date) -> datetime | None:
    """When the latest snapshot of a date was stored (UTC); None where none is, as for a date that charts alone have.

    Args:
        database: Where the market is.
        day: Today, or a date that the change log still has.
    """
    log = tables.market_changes
    query = select(func.max(log.c.changed_at)).where(
        log.c.table_name == tables.daily_market.name,
        log.c.asset_id.is_(None),
        log.c.first_on == day,
        log.c.last_on == day,
    )
    stored_at: datetime | None = database.run_reading(lambda connection: connection.scalar(query))
    return stored_at
