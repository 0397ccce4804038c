"""What contracts tell of which coin is which."""

import pytest

from coingecko_pipeline.agreement.contracts import Contract, ContractEvidence, corresponding_platforms, is_telling
from coingecko_pipeline.agreement.pairs import Coin, propose_pairs


def address(number: int) -> str:
    return f"0x{number:040x}"


KNOWN = range(900, 905)
"""Addresses of coins of no interest, from which it is learned which chain is which."""


def own(*contracts: tuple[str, str, str]) -> list[Contract]:
    """CoinGecko's contracts: those that are given, and on each chain of theirs some that both sources have."""
    return _with_known(contracts, "")


def others(*contracts: tuple[str, str, str]) -> list[Contract]:
    """CoinPaprika's."""
    return _with_known(contracts, "p-")


def _with_known(contracts: tuple[tuple[str, str, str], ...], prefix: str) -> list[Contract]:
    known = [
        Contract(f"{prefix}{chain}", f"0x{chain}{number:030x}", f"{prefix}known-{chain}-{number}")
        for chain in ("eth", "bsc")
        for number in KNOWN
    ]
    return [*known, *(Contract(f"{prefix}{chain}", where, coin) for chain, where, coin in contracts)]


A, B, C = address(0xABC1), address(0xABC2), address(0xABC3)


def evidence(
    contracts: list[tuple[str, str, str]], other_contracts: list[tuple[str, str, str]]
) -> tuple[dict[str, str], ContractEvidence]:
    found = ContractEvidence(own(*contracts), others(*other_contracts))
    assert found.platforms == {"p-eth": "eth", "p-bsc": "bsc"}
    return {coin: other for coin, other in found.one_to_one.items() if not coin.startswith("known")}, found


def coin(asset_id: str, symbol: str = "abc", name: str = "Alpha", price: float | None = 1.0) -> Coin:
    return Coin(asset_id, symbol, name, price)


def test_the_same_address_on_the_same_chain_makes_two_coins_one_whatever_they_are_called() -> None:
    one_to_one, found = evidence([("eth", A, "alpha")], [("eth", A, "zzz-omega")])
    assert one_to_one == {"alpha": "zzz-omega"}
    proposal = propose_pairs([coin("alpha")], [coin("zzz-omega", "zzz", "Omega", 1.3), coin("abc-alpha")], found)
    assert proposal.pairs == {"alpha": "zzz-omega"}
    assert set(proposal.by_contract) == {"alpha"}


def test_the_same_address_on_another_chain_tells_nothing() -> None:
    one_to_one, found = evidence([("eth", A, "alpha")], [("bsc", A, "p-alpha")])
    assert one_to_one == {}
    assert found.allows("alpha", "p-alpha")


def test_an_address_that_two_coins_have_decides_nothing_by_itself_and_keeps_all_others_away() -> None:
    one_to_one, found = evidence([("eth", A, "alpha"), ("eth", A, "twin")], [("eth", A, "p-alpha")])
    assert one_to_one == {}
    assert (found.allows("alpha", "p-alpha"), found.allows("third", "p-alpha")) == (True, False)
    coins = [coin("alpha"), coin("twin", name="Twin"), coin("third")]
    proposal = propose_pairs(coins, [coin("p-alpha"), coin("p-none")], found)
    assert proposal.pairs == {"alpha": "p-alpha", "third": "p-none"}
    assert not proposal.by_contract


def test_a_coin_whose_contracts_are_those_of_two_others_is_left_to_the_names() -> None:
    one_to_one, found = evidence(
        [("eth", A, "alpha"), ("bsc", B, "alpha")], [("eth", A, "p-alpha"), ("bsc", B, "p-bridged")]
    )
    assert one_to_one == {}
    bridged = coin("p-bridged", name="Bridged Alpha")
    assert propose_pairs([coin("alpha")], [coin("p-alpha"), bridged], found).pairs == {"alpha": "p-alpha"}
    same = propose_pairs([coin("alpha")], [coin("p-alpha"), coin("p-bridged")], found)
    assert same.ambiguous == {"alpha": ["p-alpha", "p-bridged"]}


def test_a_copy_under_another_address_is_no_pair_however_well_it_fits() -> None:
    one_to_one, found = evidence([("eth", A, "alpha")], [("eth", B, "p-copy")])
    assert one_to_one == {}
    assert propose_pairs([coin("alpha")], [coin("p-copy")], found).pairs == {}
    assert propose_pairs([coin("alpha")], [coin("p-copy"), coin("p-alpha")], found).pairs == {"alpha": "p-alpha"}


