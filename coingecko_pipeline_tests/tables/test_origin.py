"""Sandbox data and live data never meet in one database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from coingecko_pipeline.tables import OriginError, assert_origin, claim_origin, stored_origin, warehouse_origin
from coingecko_pipeline.tables.origin import Origin
from coingecko_pipeline.warehouse import Database


def test_a_database_without_data_has_no_origin_and_suits_both(database: Database) -> None:
    assert stored_origin(database) is None
    assert_origin(database, "live")
    assert_origin(database, "sandbox")


def test_the_first_claim_is_remembered_and_the_other_origin_refused(database: Database) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    claim_origin(database, "sandbox", now=lambda: moment)
    claim_origin(database, "sandbox", now=lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert_origin(database, "sandbox")
    for refused in (claim_origin, assert_origin):
        with pytest.raises(OriginError, match="holds sandbox data, and live data"):
            refused(database, "live")
    with database.connect() as connection:
        assert connection.execute(select(warehouse_origin)).one() == (1, "sandbox", moment)


def test_of_two_claims_at_once_one_wins(database: Database) -> None:
    def claim(origin: Origin) -> bool:
        try:
            claim_origin(database, origin)
        except OriginError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(claim, ("live", "sandbox"))) == [False, True]
