"""Derived tables computed in a test as a run computes them."""

from datetime import UTC, date, datetime

from sqlalchemy import delete

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.measures import ALWAYS, DerivedTable, Followed, Span, follow_market
from coingecko_pipeline.warehouse import Database

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def build(database: Database, derived: DerivedTable, now: datetime = NOW) -> Followed:
    """Make the whole table."""
    return follow_market(database, derived, now, rebuild=ALWAYS)


def rebuild(database: Database, derived: DerivedTable, first: date, last: date) -> Followed:
    """Make it as if the market of some dates had changed."""
    return follow_market(database, derived, NOW, rebuild=Span(first, last))


def follow(database: Database, derived: DerivedTable, now: datetime = NOW) -> Followed:
    """Make what has changed."""
    return follow_market(database, derived, now)


def log(database: Database, *changes: Change) -> None:
    """Log changes that a test made."""
    with database.transaction() as connection:
        log_changes(connection, changes)


def changed(first: date, last: date | None = None, asset_id: str | None = None) -> Change:
    """A change of the daily market."""
    return Change(tables.daily_market.name, first, last or first, asset_id)


def forget(database: Database) -> None:
    """Delete the log and the numbers that were followed, as a test that begins anew within one database needs."""
    with database.transaction() as connection:
        connection.execute(delete(tables.market_changes))
        connection.execute(delete(tables.followed_changes))