def test_a_coin_that_is_one_on_a_chain_and_another_on_the_next_is_left_to_the_names() -> None:
    one_to_one, found = evidence(
        [("eth", A, "alpha"), ("bsc", B, "alpha")], [("eth", A, "p-alpha"), ("bsc", C, "p-alpha")]
    )
    assert one_to_one == {}
    assert propose_pairs([coin("alpha")], [coin("p-alpha", name="Other")], found).pairs == {}
    assert propose_pairs([coin("alpha")], [coin("p-alpha")], found).pairs == {"alpha": "p-alpha"}


def test_prices_that_are_far_apart_contradict_a_contract() -> None:
    _, found = evidence([("eth", A, "alpha")], [("eth", A, "p-alpha")])
    for price, paired in ((0.5, True), (2.0, True), (0.49, False), (2.1, False)):
        proposal = propose_pairs([coin("alpha")], [coin("p-alpha", price=price), coin("p-other")], found)
        assert proposal.pairs == ({"alpha": "p-alpha"} if paired else {})


@pytest.mark.parametrize("price", [None, 0.0])
def test_without_both_prices_a_contract_needs_the_symbol_or_the_name(price: float | None) -> None:
    _, found = evidence([("eth", A, "alpha")], [("eth", A, "p-alpha")])
    for symbol, name, paired in (("ABC", "x", True), ("x", "al-pha", True), ("x", "y", False), ("", "", False)):
        proposal = propose_pairs([coin("alpha")], [coin("p-alpha", symbol, name, price)], found)
        assert proposal.pairs == ({"alpha": "p-alpha"} if paired else {})
    empty = propose_pairs([coin("alpha", "", "")], [coin("p-alpha", "", "", price)], found)
    assert empty.pairs == {}


def test_the_contract_of_a_coin_that_has_a_pair_keeps_it_from_all_others() -> None:
    _, found = evidence([("eth", A, "alpha")], [("eth", A, "p-alpha")])
    assert propose_pairs([coin("alpha")], [coin("p-other")], found).pairs == {}


def chains(*addresses: tuple[str, int]) -> list[Contract]:
    return [Contract(chain, address(number), f"{chain}-{number}") for chain, number in addresses]


def test_which_chain_is_which_is_learned_from_addresses_that_are_on_one_chain_only() -> None:
    mine = chains(
        *(("ethereum", number) for number in range(100, 110)), *(("bsc", number) for number in range(100, 120))
    )
    theirs = chains(
        *(("eth-ethereum", number) for number in range(100, 104)), *(("bnb-coin", number) for number in range(110, 113))
    )
    # 100 to 109 are on both chains: they tell nothing, so nobody knows what eth-ethereum is.
    assert corresponding_platforms(mine, theirs) == {"bnb-coin": "bsc"}
    mine += chains(("ethereum", 130), ("ethereum", 131), ("ethereum", 132))
    theirs += chains(("eth-ethereum", 130), ("eth-ethereum", 131))
    assert corresponding_platforms(mine, theirs) == {"bnb-coin": "bsc"}
    theirs += chains(("eth-ethereum", 132))
    assert corresponding_platforms(mine, theirs) == {"bnb-coin": "bsc", "eth-ethereum": "ethereum"}


def test_a_chain_that_shares_as_much_with_another_and_one_that_is_taken_are_none() -> None:
    mine = chains(*(("a", number) for number in range(100, 106)), *(("b", number) for number in range(106, 109)))
    halves = chains(*(("x", number) for number in range(103, 109)))
    assert corresponding_platforms(mine, halves) == {}
    claimed = chains(*(("x", number) for number in range(100, 103)), *(("y", number) for number in range(103, 106)))
    assert corresponding_platforms(mine, claimed) == {}
    claimed += chains(("z", 300))
    more = chains(*(("a", number) for number in range(109, 113)))
    assert corresponding_platforms(mine + more, claimed + chains(("y", 109))) == {"y": "a"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (A, True),
        ("0.0.731861", True),
        ("USDC-c76f1f", True),
        ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", True),
        ("mxzaz-hqaaa-aaaar-qaada-cai", True),
        (address(0), False),
        (f"0x{'e' * 40}", False),
        ("native", False),
        ("TBA 2026", False),
        ("v2", False),
        ("", False),
    ],
)
def test_free_text_and_the_address_of_a_chains_own_coin_tell_nothing(text: str, told: bool) -> None:
    assert is_telling(text) is told
