"""Which coin of CoinGecko is which of CoinPaprika: a pure function, so that a proposal can be read and tested."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from coingecko_pipeline.agreement.contracts import ContractEvidence

PRICE_TOLERANCE = 0.1
"""How far two prices of one coin may lie apart, as a share of the higher one, for a pair to be proposed. Two readings
some minutes apart and two sources' own averages differ by less; two coins that share a symbol and a name seldom do."""

CONTRACT_PRICE_TOLERANCE = 0.5
"""The same where both sources have one and the same contract of the two coins. The price is no evidence then; one that
is further away says that a list is wrong, or that the contract is that of a chain's copy."""

NO_CONTRACTS = ContractEvidence()


@dataclass(frozen=True)
class Coin:
    """A coin as one source knows it on the date of the comparison.

    Attributes:
        asset_id: The source's id.
        symbol: Its symbol; may be empty, and need not be unique.
        name: Its name; need not be unique.
        price_usd: Its price (US dollars); None where it has none.
    """

    asset_id: str
    symbol: str
    name: str
    price_usd: float | None


@dataclass(frozen=True)
class Proposal:
    """What the comparison of two lists of coins proposes.

    Attributes:
        pairs: The other source's id by CoinGecko's, where each is the only one that would do for the other.
        by_contract: Those of CoinGecko's ids whose pair a contract told.
        ambiguous: The other source's ids that would do by CoinGecko's, where there are several, or where one would do
            for several of CoinGecko's coins.
    """

    pairs: Mapping[str, str]
    by_contract: Collection[str]
    ambiguous: Mapping[str, Sequence[str]]


def propose_pairs(
    coins: Iterable[Coin], others: Iterable[Coin], contracts: ContractEvidence = NO_CONTRACTS
) -> Proposal:
    """Pair the coins that are one by their contracts, and then those that are one by symbol, name and price.

    By its contracts a coin is another where each is the only one that has any contract of the other. The prices must
    not be far apart then; where one of them is missing, the symbol or the name must be the same.

    The others are paired that have the same symbol, the same name and nearly the same price, and whose contracts allow
    it. Case, punctuation and spaces of a name do not count, nor does the case of a symbol. A coin without a symbol or
    without a price has no such pair.

    Args:
        coins: CoinGecko's coins that have no pair yet.
        others: The other source's coins that have none.
        contracts: What the contracts of all coins tell, those that have a pair included.
    """
    own_coins, other_coins = ({coin.asset_id: coin for coin in each} for each in (coins, others))
    by_contract = {
        coin_id: other_id
        for coin_id, other_id in contracts.one_to_one.items()
        if coin_id in own_coins
        and other_id in other_coins
        and _confirms_contract(own_coins[coin_id], other_coins[other_id])
    }
    by_name, ambiguous = _pair_by_name(
        without(own_coins.values(), by_contract.keys()),
        without(other_coins.values(), set(by_contract.values())),
        contracts,
    )
    return Proposal(by_contract | by_name, by_contract.keys(), ambiguous)


def _pair_by_name(
    coins: Iterable[Coin], others: Iterable[Coin], contracts: ContractEvidence
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The pairs that symbol, name and price tell, and the coins for which several would do."""
    by_identity: dict[tuple[str, str], list[Coin]] = defaultdict(list)
    for other in others:
        if identity := _identity(other):
            by_identity[identity].append(other)
    fitting: dict[str, list[str]] = {}
    for coin in coins:
        if identity := _identity(coin):
            near = [
                other.asset_id
                for other in by_identity.get(identity, ())
                if _same_price(coin, other, PRICE_TOLERANCE) and contracts.allows(coin.asset_id, other.asset_id)
            ]
            if near:
                fitting[coin.asset_id] = sorted(near)
    claims: dict[str, int] = defaultdict(int)
    for near in fitting.values():
        for other_id in near:
            claims[other_id] += 1
    pairs = {coin: near[0] for coin, near in fitting.items() if len(near) == 1 and claims[near[0]] == 1}
    return pairs, {coin: near for coin, near in fitting.items() if coin not in pairs}


def without(coins: Iterable[Coin], taken: Collection[str]) -> list[Coin]:
    """The coins that are not taken."""
    return [coin for coin in coins if coin.asset_id not in taken]


def normalised_name(name: str) -> str:
    """A name without its case, punctuation and spaces; a name that is nothing else keeps them."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if letter.isalnum()) or folded.strip()


def _identity(coin: Coin) -> tuple[str, str] | None:
    symbol, name = coin.symbol.strip().casefold(), normalised_name(coin.name)
    return (symbol, name) if symbol and name else None


def _confirms_contract(coin: Coin, other: Coin) -> bool:
    if coin.price_usd and other.price_usd:
        return _same_price(coin, other, CONTRACT_PRICE_TOLERANCE)
    same_symbol = coin.symbol.strip().casefold() == other.symbol.strip().casefold() != ""
    return same_symbol or normalised_name(coin.name) == normalised_name(other.name) != ""


def _same_price(coin: Coin, other: Coin, tolerance: float) -> bool:
    if not coin.price_usd or not other.price_usd:
        return False
    return abs(coin.price_usd - other.price_usd) <= tolerance * max(coin.price_usd, other.price_usd)
