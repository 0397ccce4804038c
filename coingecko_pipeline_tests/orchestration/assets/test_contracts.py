"""Contracts and chains out of real runs, on each database."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from coingecko_pipeline.asset_list.contracts import compared
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS, Plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.recordings import load
from coingecko_pipeline_tests.running import Runner, metadata_of, rows_of

PLATFORMS = [{"id": "ethereum", "name": "Ethereum", "shortname": "", "chain_identifier": 1, "native_coin_id": "eth"}]


class Server:
    """Answers with a list of coins and with chains, which a test replaces."""

    def __init__(self, coins: list[dict[str, Any]], platforms: Answer | None = None) -> None:
        self.coins, self.platforms = coins, platforms or Answer(PLATFORMS)
        self.server = FakeServer(
            lambda request: self.platforms if "asset_platforms" in (request.url or "") else Answer(self.coins)
        )

    def take(self, database: Database, day: str, plan: Plan = PLANS["keyless"], **more: Any) -> Any:
        clock = FakeClock(datetime.fromisoformat(f"{day}T00:00:30").replace(tzinfo=UTC))
        client = CoinGecko(plan, clock=clock, now=clock.now, adapter=self.server)
        result = Runner(database, client, **more).run("asset_list_job")
        assert result.success
        return result

    @property
    def platform_calls(self) -> int:
        return sum("asset_platforms" in path for path in self.server.paths)


def contracts_in(entries: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {
        (platform, compared(address), entry["id"])
        for entry in entries
        for platform, address in (entry.get("platforms") or {}).items()
        if address
    }


def later(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A list as a day might leave a real one: some coins gone, some at another address, some on odd chains."""
    kept = [dict(entry) for number, entry in enumerate(entries) if number % 10]
    for number, entry in enumerate(kept):
        platforms = dict(entry["platforms"])
        if number % 50 == 0:
            platforms |= {"": f"ask on channel {number}", "nowhere": None, "empty": ""}
        if number % 70 == 0:
            platforms = {name: f"{address}-v2" for name, address in platforms.items() if address}
        entry["platforms"] = platforms
    return kept


def test_the_recorded_list_and_its_successors_end_in_the_contracts_that_they_show(database: Database) -> None:
    first = load("coins_list/2024-01-15_platforms.json.gz")
    second = later(first)
    lists = {"2024-01-15": first, "2024-01-16": second, "2024-01-17": second, "2024-01-18": first}
    ever: dict[tuple[str, str, str], list[str]] = {}
    for day, entries in lists.items():
        server = Server(entries)
        result = server.take(database, day)
        for contract in contracts_in(entries):
            ever.setdefault(contract, []).append(day)
        facts = metadata_of(result, "asset_contracts")
        assert facts["contracts"] == len(contracts_in(entries))
        assert facts["left_out"] == 0
    stored = rows_of(
        database, "SELECT platform, address, asset_id, first_seen_on, last_seen_on, is_active FROM asset_contracts"
    )
    assert {tuple(row[:3]): (str(row[3]), str(row[4]), bool(row[5])) for row in stored} == {
        contract: (days[0], days[-1], days[-1] == "2024-01-18") for contract, days in ever.items()
    }
    shared = (
        "SELECT COUNT(*) FROM (SELECT 1 FROM asset_contracts GROUP BY platform, address HAVING COUNT(*) > 1) AS two"
    )
    assert rows_of(database, shared)[0][0] >= 7


def test_addresses_differ_by_case_and_by_a_trailing_space_except_on_evm_chains(database: Database) -> None:
    checksummed = "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599"
    coins = [
        {"id": name, "symbol": name, "name": name, "platforms": {"chain": address}}
        for name, address in (("a", "So1"), ("b", "so1"), ("c", "so1 "), ("d", checksummed), ("e", checksummed.lower()))
    ]
    coins.append({"id": "f", "symbol": "f", "name": "f", "platforms": {"chain": "x" * 500}})
    result = Server(coins).take(database, "2026-02-03")
    found = rows_of(database, "SELECT address, COUNT(*) FROM asset_contracts GROUP BY address ORDER BY address")
    assert found == [(checksummed.lower(), 2), ("So1", 1), ("so1", 1), ("so1 ", 1)]
    facts = metadata_of(result, "asset_contracts")
    assert facts["left_out_by_reason"] == {"address longer than 400 characters": 1}
    assert json.loads(rows_of(database, "SELECT platforms FROM raw_asset_list WHERE asset_id = 'f'")[0][0])["chain"]


COIN = {"id": "a", "symbol": "a", "name": "a", "platforms": {"ethereum": "0x1"}}


def test_the_chains_are_asked_for_once_a_week(database: Database) -> None:
    server = Server([COIN])
    for day in range(1, 10):
        server.take(database, f"2026-02-{day:02}")
    assert server.platform_calls == 2
    assert rows_of(database, "SELECT platform, name, chain_id, native_asset_id FROM platforms") == [
        ("ethereum", "Ethereum", 1, "eth")
    ]
    assert rows_of(database, "SELECT SUM(calls) FROM api_usage WHERE endpoint = 'asset_platforms'") == [(2,)]


def test_a_chain_that_is_told_no_longer_stays(database: Database) -> None:
    server = Server([COIN])
    server.take(database, "2026-02-01")
    server.platforms = Answer([{**PLATFORMS[0], "id": "base", "chain_identifier": 8453}])
    server.take(database, "2026-02-08")
    assert rows_of(database, "SELECT platform, chain_id FROM platforms ORDER BY platform") == [
        ("base", 8453),
        ("ethereum", 1),
    ]


def test_chains_that_do_not_come_fail_no_day_and_the_next_one_asks_again(database: Database) -> None:
    server = Server([COIN], Answer({"error": "no"}, 403))
    messages: list[str] = []
    result = server.take(database, "2026-02-01", messages=messages)
    assert metadata_of(result, "platforms") == {}
    assert any("The chains were not renewed. They did not come" in line for line in messages)
    server.platforms = Answer(PLATFORMS)
    server.take(database, "2026-02-02")
    assert rows_of(database, "SELECT COUNT(*) FROM platforms") == [(1,)]


def test_the_chains_are_not_asked_for_with_the_last_credits_of_the_month(database: Database) -> None:
    server = Server([COIN])
    plan = replace(PLANS["demo"], credits_per_month=5)
    server.take(database, "2026-02-01", plan=plan)
    assert server.platform_calls == 0
    assert rows_of(database, "SELECT COUNT(*) FROM asset_contracts") == [(1,)]
