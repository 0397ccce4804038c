"""Rows page by page: none twice, none lost, all of one moment, in bounded memory."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table

from coingecko_pipeline.tables import daily_market
from coingecko_pipeline.warehouse import Between, Database, DeclarationError, ExactText, OneOf, UtcDateTime
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.paging import WIDE_PAGE_ROWS, count_rows, of_one_moment, read_pages
from coingecko_pipeline.warehouse.reading import Condition
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import MakeDatabase

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HOURS, PLACES, KINDS = 3, ("a", "A", "a ", "ß"), (1, 2)
READINGS = Table(
    "readings",
    MetaData(),
    Column("read_at", UtcDateTime, primary_key=True),
    Column("place", ExactText(20), primary_key=True),
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer),
)
BODIES = Table("bodies", MetaData(), Column("id", Integer, primary_key=True), Column("body", LargeBinary))
ROWS = sorted(
    (FIRST + timedelta(hours=hour), place, kind, 100 * hour + kind)
    for hour in range(HOURS)
    for place in PLACES
    for kind in KINDS
)


@pytest.fixture
def readings(make_database: MakeDatabase) -> Database:
    database = make_database()
    READINGS.metadata.create_all(database.engine)
    write(database, ROWS)
    return database


def write(database: Database, rows: list[tuple[datetime, str, int, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["read_at", "place", "kind", "value"])
    TableWriter(database, READINGS).upsert(to_arrow(READINGS, frame))


@pytest.mark.parametrize("page_rows", [1, 2, 5, len(ROWS) - 1, len(ROWS), len(ROWS) + 1])
def test_the_pages_are_the_rows_in_the_order_of_the_key_whatever_their_size(readings: Database, page_rows: int) -> None:
    with readings.connect() as connection:
        pages = list(read_pages(connection, READINGS, page_rows=page_rows))
    assert all(0 < page.num_rows <= page_rows for page in pages)
    assert [tuple(row.values()) for page in pages for row in page.to_pylist()] == ROWS


@pytest.mark.parametrize("page_rows", [1, 3, 100])
def test_the_pages_hold_only_the_rows_that_meet_the_conditions(readings: Database, page_rows: int) -> None:
    conditions: list[Condition] = [Between("read_at", FIRST, FIRST + timedelta(hours=2)), OneOf("place", ("a ", "ß"))]
    expected = [row for row in ROWS if row[0] < FIRST + timedelta(hours=2) and row[1] in ("a ", "ß")]
    with readings.connect() as connection:
        assert count_rows(connection, READINGS, conditions) == len(expected) == 8
        pages = list(read_pages(connection, READINGS, conditions, page_rows))
    assert [tuple(row.values()) for page in pages for row in page.to_pylist()] == expected


def test_every_page_is_of_the_moment_of_the_first(readings: Database) -> None:
    found: list[tuple[object, ...]] = []
    with readings.connect() as connection:
        for page in read_pages(of_one_moment(connection), READINGS, page_rows=5):
            found += [tuple(row.values()) for row in page.to_pylist()]
            write(readings, [(moment, place, kind, -1) for moment, place, kind, _ in ROWS])
    assert found == ROWS


def test_the_pages_of_a_table_with_bodies_are_small(empty_database: Database) -> None:
    BODIES.metadata.create_all(empty_database.engine)
    frame = pd.DataFrame({"id": range(WIDE_PAGE_ROWS + 1), "body": b"of any size"})
    TableWriter(empty_database, BODIES).upsert(to_arrow(BODIES, frame))
    with empty_database.connect() as connection:
        pages = list(read_pages(connection, BODIES))
    assert [page.num_rows for page in pages] == [WIDE_PAGE_ROWS, 1]
    assert [body.as_py() for page in pages for body in page["body"]] == [b"of any size"] * len(frame)


def test_a_table_without_a_key_has_no_pages(database: Database) -> None:
    with (
        database.connect() as connection,
        pytest.raises(DeclarationError, match="'keyless' declares no primary key"),
    ):
        next(read_pages(connection, Table("keyless", MetaData(), Column("a", Integer))))


def test_no_row_makes_no_page(database: Database) -> None:
    with database.connect() as connection:
        nothing = [Between("date", date(2026, 1, 1), date(2026, 1, 2))]
        assert list(read_pages(connection, daily_market, nothing)) == []
