"""The whole rows of the markets: out as in, bit for bit, with their page, and why a coin of the list has none."""

import gzip
import json
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.market.whole_rows import TakenPage, finish_snapshot, write_whole_rows
from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.coingecko.responses import MARKET_FIELDS, market_page
from coingecko_pipeline.sources.market_page import Kind
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.recordings import recordings_dir

DAY = date(2026, 3, 9)
MIDNIGHT = datetime(2026, 3, 9, 0, 2, tzinfo=UTC)


def take(database: Database, body: bytes, seconds: float = 0, *, again: bool = False, keeps_page: bool = True) -> None:
    """Write a page that was answered so many seconds after two minutes past midnight."""
    moment = MIDNIGHT + timedelta(seconds=seconds)
    page = market_page(json.loads(body), Answer(body, moment, moment), "page 1 of the markets")

    def work(connection: Connection) -> None:
        taken = TakenPage(page, page.rows)
        write_whole_rows(database, connection, DAY, taken, again=again, keeps_page=keeps_page)

    database.run_in_transaction(work)


def stored(database: Database) -> dict[str, Any]:
    """The stored rows by coin."""
    rows = database.run_reading(lambda connection: connection.execute(select(tables.market_snapshots)).all())
    return {row.asset_id: row for row in rows}


def value_at(row: dict[str, Any], path: str) -> Any:
    inner: Any = row
    for name in path.split("."):
        inner = inner.get(name) if inner else None
    return inner


def recorded_pages() -> list[bytes]:
    folder = recordings_dir() / "coins_markets" / "2025-02-14"
    names = sorted(folder.glob("page_*.json.gz"))
    cassettes = [
        recordings_dir() / "cassettes" / f"test_coins_test_get_{name}.json.gz"
        for name in ("market__0", "market_with_ids__0", "market_with_ids__1")
    ]
    return [gzip.decompress(path.read_bytes()) for path in (*names, *cassettes)]


def test_every_field_of_the_recorded_pages_comes_out_as_it_came_in(database: Database) -> None:
    pages = recorded_pages()
    assert len(pages) > 12
    given: dict[str, dict[str, Any]] = {}
    for place, body in enumerate(pages):
        take(database, body, place)
        given = {row["id"]: row for row in json.loads(body)} | given
    found = stored(database)
    assert set(found) == set(given)
    for coin, row in found.items():
        for column, field in MARKET_FIELDS.items():
            value, told = getattr(row, column), value_at(given[coin], field.path)
            if field.kind in (Kind.AMOUNT, Kind.CHANGE):
                assert (value is None) == (told is None), (coin, column)
                assert told is None or np.float64(value).tobytes() == np.float64(told).tobytes(), (coin, column)
            elif field.kind in (Kind.MOMENT, Kind.UPDATE):
                assert value == (told and datetime.fromisoformat(told)), (coin, column)
            else:
                assert value == told, (coin, column)


def test_integers_beyond_64_bits_and_the_smallest_numbers_are_their_doubles(database: Database) -> None:
    supply = 180_000_000_000_000_000_000_001
    take(database, json.dumps([{"id": "x", "total_supply": supply, "atl": 5e-324, "max_supply": 2.3e19}]).encode())
    row = stored(database)["x"]
    assert (row.total_supply, row.atl_usd, row.max_supply) == (float(supply), 5e-324, 2.3e19)


def test_of_two_answers_of_a_date_the_earlier_one_stays_but_where_it_is_taken_again(database: Database) -> None:
    def body(price: float) -> bytes:
        return json.dumps([{"id": "x", "current_price": price}]).encode()

    prices = []
    for price, seconds, again in ((1.0, 60, False), (2.0, 3600, False), (3.0, 30, False), (4.0, 7200, True)):
        take(database, body(price), seconds, again=again)
        prices.append(stored(database)["x"].price_usd)
    assert prices == [1.0, 1.0, 3.0, 4.0]


def test_a_page_is_kept_as_received_for_as_many_days_as_is_said(database: Database) -> None:
    body = b'[ {"id": "x"} ]'
    take(database, body)
    take(database, body, keeps_page=False)
    page = tables.market_pages
    (row,) = database.run_reading(lambda connection: connection.execute(select(page)).all())
    assert (row.date, row.what, row.answered_at) == (DAY, "page 1 of the markets", MIDNIGHT)
    assert zlib.decompress(row.body) == body
    counts = []
    for days in (29, 30):
        with database.transaction() as connection:
            finish_snapshot(connection, DAY + timedelta(days=days), {}, 30)
            counts.append(connection.scalar(select(func.count()).select_from(page)))
    assert counts == [1, 0]


def test_the_reasons_of_a_date_are_those_of_its_latest_snapshot(database: Database) -> None:
    with database.transaction() as connection:
        finish_snapshot(connection, DAY, {tables.NOT_SERVED: ["a", "b"], tables.TOO_LATE: ["c"]}, 30)
        finish_snapshot(connection, DAY, {tables.NOT_ASKED: ["c"]}, 30)
        rows = connection.execute(select(tables.missing_coins)).all()
    assert [tuple(row) for row in rows] == [(DAY, "c", "not_asked")]


@pytest.mark.parametrize("field", ["market_cap_rank", "ath_date", "roi"])
def test_a_field_that_is_something_else_costs_the_others_nothing(field: str) -> None:
    body = [{"id": "x", "current_price": 1.0, field: "soon"}]
    page = market_page(body, Answer(b"", MIDNIGHT, MIDNIGHT))
    assert page.rows["price_usd"].to_pylist() == [1.0]
    assert sum(page.set_aside.values()) == (3 if field == "roi" else 1)
