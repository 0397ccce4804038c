"""Chains and contracts: what the list tells fits the chains, but for what is planted."""

import re
from collections import Counter
from typing import Any

import pytest

from coingecko_pipeline.sandbox.platforms import BY_ID, PLANTED, SHARED_ADDRESS

from .asking import Api

FORMS = {
    "evm": "0x[0-9a-f]{40}",
    "base58": "[1-9A-HJ-NP-Za-km-z]{44}",
    "tron": "T[1-9A-HJ-NP-Za-km-z]{33}",
    "move": "0x[0-9a-f]{64}::coin::C[0-9A-F]{3}",
    "near": r"[0-9a-f]{26}\.factory\.bridge\.near",
    "ibc": "ibc/[0-9A-F]{64}",
    "hex": "[0-9a-f]{56}",
}


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    listed = Api(coins=3_000, rehypothecated=200).json("/coins/list", include_platform="true")
    return {entry["id"]: entry["platforms"] for entry in listed}


def test_the_chains_have_numbers_where_they_are_evm_chains_and_a_coin_of_their_own() -> None:
    chains = {chain["id"]: chain for chain in Api(coins=50).json("/asset_platforms")}
    assert chains["ethereum"]["chain_identifier"] == 1
    assert chains["solana"]["chain_identifier"] is None
    assert chains["base"]["native_coin_id"] == "ethereum"
    assert "" in chains
    assert chains["ethereum"].keys() == {"id", "chain_identifier", "name", "shortname", "native_coin_id", "image"}


def test_every_address_has_the_form_of_its_chain(entries: dict[str, dict[str, Any]]) -> None:
    used: Counter[str] = Counter()
    for coin_id, platforms in entries.items():
        if coin_id in PLANTED:
            continue
        for chain, address in platforms.items():
            assert chain in BY_ID
            if address:
                used[BY_ID[chain].form] += 1
                assert re.fullmatch(FORMS[BY_ID[chain].form], address)
    assert used.keys() == FORMS.keys()


def test_no_address_but_the_planted_one_is_that_of_two_coins(entries: dict[str, dict[str, Any]]) -> None:
    found = Counter(pair for platforms in entries.values() for pair in platforms.items() if pair[1])
    assert [pair for pair, times in found.items() if times > 1] == [("ethereum", SHARED_ADDRESS)]


def test_the_planted_oddities_are_as_they_are_told(entries: dict[str, dict[str, Any]]) -> None:
    assert {coin_id: entries[coin_id] for coin_id in PLANTED} == dict(PLANTED)
    told = [address for platforms in PLANTED.values() for address in platforms.values()]
    assert None in told
    assert "" in told
    assert any(address and " " in address for address in told)
    assert any(address and len(address) > 90 for address in told)


def test_coins_with_a_chain_of_their_own_have_no_contract_and_what_stands_for_them_has(
    entries: dict[str, dict[str, Any]],
) -> None:
    assert entries["bitcoin"] == entries["solana"] == {}
    for coin_id in ("tether", "wrapped-bitcoin", "weth", "usdt0"):
        assert entries[coin_id]["ethereum"]
    sizes = Counter(len(platforms) for platforms in entries.values())
    assert sizes[1] > sizes[2] > 0
    assert 0.05 < sizes[0] / len(entries) < 0.2
