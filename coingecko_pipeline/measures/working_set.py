"""Which rows one transaction makes anew, as temporary tables that its statements join.

Each coin has dates of its own, so they stand in a table. The coins are there twice, since MySQL refers to a temporary
table once in a statement. Neither MySQL nor MariaDB bounds an index by what stands in another table, so a statement is
told the coins and the dates of the whole working set as values too, in one of two ways: see `WorkingSet.of`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    Double,
    FromClause,
    Integer,
    MetaData,
    Select,
    Table,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.dialects import mysql

from coingecko_pipeline.measures.spans import ONE_DAY, Span
from coingecko_pipeline.tables import ASSET_ID_LENGTH, daily_market
from coingecko_pipeline.warehouse import ExactText
from coingecko_pipeline.warehouse.column_inputs import StandsFor
from coingecko_pipeline.warehouse.database import Kind

_TEMPORARY = MetaData()


def _coins(name: str) -> Table:
    return Table(
        name,
        _TEMPORARY,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False),
        Column("first_on", Date, nullable=False),
        Column("last_on", Date, nullable=False),
        Column("highest_usd", Double),
        # MariaDB compares each row of the market with each coin where it has no index to find the coin by.
        UniqueConstraint("asset_id", "first_on"),
        prefixes=["TEMPORARY"],
    )


coins_made = _coins("coins_made")
"""The coins whose rows are made, from the first to the last date, each with a number of its own."""
coins_named = _coins("coins_named")
"""The same again, to name a coin by its number: MySQL keeps room for the longest id in each intermediate row."""
dates_read = Table("dates_read", _TEMPORARY, Column("day", Date, primary_key=True), prefixes=["TEMPORARY"])
"""Every date of the market that is read for one of them."""

STANDS_FOR: StandsFor = {
    dates_read.c.day: daily_market.c.date,
    **{
        column: {"asset_id": daily_market.c.asset_id, "highest_usd": daily_market.c.price_usd}.get(column.name)
        for coins in (coins_made, coins_named)
        for column in coins.c
    },
}
"""The columns of the market whose values theirs are, for `column_inputs`."""


@dataclass(frozen=True)
class CoinRows:
    """Rows of one coin in a derived table.

    Attributes:
        asset_id: The coin.
        span: The first and the last date of the rows.
    """

    asset_id: str
    span: Span


BY_HASH = f"/*+ NO_INDEX({coins_made.name}) */ STRAIGHT_JOIN"
"""For MySQL, before the columns of a query that joins ranges of rows with `coins_made`: the rows first, then their
coins by a hash table. MariaDB, to which the hint is a comment, looks each coin up."""


@dataclass(frozen=True)
class WorkingSet:
    """What the temporary tables hold, as values.

    Attributes:
        kind: Of the database.
        coin_ids: The coins, ascending.
        made: From the first to the last date of a row that is made, of any coin.
        read: From the first to the last date of the market that is read for one.
    """

    kind: Kind
    coin_ids: Sequence[str]
    made: Span
    read: Span

    @property
    def is_by_coin(self) -> bool:
        """Whether there are fewer coins than dates, so that they are read coin by coin and not date by date."""
        return len(self.coin_ids) < (self.read.last - self.read.first).days + 1

    def of(self, table: FromClause, dates: Span) -> ColumnElement[bool]:
        """That a row is of a coin of the working set, or of one between two of them, and of some dates.

        A value for each coin, with the first and the last date, makes a range of an index by coin; a value for each
        date, with the first and the last coin, one of a primary key by date. Either is read as far as the working set
        reaches, however much is stored before and after it.
        """
        day, coin, ids = table.c.date, table.c.asset_id, self.coin_ids
        if self.is_by_coin:
            return and_(coin.in_(ids), day.between(*dates))
        days = [dates.first + number * ONE_DAY for number in range((dates.last - dates.first).days + 1)]
        return and_(day.in_(days), coin.between(ids[0], ids[-1]))

    def hint(self, table: Table) -> str:
        """The index that `of` is for; by itself MySQL goes by coin, and reads all dates of each."""
        (by_coin,) = table.indexes
        return f"FORCE INDEX ({by_coin.name if self.is_by_coin else 'PRIMARY'})"


@contextmanager
def working_set(
    connection: Connection, rows: Sequence[CoinRows], before: int, after: int, kind: Kind
) -> Iterator[WorkingSet]:
    """Fill the temporary tables for the time of a block. After an error in it the connection must not be used again.

    Args:
        connection: Inside a transaction, which none of this commits.
        rows: The rows to make, one at least.
        before: Days of the market that are read before a row's own date.
        after: Days that are read after it.
        kind: Of the database.
    """
    made = Span(min(row.span.first for row in rows), max(row.span.last for row in rows))
    first, last = made.first - timedelta(days=before), made.last + timedelta(days=after)
    coins = [
        {"number": number, "asset_id": row.asset_id, "first_on": row.span.first, "last_on": row.span.last}
        for number, row in enumerate(rows, start=1)
    ]
    for table in _TEMPORARY.sorted_tables:
        table.create(connection, checkfirst=False)
    connection.execute(
        insert(dates_read), [{"day": first + timedelta(days=number)} for number in range((last - first).days + 1)]
    )
    connection.execute(insert(coins_made), coins)
    connection.execute(insert(coins_named).from_select(list(coins_named.columns), select(coins_made)))
    yield WorkingSet(kind, sorted({row.asset_id for row in rows}), made, Span(first, last))
    for table in _TEMPORARY.sorted_tables:
        connection.exec_driver_sql(f"DROP {'' if connection.dialect.name == 'sqlite' else 'TEMPORARY '}TABLE {table}")


def replace_rows(
    connection: Connection,
    table: Table,
    rows: Select[Any],
    made: WorkingSet,
    still_made: ColumnElement[bool] | None = None,
) -> int:
    """Make the rows of the working set those that a query gives, inside the database; how many it gives.

    Args:
        connection: In the transaction of the working set.
        table: Its key is a date and a coin.
        rows: The new rows, with the table's columns in their order.
        made: The working set.
        still_made: Tells of a stored row whether the query still gives it. With it MySQL and MariaDB change rows in
            their place, which touches each page once; without it all are deleted first.
    """
    columns, keys = list(table.columns), list(table.primary_key.columns)
    if still_made is None or made.kind == "sqlite":
        _delete_rows(connection, table)
        count = connection.execute(table.insert().from_select(columns, rows)).rowcount
        # SQLite's driver counts no rows of a statement that begins with WITH.
        return count if count >= 0 else int(connection.scalar(select(func.changes())) or 0)
    gone = select(exists(_stored(table, made).where(~still_made)))
    if connection.scalar(gone):
        _delete_rows(connection, table, ~still_made)
    upsert = mysql.insert(table).from_select(columns, rows)
    values = {column.name: upsert.inserted[column.name] for column in columns if column not in keys}
    connection.execute(upsert.on_duplicate_key_update(values))
    return int(connection.scalar(select(func.count()).select_from(_stored(table, made).subquery())) or 0)


def _delete_rows(connection: Connection, table: Table, which: ColumnElement[bool] | None = None) -> None:
    """Delete the rows of the working set from a table, or those of them of which a condition holds."""
    day, coin = table.primary_key.columns
    wanted: ColumnElement[bool]
    if connection.dialect.name == "sqlite":
        # SQLite deletes from one table alone.
        within = dates_read.c.day.between(coins_made.c.first_on, coins_made.c.last_on)
        wanted = tuple_(day, coin).in_(
            select(dates_read.c.day, coins_made.c.asset_id).select_from(dates_read.join(coins_made, within))
        )
    else:
        inside = day.between(coins_made.c.first_on, coins_made.c.last_on)
        wanted = and_(day == dates_read.c.day, coin == coins_made.c.asset_id, inside)
    # By itself MySQL goes by coin, and reads all dates of each.
    hint = f"/*+ JOIN_PREFIX({dates_read.name}, {coins_made.name}, {table.name}) */"
    doomed = delete(table).where(wanted if which is None else and_(wanted, which))
    connection.execute(doomed.prefix_with(hint, dialect="mysql"))


def rows_stored(table: Table) -> FromClause:
    """The rows of the working set that a table has."""
    day, coin = table.primary_key.columns
    within = dates_read.c.day.between(coins_made.c.first_on, coins_made.c.last_on)
    return dates_read.join(coins_made, within).join(table, and_(day == dates_read.c.day, coin == coins_made.c.asset_id))


def _stored(table: Table, made: WorkingSet) -> Select[Any]:
    """A row for each one of the working set that a table has, from its key alone."""
    day, coin = table.primary_key.columns
    within = and_(coin == coins_made.c.asset_id, day.between(coins_made.c.first_on, coins_made.c.last_on))
    return (
        select(coins_made.c.number)
        .prefix_with(BY_HASH, dialect="mysql")
        .with_hint(table, made.hint(table), "mysql")
        .select_from(table.join(coins_made, within))
        .where(made.of(table, made.made))
    )
