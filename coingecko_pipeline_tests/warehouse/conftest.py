"""What several tests of the warehouse start from."""

from collections.abc import Iterator

import dagster as dg
import pytest

from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.warehouse.materializing import Runner
from coingecko_pipeline_tests.warehouse.shop import SHOP


@pytest.fixture(params=["bulk", "executemany"])
def written_database(request: pytest.FixtureRequest, empty_database: Database, kind: str) -> Iterator[Database]:
    """A database without any table that takes rows by LOAD DATA, and one that does not."""
    if request.param == "bulk" and kind == "sqlite":
        pytest.skip("SQLite has one way of writing")
    bulk = request.param == "bulk"
    database = Database(empty_database.url.render_as_string(hide_password=False), local_infile=bulk)
    yield database
    assert database.local_infile == bulk, "it fell back where it should not"
    database.dispose()


@pytest.fixture(scope="module")
def shop_with_tables(make_database: MakeDatabase) -> Database:
    database = make_database()
    SHOP.create_all(database.engine)
    return database


@pytest.fixture
def shop(shop_with_tables: Database) -> Database:
    """The shop's tables, all of them empty."""
    with shop_with_tables.transaction() as connection:
        for table in SHOP.sorted_tables:
            connection.execute(table.delete())
    return shop_with_tables


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with empty_instance() as ephemeral:
        yield ephemeral


@pytest.fixture
def run(shop: Database, instance: dg.DagsterInstance) -> Runner:
    return Runner(shop, instance)
