"""Which derived tables there are, which changes each follows, and which of them lag behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import Table, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.lake.copied import COPIES, ByLog
from coingecko_pipeline.market.changes import FollowedTable, LatestChange, copy_of, latest_changes, read_followed
from coingecko_pipeline.measures import DAILY_OHLC, MEASURES
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

REPORT = "market_report"
"""The derived file, by the last part of its asset's key; its number is kept like a table's."""
AGREEMENT = tables.source_agreement.name

FOLLOWS: Mapping[str, Mapping[str, Sequence[str]]] = {
    **{derived.name: {COINGECKO.name: tuple(table.name for table in derived.follows)} for derived in MEASURES},
    AGREEMENT: {
        COINGECKO.name: (tables.daily_market.name, tables.asset_pairs.name),
        COINPAPRIKA.name: (tables.daily_market.name,),
    },
    REPORT: {COINGECKO.name: (tables.daily_market.name,)},
}
"""Of each derived table the tables whose changes it follows, by the source whose log has them; in the order in which
they are made."""


def followers_of(
    source: str, table_name: str, followed: Mapping[tuple[str, str], FollowedTable]
) -> Sequence[FollowedTable]:
    """How far those have come that follow a table and ever were computed, the lake's copies among them.

    Args:
        source: Whose log has the table's changes.
        table_name: The table.
        followed: How far each derived table has come.
    """
    names = [name for name, logs in FOLLOWS.items() if table_name in logs.get(source, ())]
    if source == COINGECKO.name:
        names += [
            copy_of(copied.name)
            for copied in COPIES
            if isinstance(copied.way, ByLog) and copied.way.table_name == table_name
        ]
    return [followed[name, source] for name in names if (name, source) in followed]


@dataclass(frozen=True)
class Lag:
    """What is behind.

    Attributes:
        behind: The derived tables that lag, each with what it has not followed yet, in words.
        latest: The moment of the latest change that one of them has not followed; None where none of them has a number.
    """

    behind: Mapping[str, str]
    latest: datetime | None


def read_lag(warehouse: Database, now: datetime) -> Lag:
    """Compare the numbers that the derived tables have followed with the latest ones: a few rows by their keys.

    A table that never was computed lags as soon as there is a row that it is made from; source_agreement as soon as
    there is a pair of coins, so that nobody's second source is read unasked; daily_ohlc is behind hours of days that
    are over.

    Args:
        warehouse: The main database.
        now: The current UTC time, aware.
    """
    followed = read_followed(warehouse)
    latest = {COINGECKO.name: latest_changes(warehouse)}
    paired = _has_rows(warehouse, tables.asset_pairs)
    if paired:
        latest[COINPAPRIKA.name] = latest_changes(warehouse.schema(COINPAPRIKA.name))
    behind: dict[str, str] = {}
    moments: list[datetime] = []
    for name, logs in FOLLOWS.items():
        if name == AGREEMENT and not paired:
            continue
        new = [
            (source, change)
            for source, names in logs.items()
            for table_name in names
            if (change := latest[source].get(table_name))
            and ((last := followed.get((name, source))) is None or change.number > last.number)
        ]
        if name == DAILY_OHLC.name:
            lags = _hours_are_over(warehouse, followed.get((name, COINGECKO.name)), new, now)
        else:
            lags = bool(new) or ((name, COINGECKO.name) not in followed and _has_rows(warehouse, tables.daily_market))
        if lags:
            behind[name] = ", ".join(f"{source} to {change.number}" for source, change in new) or "what is stored"
            moments += [change.changed_at for _, change in new]
    return Lag(behind, max(moments, default=None))


def _hours_are_over(
    warehouse: Database,
    followed: FollowedTable | None,
    new: Sequence[tuple[str, LatestChange]],
    now: datetime,
) -> bool:
    """Whether there are hours of days that are over and were not, or were not stored, when their bars were made."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    if any(change.last < midnight.date() for _, change in new):
        return True
    if followed and followed.computed_at >= midnight:
        return False
    hour = tables.hourly_market.c.hour_at
    latest = warehouse.run_reading(lambda connection: connection.scalar(select(func.max(hour)).where(hour < midnight)))
    return latest is not None and (followed is None or latest.date() >= followed.computed_at.date())


def _has_rows(warehouse: Database, table: Table) -> bool:
    query = select(next(iter(table.primary_key.columns))).limit(1)
    return warehouse.run_reading(lambda connection: connection.scalar(query)) is not None
