"""CoinPaprika's contracts out of real runs, on each database."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.paprika_contracts import FakeContracts, contract
from coingecko_pipeline_tests.running import metadata_of, rows_of, run_job

EVM = "0xD26114cd6EE289AccF82350c8d8487fedB8A0C07"
COINS = [{"id": f"c-{number}", "symbol": "C", "name": f"C {number}", "is_active": True} for number in range(4)]
ALL = "SELECT platform, address, asset_id, first_seen_on, last_seen_on, is_active FROM asset_contracts"


def moment(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T00:03:30").replace(tzinfo=UTC)


def take(database: Database, server: FakeContracts, day: str) -> dg.ExecuteInProcessResult:
    now = moment(day)
    result = run_job("coinpaprika_daily_job", database, None, now.date(), coinpaprika=server.client(now))
    assert result.success
    return result


def contracts_of(database: Database) -> dict[tuple[str, ...], tuple[Any, ...]]:
    rows = rows_of(database, ALL)
    return {tuple(row[:3]): (str(row[3]), str(row[4]), bool(row[5])) for row in rows}


def test_contracts_are_kept_in_its_own_schema_with_the_days_on_which_they_were_seen(
    database: Database, second: Database
) -> None:
    server = FakeContracts(
        {"eth": [contract(EVM, "c-1"), contract("0x2", "c-2")], "sol": [contract("So1", "c-1")]}, COINS
    )
    take(database, server, "2026-03-09")
    server.chains["eth"] = [contract(EVM.lower(), "c-1"), contract("0x2", "c-2", active=False), contract("0x3", "c-3")]
    take(database, server, "2026-03-16")
    assert contracts_of(second) == {
        ("eth", EVM.lower(), "c-1"): ("2026-03-09", "2026-03-16", True),
        ("eth", "0x2", "c-2"): ("2026-03-09", "2026-03-09", False),
        ("eth", "0x3", "c-3"): ("2026-03-16", "2026-03-16", True),
        ("sol", "So1", "c-1"): ("2026-03-09", "2026-03-16", True),
    }
    assert rows_of(database, "SELECT COUNT(*) FROM asset_contracts") == [(0,)]
    assert rows_of(database, "SELECT COUNT(*) FROM platforms") == [(0,)]


@on_sqlite
def test_each_chain_is_asked_once_a_week(database: Database, second: Database) -> None:
    server = FakeContracts({"eth": [contract("0x1", "c-1")], "empty": []}, COINS)
    for day in range(1, 10):
        take(database, server, f"2026-03-{day:02}")
        if day == 3:
            server.chains["new"] = [contract("0x9", "c-2")]
    assert server.asked == ["eth", "empty", "new", "eth", "empty"]
    usage = dict(rows_of(database, "SELECT endpoint, SUM(calls) FROM api_usage GROUP BY endpoint"))
    assert (usage["contracts"], usage["contracts/{platform}"]) == (9, 5)
    assert len(rows_of(second, "SELECT platform FROM platforms")) == 3


@on_sqlite
@pytest.mark.parametrize("failure", [Answer({"error": "no"}, 404), Answer("x", 500), Answer({"a": 1}), Answer("", 403)])
def test_a_chain_that_fails_stops_no_other_keeps_its_contracts_and_is_asked_again(
    database: Database, second: Database, failure: Answer
) -> None:
    names = ("eth", "bad", "sol")
    server = FakeContracts({name: [contract(f"0x{name}", "c-1")] for name in names}, COINS)
    take(database, server, "2026-03-01")
    server.chains["bad"] = failure
    facts = metadata_of(take(database, server, "2026-03-08"), "asset_contracts")
    assert (facts["chains_asked"], list(facts["chains_failed"]), facts["chains_not_asked"]) == (2, ["bad"], 0)
    assert contracts_of(second) == {
        (name, f"0x{name}", "c-1"): ("2026-03-01", "2026-03-01" if name == "bad" else "2026-03-08", True)
        for name in names
    }
    server.chains["bad"] = []
    facts = metadata_of(take(database, server, "2026-03-09"), "asset_contracts")
    assert (facts["chains_asked"], facts["chains_not_due"], facts["contracts"]) == (1, 2, 0)
    assert contracts_of(second)["bad", "0xbad", "c-1"] == ("2026-03-01", "2026-03-01", False)


@on_sqlite
def test_where_chain_after_chain_fails_the_others_are_left_for_the_next_run(
    database: Database, second: Database
) -> None:
    gone = Answer({"error": "no"}, 404)
    server = FakeContracts({"first": [contract("0x1", "c-1")]} | {f"bad-{number}": gone for number in range(5)}, COINS)
    facts = metadata_of(take(database, server, "2026-03-09"), "asset_contracts")
    assert (len(facts["chains_failed"]), facts["chains_not_asked"]) == (3, 2)
    assert contracts_of(second).keys() == {("first", "0x1", "c-1")}


@on_sqlite
def test_where_the_chains_do_not_come_the_day_goes_on(database: Database, second: Database) -> None:
    server = FakeContracts({}, COINS)
    server.listed = Answer({"error": "payment required"}, 402)
    result = take(database, server, "2026-03-09")
    assert not [event for event in result.all_events if event.is_step_failure]
    assert rows_of(second, "SELECT COUNT(*) FROM daily_market") == [(4,)]
    assert contracts_of(second) == {}


@on_sqlite
def test_what_cannot_be_a_row_is_counted(database: Database, second: Database) -> None:
    odd = [contract("0x1", "c-1"), contract(None, "c-2"), contract("0x2", None), contract(7, "c-3"), "text", None]
    server = FakeContracts(
        {"eth": [*odd, contract("x" * 401, "c-3"), contract("0x1", "c-1"), contract("0x1", "c-2")]}, COINS
    )
    facts = metadata_of(take(database, server, "2026-03-09"), "asset_contracts")
    assert (facts["contracts"], facts["without_address"], facts["left_out"]) == (2, 3, 3)
    assert facts["left_out_by_reason"] == {
        "no id of a coin that can be stored": 1,
        "address that is no text": 1,
        "address longer than 400 characters": 1,
    }
    assert len(contracts_of(second)) == 2


def test_a_run_of_both_sources_pairs_by_their_contracts(database: Database, second: Database) -> None:
    addresses = [f"0x{'a' * 39}{number}" for number in range(4)]
    coins = [
        {"id": f"g-{number}", "symbol": "gg", "name": f"G {number}", "platforms": {"ethereum": address}}
        for number, address in enumerate(addresses)
    ]
    now = moment("2026-03-09")
    rows = [
        {
            "id": coin["id"],
            "current_price": 1.0,
            "market_cap": 1.0,
            "total_volume": 1.0,
            "last_updated": now.isoformat(),
        }
        for coin in coins
    ]
    server = FakeServer(lambda request: Answer(coins if "coins/list" in (request.url or "") else rows))
    clock = FakeClock(now)
    client = CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=server)
    assert run_job("asset_list_job", database, client).success
    assert run_job("daily_market_job", database, client, now.date()).success
    entries = [contract(address.upper().replace("0X", "0x"), f"c-{number}") for number, address in enumerate(addresses)]
    take(database, FakeContracts({"eth-ethereum": entries}, COINS), "2026-03-09")
    facts = metadata_of(run_job("source_agreement_job", database, None, now=lambda: now), "asset_pairs")
    assert (facts["pairs"], facts["pairs_new_by_contract"], facts["chains"]) == (4, 4, {"eth-ethereum": "ethereum"})
    pairs = rows_of(database, "SELECT asset_id, coinpaprika_id, how FROM asset_pairs ORDER BY asset_id")
    assert pairs == [(f"g-{number}", f"c-{number}", "contract") for number in range(4)]
    assert rows_of(second, "SELECT COUNT(*) FROM asset_contracts") == [(4,)]
    assert rows_of(database, "SELECT COUNT(*) FROM source_agreement") == [(4,)]
