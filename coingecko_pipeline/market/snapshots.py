"""What goes with a snapshot's rows, in the transaction that writes them: coverage, and the log of the change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import Connection, case, delete, or_, update

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change, log_changes

if TYPE_CHECKING:
    import pandas as pd

STALE_AFTER = timedelta(days=1)
"""A coin's own last update that is older than this before its date is no value of the date."""


def snapshot_of(frames: "Iterable[pd.DataFrame]", day: date) -> "Iterator[pd.DataFrame]":
    """Frames of a current market as rows of daily_market of a day; a value that is more than a day old is stale."""
    # Commands that run no job do without pandas.
    import numpy as np
    import pandas as pd

    oldest = pd.Timestamp(day, tz="UTC") - STALE_AFTER
    for frame in frames:
        source = np.where(frame["observed_at"] < oldest, tables.STALE, tables.SNAPSHOT)
        yield frame.assign(date=pd.Timestamp(day), source=pd.Series(source, index=frame.index, dtype="str"))


def snapshot_transaction(
    day: date,
    *,
    again: bool = False,
    keeps_coverage: bool = True,
    also: Callable[[Connection], Sequence[Change]] = lambda _: (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Callable[[Connection, pa.Table], AbstractContextManager[None]]:
    """What is done around the writing of each page of a day's snapshot.

    Args:
        day: The snapshot's date.
        again: Whether its rows replace those of an earlier snapshot of the day that was nearer to midnight. Chart rows
            stay all the same.
        keeps_coverage: Whether the source has charts, so that its coins' coverage knows of the snapshot.
        also: What else is written of the page; gives what it changed.
        now: The current UTC time, aware.

    Returns:
        What `Frames.around` takes.
    """

    @contextmanager
    def around(connection: Connection, rows: pa.Table) -> Iterator[None]:
        coins = rows["asset_id"].to_pylist()
        if again:
            market = tables.daily_market
            connection.execute(
                delete(market).where(
                    market.c.date == day, market.c.asset_id.in_(coins), market.c.source != tables.CHART
                )
            )
        yield
        if keeps_coverage:
            _note_snapshot(connection, day, coins)
        changed = also(connection)
        log_changes(connection, [Change(tables.daily_market.name, day, day), *changed], now)

    return around


def hour_transaction(
    hour: datetime, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[Connection, pa.Table], AbstractContextManager[None]]:
    """What is done around the writing of the rows of an hour: the log of the change.

    Args:
        hour: The hour, as the moment at which it begins (UTC, aware).
        now: The current UTC time, aware.

    Returns:
        What `Frames.around` takes.
    """

    @contextmanager
    def around(connection: Connection, _rows: pa.Table) -> Iterator[None]:
        yield
        log_changes(connection, [Change(tables.hourly_market.name, hour.date(), hour.date())], now)

    return around


def _note_snapshot(connection: Connection, day: date, coins: list[str]) -> None:
    """Lengthen the unbroken run of snapshots of the coins that were ever asked for, or begin a new one."""
    table = tables.chart_coverage
    # Assigned from left to right on MySQL: the first date is decided while the last one is still the old one.
    run = {
        "snapshots_from": case((table.c.snapshots_to == day - timedelta(days=1), table.c.snapshots_from), else_=day),
        "snapshots_to": day,
    }
    later = or_(table.c.snapshots_to.is_(None), table.c.snapshots_to < day)
    connection.execute(
        update(table)
        .ordered_values(*((table.c[name], value) for name, value in run.items()))
        .where(table.c.asset_id.in_(coins), later)
    )
