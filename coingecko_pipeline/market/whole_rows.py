"""The whole rows of a page: written with the page, and with what they tell of a coin's class, in one transaction."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
from sqlalchemy import Connection, Table, delete, insert

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.market.classes import note_classes
from coingecko_pipeline.sources.market_page import MarketPage
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter


@dataclass(frozen=True)
class TakenPage:
    """A page, and those of its rows that are taken.

    Attributes:
        page: As received.
        rows: Its rows of coins that no earlier page had.
    """

    page: MarketPage
    rows: pa.Table


def write_whole_rows(
    database: Database,
    connection: Connection,
    day: date,
    taken: TakenPage,
    *,
    again: bool = False,
    keeps_page: bool = False,
) -> list[Change]:
    """Write the whole rows of a page of CoinGecko's markets; of two of a coin and date the earlier one stays.

    Args:
        database: Where they are kept.
        connection: In the transaction that writes the market's rows of the page.
        day: The date of the snapshot.
        taken: The page.
        again: Whether they replace earlier ones of the date.
        keeps_page: Whether the page is kept as received.

    Returns:
        What changed in the coins' classes, to be logged last in the transaction.
    """
    table = tables.market_snapshots
    if again:
        coins = taken.rows["asset_id"].to_pylist()
        connection.execute(delete(table).where(table.c.date == day, table.c.asset_id.in_(coins)))
    upsert_whole_rows(database, connection, table, day, taken)
    if keeps_page:
        page = taken.page
        connection.execute(
            insert(tables.market_pages).values(
                date=day,
                what=page.what,
                asked_at=page.asked_at,
                answered_at=page.answered_at,
                body=zlib.compress(page.answer.body),
            )
        )
    return note_classes(connection, day, taken.rows)


def upsert_whole_rows(database: Database, connection: Connection, table: Table, day: date, taken: TakenPage) -> None:
    """Write the rows of a source's page to the table that keeps them whole.

    Args:
        database: Where the table is.
        connection: In a transaction of it.
        table: The source's own; see `whole_rows`.
        day: The date.
        taken: The page.
    """
    TableWriter(database, table).upsert_in(connection, whole_rows(table, day, taken))


def whole_rows(table: Table, day: date, taken: TakenPage) -> pa.Table:
    """The rows of a source's page as those of the table that keeps them whole.

    Args:
        table: The source's own: it has the page's columns, the date and the moment of the answer. What the page does
            not have, since its source does not give it, is NULL.
        day: The date.
        taken: The page.
    """
    count = len(taken.rows)
    known = {
        "date": pa.array([day] * count, pa.date32()),
        "answered_at": pa.array([taken.page.answered_at] * count, pa.timestamp("us", "UTC")),
    }
    columns = {name: taken.rows[name] for name in taken.rows.column_names}
    given = columns.keys() | known.keys()
    nowhere = {column.name: pa.nulls(count) for column in table.columns if column.name not in given}
    return to_arrow(table, pa.table({**columns, **known, **nowhere}))


def finish_snapshot(connection: Connection, day: date, missing: Mapping[str, Sequence[str]], pages_days: int) -> None:
    """Note which coins a snapshot of all coins did not bring, and drop the pages that were kept long enough.

    Args:
        connection: In a transaction.
        day: The date of the snapshot.
        missing: The coins by reason; see `missing_coins`.
        pages_days: Days for which pages are kept.
    """
    table, pages = tables.missing_coins, tables.market_pages
    connection.execute(delete(table).where(table.c.date == day))
    rows = [{"date": day, "asset_id": coin, "reason": reason} for reason, coins in missing.items() for coin in coins]
    if rows:
        connection.execute(insert(table), rows)
    connection.execute(delete(pages).where(pages.c.date <= day - timedelta(days=pages_days)))
