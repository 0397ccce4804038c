"""Pages of the markets as they were received, beside the rows that were read from them: compared, and read again.

A row is compared with the page whose answer it names; of a coin that a later or an earlier page had as well, the other
page's rows say nothing.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pyarrow as pa
from sqlalchemy import Connection, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.differences import RowDifferences
from coingecko_pipeline.market.snapshots import snapshot_of
from coingecko_pipeline.market.whole_rows import TakenPage, whole_rows
from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.coingecko.responses import check_markets, market_page
from coingecko_pipeline.sources.market_page import market_frame
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter


@dataclass
class PageDifferences(RowDifferences):
    """What differs between the whole rows and the pages that are kept.

    Attributes:
        pages: Pages that were compared.
    """

    pages: int = 0

    SUMMED: ClassVar[tuple[str, ...]] = (*RowDifferences.SUMMED, "pages")


def verify_pages(
    database: Database,
    dates: DateRange | None = None,
    coin_ids: Sequence[str] = (),
    *,
    repair: bool = False,
    on_pages: Callable[[int, int], None] = lambda _done, _of: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PageDifferences:
    """Read every page that is kept again, and compare what it says with market_snapshots, a page at a time.

    Args:
        database: Where both are.
        dates: Only pages of these dates; None for all.
        coin_ids: Only these coins; empty for all.
        repair: Whether to write what differs, and the snapshot's rows of daily_market, each page in one transaction.
        on_pages: Told how many pages are done, and of how many.
        now: The current UTC time, aware.
    """
    pages = tables.market_pages
    query = select(pages.c.page_id).order_by(pages.c.page_id)
    if dates:
        query = query.where(pages.c.date.between(dates.first, dates.last))
    numbers = database.run_reading(lambda connection: connection.scalars(query).all())
    found = PageDifferences()
    for done, number in enumerate(numbers, start=1):

        def compare(connection: Connection, number: int = number) -> PageDifferences:
            return _compare_page(database, connection, number, frozenset(coin_ids), now if repair else None)

        found.merge(database.run_in_transaction(compare) if repair else database.run_reading(compare))
        on_pages(done, len(numbers))
    return found


def _compare_page(
    database: Database,
    connection: Connection,
    number: int,
    coin_ids: frozenset[str],
    repairs_at: Callable[[], datetime] | None,
) -> PageDifferences:
    day, page = _read_page(connection, number)
    rows = page.rows
    if coin_ids:
        rows = rows.filter(pa.array([coin in coin_ids for coin in rows["asset_id"].to_pylist()], pa.bool_()))
    made = whole_rows(tables.market_snapshots, day, TakenPage(page.page, rows))
    stored = _stored(connection, day, made["asset_id"].to_pylist())
    found = PageDifferences(pages=1)
    differing: list[str] = []
    for row in _exact_rows(made):
        there = stored.get(row["asset_id"])
        if there is not None and there["answered_at"] != row["answered_at"]:
            continue
        found.rows += there is not None
        if there != row:
            found.count("missing" if there is None else "different", 1, [f"{row['asset_id']} on {day}"])
            differing.append(row["asset_id"])
    if differing and repairs_at:
        mended = set(differing)
        again = rows.filter(pa.array([coin in mended for coin in rows["asset_id"].to_pylist()], pa.bool_()))
        TableWriter(database, tables.market_snapshots).upsert_in(
            connection, whole_rows(tables.market_snapshots, day, TakenPage(page.page, again))
        )
        (frame,) = snapshot_of([market_frame(again)], day)
        TableWriter(database, tables.daily_market).upsert_in(connection, to_arrow(tables.daily_market, frame))
        log_changes(connection, [Change(tables.daily_market.name, day, day)], repairs_at)
    return found


def _read_page(connection: Connection, number: int) -> tuple[date, TakenPage]:
    """A page that is kept, with the last row of each of its coins."""
    pages = tables.market_pages.c
    query = select(pages.date, pages.what, pages.asked_at, pages.answered_at, pages.body)
    row = connection.execute(query.where(pages.page_id == number)).one()
    answer = Answer(zlib.decompress(row.body), row.asked_at, row.answered_at)
    page = market_page(check_markets(json.loads(answer.body)), answer, row.what)
    places = {coin: place for place, coin in enumerate(page.rows["asset_id"].to_pylist())}
    return row.date, TakenPage(page, page.rows.take(pa.array(sorted(places.values()), pa.int64())))


def _stored(connection: Connection, day: date, coins: Sequence[str]) -> dict[str, dict[str, Any]]:
    table = tables.market_snapshots
    query = select(table).where(table.c.date == day, table.c.asset_id.in_(coins))
    return {
        row["asset_id"]: {name: _exact(value) for name, value in row.items()}
        for row in connection.execute(query).mappings()
    }


def _exact_rows(made: pa.Table) -> Iterator[dict[str, Any]]:
    moments = [field.name for field in made.schema if pa.types.is_timestamp(field.type)]
    for row in made.to_pylist():
        for name in moments:
            row[name] = row[name] and row[name].replace(tzinfo=UTC)
        yield {name: _exact(value) for name, value in row.items()}


def _exact(value: Any) -> Any:
    """A value that equals another one where all bits do."""
    return value.hex() if isinstance(value, float) else value
