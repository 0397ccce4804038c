"""What contracts tell of which coin of one source is which of another: pure functions of both sources' contracts.

The two call a chain by other ids. Which is which is learned from the addresses that are on one chain only in either
source: those that tell nothing, since a project can have one address on every EVM chain, have no vote.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

LEAST_SHARED = 3
"""Addresses that two chains must share to be taken as one. Fewer can be errors of a list."""

SHORTEST_ADDRESS, LONG_ADDRESS = 6, 20
"""Characters. Free text is shorter than a long address; a short one, such as 0.0.731861 of Hedera, has a digit."""


@dataclass(frozen=True)
class Contract:
    """A contract as one source lists it.

    Attributes:
        platform: The source's id of the chain.
        address: The address as the chain compares it.
        asset_id: The source's id of the coin.
    """

    platform: str
    address: str
    asset_id: str


Chains = Mapping[str, Mapping[str, set[str]]]
"""The addresses of each coin on each chain, by coin and chain."""


class ContractEvidence:
    """What the contracts of two sources tell of their coins.

    Args:
        contracts: Those of the source whose chains' ids are used.
        others: Those of the other one. On a chain of which it is not known which it is no coin is the same as another.

    Attributes:
        platforms: The chain of the first source that each chain of the other is, as far as that was learned.
        one_to_one: The other source's coin by the first one's, where each is the only one that has any contract of the
            other, and no chain has both under different addresses only.
    """

    def __init__(self, contracts: Collection[Contract] = (), others: Collection[Contract] = ()) -> None:
        own = [contract for contract in contracts if is_telling(contract.address)]
        other = [contract for contract in others if is_telling(contract.address)]
        self.platforms = corresponding_platforms(own, other)
        self._addresses, self._other_addresses = _addresses_of(contracts), _addresses_of(others)
        other = [
            Contract(self.platforms[each.platform], each.address, each.asset_id)
            for each in other
            if each.platform in self.platforms
        ]
        self._chains, self._other_chains = _chains_of(own), _chains_of(other)
        self._sharing, self._other_sharing = _sharing(own, other)
        self.one_to_one: Mapping[str, str] = {
            coin: other_id
            for coin, sharing in self._sharing.items()
            for other_id in sharing
            if len(sharing) == 1 and len(self._other_sharing[other_id]) == 1 and not self._differ(coin, other_id)
        }

    def allows(self, coin_id: str, other_id: str) -> bool:
        """Whether the contracts allow that two coins are one.

        A coin whose contracts the other source has can be none but the coins that have them there. Otherwise two coins
        that both have contracts are not one where they have no address in common, on whichever chains, nor where they
        are on one chain under different ones.
        """
        sharing = self._sharing.get(coin_id, set())
        if sharing or other_id in self._other_sharing:
            return other_id in sharing
        addresses, other_addresses = self._addresses.get(coin_id), self._other_addresses.get(other_id)
        if addresses and other_addresses and addresses.isdisjoint(other_addresses):
            return False
        return not self._differ(coin_id, other_id)

    def _differ(self, coin_id: str, other_id: str) -> bool:
        chains, other_chains = self._chains.get(coin_id, {}), self._other_chains.get(other_id, {})
        return any(chains[chain].isdisjoint(other_chains[chain]) for chain in chains.keys() & other_chains.keys())


def corresponding_platforms(contracts: Iterable[Contract], others: Iterable[Contract]) -> dict[str, str]:
    """Which chain of one source each chain of another is: the one with which it shares the most addresses.

    These are at least `LEAST_SHARED` and more than half of all that it shares. Of several chains that would be the same
    one, the one that shares the most with it is.
    """
    own_chain, other_chain = _only_chain(contracts), _only_chain(others)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for address in own_chain.keys() & other_chain.keys():
        votes[other_chain[address]][own_chain[address]] += 1
    claims: dict[str, dict[str, int]] = defaultdict(dict)
    for other, counted in votes.items():
        ((own, most),) = counted.most_common(1)
        if most >= LEAST_SHARED and 2 * most > counted.total():
            claims[own][other] = most
    found: dict[str, str] = {}
    for own, shared in claims.items():
        most = max(shared.values())
        largest = [other for other, count in shared.items() if count == most]
        if len(largest) == 1:
            found[largest[0]] = own
    return found


def is_telling(address: str) -> bool:
    """Whether a text can be the address of one coin: not free text, and not what stands for a chain's own coin."""
    if any(letter.isspace() for letter in address) or _stands_for_a_chains_own_coin(address):
        return False
    has_digit = any(letter.isdigit() for letter in address)
    return len(address) >= LONG_ADDRESS or (len(address) >= SHORTEST_ADDRESS and has_digit)


def _stands_for_a_chains_own_coin(address: str) -> bool:
    """Such as 0x000…0 and 0xeee…e: one character over and over."""
    return len(set(address.removeprefix("0x"))) < 2


def _only_chain(contracts: Iterable[Contract]) -> dict[str, str]:
    """The chain of each address that is on one chain only."""
    chains: dict[str, set[str]] = defaultdict(set)
    for contract in contracts:
        chains[contract.address].add(contract.platform)
    return {address: next(iter(found)) for address, found in chains.items() if len(found) == 1}


def _addresses_of(contracts: Iterable[Contract]) -> Mapping[str, set[str]]:
    addresses: dict[str, set[str]] = defaultdict(set)
    for contract in contracts:
        if not _stands_for_a_chains_own_coin(contract.address):
            addresses[contract.asset_id].add(contract.address)
    return addresses


def _chains_of(contracts: Iterable[Contract]) -> Chains:
    chains: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for contract in contracts:
        chains[contract.asset_id][contract.platform].add(contract.address)
    return chains


def _sharing(
    contracts: Iterable[Contract], others: Iterable[Contract]
) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """The coins of the other source that have a contract of each coin, and the reverse."""
    coins: dict[tuple[str, str], set[str]] = defaultdict(set)
    for contract in contracts:
        coins[contract.platform, contract.address].add(contract.asset_id)
    sharing: dict[str, set[str]] = defaultdict(set)
    other_sharing: dict[str, set[str]] = defaultdict(set)
    for other in others:
        for coin in coins.get((other.platform, other.address), ()):
            sharing[coin].add(other.asset_id)
            other_sharing[other.asset_id].add(coin)
    return sharing, other_sharing
