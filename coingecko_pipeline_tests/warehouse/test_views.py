"""Views: made where they are missing or other than declared, dropped where they are no longer declared."""

import logging
from datetime import date

import pytest
from sqlalchemy import Double, MetaData, Select, Table, func, insert, inspect, select, text, type_coerce
from sqlalchemy.engine import make_url

from coingecko_pipeline.warehouse import Between, Database, DeclarationError, read_frame
from coingecko_pipeline.warehouse.paging import read_pages
from coingecko_pipeline.warehouse.views import Views, declare_record, declare_view
from coingecko_pipeline_tests.databases import on_servers, run_on
from coingecko_pipeline_tests.warehouse.shop import SALES, SHOP

RECORD = declare_record("declared_views", MetaData())
DAY = date(2026, 1, 1)


def dear(least: float, name: str = "dear_sales") -> Views:
    """One view, of the sales of so much money at least; its text has what a driver could take for a place."""
    cents = type_coerce(SALES.c.amount * 100, Double).label("cents")
    query = select(SALES.c.day, SALES.c.item, cents).where(SALES.c.amount >= least, SALES.c.item != "100 %s\\'")
    metadata = MetaData()
    declare_view(name, metadata, query, key=("day", "item"), comment="A dear sale", comments={"cents": "money (cents)"})
    return Views(metadata, RECORD)


def make(database: Database, views: Views) -> Table:
    with database.transaction() as connection:
        views.make(connection)
    return next(iter(views.metadata.tables.values()))


@pytest.fixture
def shop(empty_database: Database) -> Database:
    """The shop with two sales and without a view."""
    SHOP.create_all(empty_database.engine)
    RECORD.create(empty_database.engine)
    rows = [{"day": DAY, "item": item, "amount": amount, "version": 1} for item, amount in (("pen", 1.0), ("ink", 5.0))]
    with empty_database.transaction() as connection:
        connection.execute(insert(SALES), rows)
    return empty_database


def view_names(database: Database) -> list[str]:
    with database.connect() as connection:
        return inspect(connection).get_view_names()


def test_a_view_is_read_like_a_declared_table(shop: Database) -> None:
    view = make(shop, dear(1))
    frame = read_frame(shop, view, conditions=[Between("day", DAY, date(2026, 1, 2))])
    assert list(frame["item"]) == ["ink", "pen"]
    assert list(frame["cents"]) == [500, 100]
    with shop.connect() as connection:
        pages = list(read_pages(connection, view, page_rows=1))
    assert [page.column("item")[0].as_py() for page in pages] == ["ink", "pen"]
    assert pages[0].schema.field("cents").metadata == {b"comment": b"money (cents)"}
    assert pages[0].schema.field("item").metadata == {b"comment": b"what was sold"}


def test_a_view_that_is_declared_otherwise_is_replaced_and_one_that_is_not_declared_is_dropped(shop: Database) -> None:
    make(shop, dear(1))
    assert len(read_frame(shop, make(shop, dear(2)))) == 1
    with shop.transaction() as connection:
        connection.execute(text("CREATE VIEW somebodys AS SELECT 1 AS one"))
    make(shop, dear(2, "other_name"))
    assert set(view_names(shop)) == {"other_name", "somebodys"}


def test_a_view_as_it_is_declared_is_left_alone_and_one_that_was_dropped_by_hand_comes_back(shop: Database) -> None:
    make(shop, dear(1))
    with shop.transaction() as connection:
        connection.execute(text("DROP VIEW dear_sales"))
        connection.execute(text("CREATE VIEW dear_sales AS SELECT 1 AS mark"))
    make(shop, dear(1))
    with shop.connect() as connection:
        assert connection.scalar(text("SELECT mark FROM dear_sales")) == 1
    with shop.transaction() as connection:
        connection.execute(text("DROP VIEW dear_sales"))
    dear(1).make_if_allowed(shop, "shop")
    assert view_names(shop) == ["dear_sales"]


def test_the_views_are_dropped_before_the_tables_change(shop: Database) -> None:
    make(shop, dear(1))
    with shop.transaction() as connection:
        dear(1).drop(connection)
        assert connection.scalar(select(func.count()).select_from(RECORD)) == 0
    assert view_names(shop) == []
    make(shop, dear(1))
    assert view_names(shop) == ["dear_sales"]


def test_a_database_without_the_record_gets_no_view(empty_database: Database) -> None:
    make(empty_database, dear(1))
    with empty_database.transaction() as connection:
        dear(1).drop(connection)
    dear(1).make_if_allowed(empty_database, "shop")
    assert view_names(empty_database) == []


def account(database: Database, privileges: str) -> Database:
    """The database with an account of its own that has these privileges there and no others."""
    name = database.url.database
    run_on(
        database.url,
        f"CREATE USER '{name}'@'%'",
        f"GRANT {privileges} ON {name}.* TO '{name}'@'%'",
    )
    return Database(make_url(database.url).set(username=name, password=None).render_as_string(hide_password=False))


@on_servers
def test_an_account_that_may_not_make_views_is_told_who_may_and_goes_on(
    shop: Database, caplog: pytest.LogCaptureFixture
) -> None:
    limited = account(shop, "SELECT, INSERT, UPDATE, DELETE")
    with caplog.at_level(logging.WARNING):
        dear(1).make_if_allowed(limited, "shop")
    assert "run `shop migrate` with one that has CREATE VIEW and DROP" in caplog.text
    caplog.clear()
    make(shop, dear(1))
    dear(1).make_if_allowed(limited, "shop")
    assert caplog.text == ""
    limited.dispose()
    run_on(shop.url, f"DROP USER '{shop.url.database}'@'%'")


@on_servers
def test_who_reads_a_view_needs_the_right_to_read_its_tables_and_not_the_account_that_made_it(shop: Database) -> None:
    maker = account(shop, "SELECT, INSERT, UPDATE, DELETE, DROP, CREATE VIEW")
    view = make(maker, dear(1))
    maker.dispose()
    run_on(shop.url, f"DROP USER '{shop.url.database}'@'%'")
    assert len(read_frame(shop, view)) == 2
    reader = account(shop, "SELECT")
    assert len(read_frame(reader, view)) == 2
    reader.dispose()
    run_on(shop.url, f"DROP USER '{shop.url.database}'@'%'")


@pytest.mark.parametrize(
    ("query", "key", "message"),
    [
        (select(SALES.c.day, (SALES.c.amount * 2).label("double")), ("day",), "double .* without a comment"),
        (select(SALES.c.day), ("day", "item"), "no column item, which its key names"),
    ],
)
def test_a_view_without_a_comment_or_a_key_is_refused(
    query: Select[tuple[object, ...]], key: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        declare_view("v", MetaData(), query, key=key, comment="A view")
