"""Which coins stand for others that are counted already: wrapped, staked and bridged ones, by date.

CoinGecko calls them rehypothecated and gives them no rank but the one among all coins. A coin without a market cap has
neither rank, which tells nothing. Of a date between two that tell different things the nearer one's is taken, and of
the dates before the first one that tells anything that one's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change

BEFORE_ALL = date(1970, 1, 1)
"""A date before there was any coin."""
FOREVER = date(9999, 12, 31)
"""The last date that a database holds."""
RANKS = ("market_cap_rank", "market_cap_rank_with_rehypothecated")
"""A coin's rank among those that count once, and among all."""


def note_classes(connection: Connection, day: date, rows: pa.Table) -> list[Change]:
    """Keep what a snapshot's rows tell of the coins' classes.

    Args:
        connection: In the transaction that writes them.
        day: The date of the snapshot; not before that of an earlier one.
        rows: With asset_id, market_cap_rank and market_cap_rank_with_rehypothecated.

    Returns:
        The stored dates of the coins whose class has become another one, to be logged.
    """
    ranks = zip(*(rows[name].to_pylist() for name in ("asset_id", *RANKS)), strict=True)
    told = {coin: rank is None for coin, rank, among_all in ranks if rank is not None or among_all is not None}
    table = tables.rehypothecated_assets
    since = select(table.c.asset_id, table.c.first_on).where(
        table.c.asset_id.in_(list(told)), table.c.last_on == FOREVER
    )
    open_since = {row.asset_id: row.first_on for row in connection.execute(since)}
    came = [coin for coin, is_one in told.items() if is_one and coin not in open_since]
    left = [coin for coin in open_since if not told[coin]]
    return [*_begin(connection, day, came), *_end(connection, day, {coin: open_since[coin] for coin in left})]


def _begin(connection: Connection, day: date, coins: Sequence[str]) -> list[Change]:
    if not coins:
        return []
    snapshots = tables.market_snapshots.c
    before = _latest_before(connection, day, coins, snapshots.market_cap_rank.is_not(None))
    first = {coin: _border(before[coin], day) if coin in before else BEFORE_ALL for coin in coins}
    connection.execute(
        insert(tables.rehypothecated_assets),
        [{"asset_id": coin, "first_on": first[coin], "last_on": FOREVER} for coin in coins],
    )
    return _changes(connection, first)


def _end(connection: Connection, day: date, open_since: Mapping[str, date]) -> list[Change]:
    if not open_since:
        return []
    table, snapshots = tables.rehypothecated_assets, tables.market_snapshots.c
    was_one = snapshots.market_cap_rank.is_(None) & snapshots.market_cap_rank_with_rehypothecated.is_not(None)
    before = _latest_before(connection, day, list(open_since), was_one)
    border = {coin: _border(before[coin], day) if coin in before else first for coin, first in open_since.items()}
    for coin, first in open_since.items():
        interval = (table.c.asset_id == coin) & (table.c.first_on == first)
        if border[coin] <= first:
            connection.execute(delete(table).where(interval))
        else:
            connection.execute(update(table).where(interval).values(last_on=border[coin] - timedelta(days=1)))
    return _changes(connection, border)


def _latest_before(
    connection: Connection, day: date, coins: Sequence[str], condition: ColumnElement[bool]
) -> dict[str, date]:
    """The latest earlier date on which a snapshot of each coin meets a condition."""
    snapshots = tables.market_snapshots.c
    query = (
        select(snapshots.asset_id, func.max(snapshots.date))
        .where(snapshots.asset_id.in_(coins), snapshots.date < day, condition)
        .group_by(snapshots.asset_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _border(before: date, day: date) -> date:
    """The first date that is nearer to a day than to one before it."""
    return before + (day - before) // 2 + timedelta(days=1)


def _changes(connection: Connection, first: Mapping[str, date]) -> list[Change]:
    """The stored dates of each coin from its first one on; of a coin without rows there is nothing to make anew."""
    market = tables.daily_market.c
    lives = (
        select(market.asset_id, func.min(market.date), func.max(market.date))
        .where(market.asset_id.in_(list(first)))
        .group_by(market.asset_id)
    )
    name = tables.rehypothecated_assets.name
    rows: Iterable[tuple[str, date, date]] = ((row[0], row[1], row[2]) for row in connection.execute(lives))
    return [Change(name, max(born, first[coin]), last, coin) for coin, born, last in rows if last >= first[coin]]
