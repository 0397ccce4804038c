"""Which rows one transaction makes anew, as temporary tables that its statements join.

A temporary table instead of a list of parameters: a day has 17,400 coins. The coins are there twice, since MySQL refers
to a temporary table once in a statement. The market is looked up by its primary key, a date and a coin at a time: an
index by coin would be read from the coin's first date on, since neither MySQL nor MariaDB bounds it by a date that
stands in another table.
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
    and_,
    delete,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.dialects import mysql

from coingecko_pipeline.measures.spans import Span
from coingecko_pipeline.tables import ASSET_ID_LENGTH
from coingecko_pipeline.warehouse import ExactText

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
        prefixes=["TEMPORARY"],
    )


coins_made = _coins("coins_made")
"""The coins whose rows are made, from the first to the last date, each with a number of its own."""
coins_named = _coins("coins_named")
"""The same again, to name a coin by its number: MySQL keeps room for the longest id in each intermediate row."""
dates_read = Table("dates_read", _TEMPORARY, Column("day", Date, primary_key=True), prefixes=["TEMPORARY"])
"""Every date of the market that is read for one of them."""


@dataclass(frozen=True)
class CoinRows:
    """Rows of one coin in a derived table.

    Attributes:
        asset_id: The coin.
        span: The first and the last date of the rows.
    """

    asset_id: str
    span: Span


@contextmanager
def working_set(connection: Connection, rows: Sequence[CoinRows], before: int, after: int) -> Iterator[None]:
    """Fill the temporary tables for the time of a block. After an error in it the connection must not be used again.

    Args:
        connection: Inside a transaction, which none of this commits.
        rows: The rows to make, one at least.
        before: Days of the market that are read before a row's own date.
        after: Days that are read after it.
    """
    first = min(row.span.first for row in rows) - timedelta(days=before)
    last = max(row.span.last for row in rows) + timedelta(days=after)
    coins = [
        {"number": number, "asset_id": row.asset_id, "first_on": row.span.first, "last_on": row.span.last}
        for number, row in enumerate(rows, start=1)
    ]
    for table in _TEMPORARY.sorted_tables:
        table.create(connection, checkfirst=False)
    connection.execute(
        insert(dates_read), [{"day": first + timedelta(days=number)} for number in range((last - first).days + 1)]
    )
    for table in (coins_made, coins_named):
        connection.execute(insert(table), coins)
    yield
    for table in _TEMPORARY.sorted_tables:
        connection.exec_driver_sql(f"DROP {'' if connection.dialect.name == 'sqlite' else 'TEMPORARY '}TABLE {table}")


def replace_rows(
    connection: Connection, table: Table, rows: Select[Any], still_made: ColumnElement[bool] | None = None
) -> int:
    """Make the rows of the working set those that a query gives, inside the database; how many it gives.

    Args:
        connection: In the transaction of the working set.
        table: Its key is a date and a coin.
        rows: The new rows, with the table's columns in their order.
        still_made: Tells of a stored row whether the query still gives it. With it MySQL and MariaDB change rows in
            their place, which touches each page once; without it all are deleted first.
    """
    columns, keys = list(table.columns), list(table.primary_key.columns)
    if still_made is None or connection.dialect.name == "sqlite":
        _delete_rows(connection, table)
        made = connection.execute(table.insert().from_select(columns, rows)).rowcount
        # SQLite's driver counts no rows of a statement that begins with WITH.
        return made if made >= 0 else int(connection.scalar(select(func.changes())) or 0)
    _delete_rows(connection, table, ~still_made)
    upsert = mysql.insert(table).from_select(columns, rows)
    values = {column.name: upsert.inserted[column.name] for column in columns if column not in keys}
    connection.execute(upsert.on_duplicate_key_update(values))
    return int(connection.scalar(select(func.count()).select_from(rows_stored(table))) or 0)


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
