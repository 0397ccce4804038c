"""What several tests of the warehouse start from."""

from collections.abc import Iterator

import pytest

from coingecko_pipeline.warehouse import Database


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
