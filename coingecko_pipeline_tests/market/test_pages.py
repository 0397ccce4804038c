"""The pages that are kept beside the rows that were read from them."""

import json
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.changes import Change, changes_after
from coingecko_pipeline.market.pages import verify_pages
from coingecko_pipeline.market.snapshots import snapshot_of
from coingecko_pipeline.market.whole_rows import TakenPage, write_whole_rows
from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.coingecko.responses import market_page
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter

DAY = date(2026, 3, 9)
MIDNIGHT = datetime(2026, 3, 9, 0, 2, tzinfo=UTC)


def take(database: Database, prices: dict[str, float], seconds: float = 0) -> None:
    """Take a page of the day and keep it, as a run does."""
    moment = MIDNIGHT + timedelta(seconds=seconds)
    body = json.dumps(
        [
            {"id": coin, "current_price": price, "max_supply": 2.3e19, "last_updated": moment.isoformat()}
            for coin, price in prices.items()
        ]
    ).encode()
    page = market_page(json.loads(body), Answer(body, moment, moment), "page 1 of the markets")

    def work(connection: Connection) -> None:
        (frame,) = snapshot_of([page.frame], DAY)
        TableWriter(database, tables.daily_market).upsert_in(connection, to_arrow(tables.daily_market, frame))
        write_whole_rows(database, connection, DAY, TakenPage(page, page.rows), keeps_page=True)

    database.run_in_transaction(work)


def stored_prices(database: Database, table_name: str) -> dict[str, float]:
    table = tables.metadata.tables[table_name]
    query = select(table.c.asset_id, table.c.price_usd)
    return {row[0]: row[1] for row in database.run_reading(lambda connection: connection.execute(query).all())}


def test_rows_that_were_read_from_their_pages_do_not_differ(database: Database) -> None:
    take(database, {"a": 1.0, "b": 0.1})
    take(database, {"a": 2.0, "c": 3.0}, 60)
    found = verify_pages(database)
    assert found.is_clean
    # The second page's row of a lost against the first one's.
    assert (found.pages, found.rows) == (2, 3)


def test_a_row_that_is_missing_and_one_that_differs_are_found_and_read_again(database: Database) -> None:
    take(database, {"a": 1.0, "b": 0.1, "c": 3.0})
    market, whole = tables.daily_market, tables.market_snapshots
    with database.transaction() as connection:
        connection.execute(delete(whole).where(whole.c.asset_id == "a"))
        connection.execute(update(whole).where(whole.c.asset_id == "b").values(price_usd=0.1 + 2**-56))
        connection.execute(update(market).where(market.c.asset_id == "b").values(price_usd=0.2))
    for repair in (False, True):
        found = verify_pages(database, repair=repair)
        assert (found.missing, found.different, found.surplus) == (1, 1, 0)
        assert found.examples == {"missing": ["a on 2026-03-09"], "different": ["b on 2026-03-09"]}
    assert verify_pages(database).is_clean
    assert stored_prices(database, "market_snapshots") == {"a": 1.0, "b": 0.1, "c": 3.0}
    assert stored_prices(database, "daily_market") == {"a": 1.0, "b": 0.1, "c": 3.0}
    assert changes_after(database, "daily_market", 0).changes == (Change("daily_market", DAY, DAY),)


def test_only_the_dates_and_coins_that_were_chosen_are_compared(database: Database) -> None:
    take(database, {"a": 1.0, "b": 2.0})
    with database.transaction() as connection:
        connection.execute(delete(tables.market_snapshots))
    assert verify_pages(database, coin_ids=["b"]).missing == 1
    assert verify_pages(database, DateRange(DAY + timedelta(days=1), DAY + timedelta(days=2))).pages == 0
