"""All rows of tables, deleted."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Double, Integer, MetaData, Table, insert

from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.emptying import count_rows_of, empty
from coingecko_pipeline_tests.databases import on_servers, run_on

METADATA = MetaData()
SOLD = Table("sold", METADATA, Column("number", Integer, primary_key=True, autoincrement=False), Column("usd", Double))
NEVER_MADE = Table("never_made", METADATA, Column("number", Integer, primary_key=True))


@pytest.fixture
def shop(empty_database: Database) -> Database:
    """A database with a table of three rows."""
    METADATA.create_all(empty_database.engine, [SOLD], checkfirst=True)
    with empty_database.transaction() as connection:
        connection.execute(insert(SOLD), [{"number": number, "usd": 1.0} for number in range(3)])
    return empty_database


def test_the_rows_are_gone_and_the_table_stays(shop: Database) -> None:
    assert count_rows_of(shop, [SOLD, NEVER_MADE]) == {"sold": 3}
    empty(shop, [SOLD])
    empty(shop, [SOLD])
    assert count_rows_of(shop, [SOLD]) == {"sold": 0}


@pytest.fixture
def clerk(shop: Database) -> Iterator[Database]:
    """The database by an account that may delete rows and drop no table."""
    name = f"clerk_{uuid.uuid4().hex[:8]}"
    user = f"'{name}'@'%'"
    grant = f"GRANT SELECT, INSERT, DELETE ON `{shop.url.database}`.* TO {user}"
    run_on(shop.url, f"CREATE USER {user} IDENTIFIED BY 'secret'", grant)
    database = Database(shop.url.set(username=name, password="secret").render_as_string(hide_password=False))
    yield database
    database.dispose()
    run_on(shop.url, f"DROP USER {user}")


@on_servers
def test_an_account_that_may_not_truncate_deletes_row_by_row(clerk: Database) -> None:
    empty(clerk, [SOLD])
    assert count_rows_of(clerk, [SOLD]) == {"sold": 0}
