"""Tables of the lake that follow the change log: what has changed is read from the database and replaced.

A table that never was copied, or whose copy was not finished, is copied month by month first.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from sqlalchemy import Date, func, select

from coingecko_pipeline.lake.copied import ByLog, CopiedTable
from coingecko_pipeline.lake.opening import COMMIT_BYTES, FOLLOWED
from coingecko_pipeline.lake.replacing import Change, Month, Part, Replaced, files_by_month, replace, span_of
from coingecko_pipeline.lake.shapes import dates_in, month_of
from coingecko_pipeline.market.changes import Change as Logged
from coingecko_pipeline.market.changes import changes_after, latest_change
from coingecko_pipeline.measures import Span, merged
from coingecko_pipeline.warehouse import Database

COPYING = "coingecko-pipeline.copying"
"""The number of the latest change when the copying of the whole table began; there while it goes on."""
COPIED_TO = "coingecko-pipeline.copied-to"
"""The latest month, as Iceberg counts, that this copying has done."""

MOST_COINS = 1_000
"""Coins that are read one by one in a month; of more, their dates are read of all coins."""


def follow_log(database: Database, table: Table, copied: CopiedTable, way: ByLog, *, anew: bool) -> Replaced:
    """Bring a table up to date with what was logged since its last change.

    Args:
        database: What it is a copy of.
        table: Of the lake; as it is after that.
        copied: Of what it is a copy.
        way: Which changes concern it.
        anew: Whether all of it is copied again.
    """
    told = Replaced()
    # The number is read before the changes, and those before the rows: what comes between is followed again.
    number = latest_change(database)
    followed = _number(table, FOLLOWED)
    # A database that was restored has lower numbers than what was copied of it later.
    if anew or followed is None or followed > number:
        _copy_whole(database, table, copied, number, told, anew=anew)
        followed = _number(table, FOLLOWED) or 0
    changes = [
        change
        for change in changes_after(database, way.table_name, followed).changes
        if change.asset_id is None or not way.whole_dates
    ]
    told.changes = len(changes)
    change, there = Change(table), files_by_month(table)
    for part in _parts(copied, changes, _extent(database, table, copied, there)):
        with database.connect() as connection:
            replace(connection, change, copied, part, there.get(part.month, ()), told)
    # Without a change of its files the number stays: what was looked at in vain is looked at once more.
    if change.added or change.removed:
        change.commit({FOLLOWED: str(number)})
    return told


def _copy_whole(
    database: Database, table: Table, copied: CopiedTable, number: int, told: Replaced, *, anew: bool
) -> None:
    """Copy all rows, the earliest month first; what a killed run has copied stays."""
    told.whole = True
    began = None if anew else _number(table, COPYING)
    done = _number(table, COPIED_TO) if began is not None else None
    if began is None or began > number:
        began, done = number, None
    change, there = Change(table), files_by_month(table)
    for part in _whole(copied, _extent(database, table, copied, there)):
        if done is not None and part.month is not None and part.month <= done:
            continue
        with database.connect() as connection:
            replace(connection, change, copied, part, there.get(part.month, ()), told)
        if change.size >= COMMIT_BYTES:
            change.commit({FOLLOWED: None, COPYING: str(began), COPIED_TO: str(part.month)})
    change.commit({FOLLOWED: str(began), COPYING: None, COPIED_TO: None})


def _whole(copied: CopiedTable, extent: Span | None) -> Iterator[Part]:
    """All rows that there can be."""
    if extent is None:
        return
    if not copied.is_partitioned:
        yield Part(None, [extent])
        return
    for month in range(month_of(extent.first), month_of(extent.last) + 1):
        yield Part(month, [dates_in(month)])


def _parts(copied: CopiedTable, changes: Sequence[Logged], extent: Span | None) -> Iterator[Part]:
    """What changes make be replaced, month by month."""
    if extent is None:
        return
    known = [(change, span) for change in changes if (span := extent.clipped(Span(change.first, change.last)))]
    everyone = [span for change, span in known if change.asset_id is None or not copied.has_coins]
    if not copied.is_partitioned:
        if everyone:
            yield Part(None, merged(everyone))
        return
    coins: Mapping[int, set[str]] = defaultdict(set)
    for change, span in known:
        if change.asset_id is not None:
            for month in _months(span):
                coins[month].add(change.asset_id)
    for month in sorted({*coins, *(month for span in everyone for month in _months(span))}):
        dates = merged(cut for span in everyone if (cut := span.clipped(dates_in(month))))
        if len(coins[month]) > MOST_COINS:
            yield Part(month, [dates_in(month)])
        else:
            yield Part(month, dates, coins[month])


def _months(span: Span) -> range:
    return range(month_of(span.first), month_of(span.last) + 1)


def _extent(
    database: Database, table: Table, copied: CopiedTable, there: Mapping[Month, Sequence[DataFile]]
) -> Span | None:
    """From the first to the last date with a row, in the database or in the lake; None where there is none."""
    column = copied.table.columns[copied.dated_by]
    day = func.date(column, type_=Date) if copied.is_dated_by_moments else column
    query = select(func.min(day), func.max(day))
    first, last = database.run_reading(lambda connection: connection.execute(query).one())
    spans = [span_of(table, copied, file) for files in there.values() for file in files]
    spans += [Span(first, last)] if first is not None else []
    return Span(min(span.first for span in spans), max(span.last for span in spans)) if spans else None


def _number(table: Table, name: str) -> int | None:
    value = table.properties.get(name)
    return None if value is None else int(value)
