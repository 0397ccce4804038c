from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from sqlalchemy import insert, update

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.checks.asset_list import (
    asset_ids_are_unique,
    every_entry_of_the_list_could_be_kept,
    every_listed_asset_is_present,
    the_list_did_not_shrink,
    the_list_was_taken,
)
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.running import run_job

SEEN = date(2026, 1, 1)


def run(database: Database, coins: list[str]) -> Any:
    clock = FakeClock(datetime(2026, 2, 1, tzinfo=UTC))
    server = FakeServer(lambda _request: Answer([{"id": coin, "symbol": "s", "name": "n"} for coin in coins]))
    client = CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=server)
    return run_job("asset_list_job", database, client)


def test_the_checks_of_an_attempt_tell_when_none_is_recorded() -> None:
    with empty_instance() as instance:
        context = dg.build_asset_check_context(instance=instance)
        for check in (the_list_was_taken, the_list_did_not_shrink, every_entry_of_the_list_could_be_kept):
            found: Any = check(context)
            assert found.passed


def test_a_coin_that_is_active_and_not_listed_is_found(database: Database) -> None:
    assert run(database, ["a", "b"]).success
    with database.transaction() as connection:
        connection.execute(
            insert(tables.assets),
            {
                "asset_id": "ghost",
                "symbol": "s",
                "name": "n",
                "first_seen_on": SEEN,
                "last_seen_on": SEEN,
                "is_active": True,
            },
        )
        connection.execute(update(tables.assets).where(tables.assets.c.asset_id == "a").values(is_active=False))
    found: Any = every_listed_asset_is_present(warehouse=database)
    assert not found.passed
    assert (found.metadata["missing"].value, found.metadata["active_but_not_listed"].value) == (1, 1)
    assert found.metadata["examples"].value == ["a", "ghost"]


def test_an_empty_id_is_found(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            insert(tables.raw_asset_list),
            [{"asset_id": name, "fetched_at": datetime(2026, 1, 1, tzinfo=UTC)} for name in ("", "a")],
        )
    found: Any = asset_ids_are_unique(warehouse=database)
    assert not found.passed
    assert found.metadata["empty_ids"].value == 1
