"""Which coin of CoinGecko is which of CoinPaprika: a pure function, so that a proposal can be read and tested."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

PRICE_TOLERANCE = 0.1
"""How far two prices of one coin may lie apart, as a share of the higher one, for a pair to be proposed. Two readings
some minutes apart and two sources' own averages differ by less; two coins that share a symbol and a name seldom do."""


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
        ambiguous: The other source's ids that would do by CoinGecko's, where there are several, or where one would do
            for several of CoinGecko's coins.
    """

    pairs: Mapping[str, str]
    ambiguous: Mapping[str, Sequence[str]]


def propose_pairs(coins: Iterable[Coin], others: Iterable[Coin]) -> Proposal:
    """Pair the coins that have the same symbol, the same name and nearly the same price.

    Case, punctuation and spaces of a name do not count, nor does the case of a symbol. A coin without a symbol or
    without a price has no pair.

    Args:
        coins: CoinGecko's coins that have no pair yet.
        others: The other source's coins that have none.
    """
    by_identity: dict[tuple[str, str], list[Coin]] = defaultdict(list)
    for other in others:
        if identity := _identity(other):
            by_identity[identity].append(other)
    fitting: dict[str, list[str]] = {}
    for coin in coins:
        if identity := _identity(coin):
            near = [other.asset_id for other in by_identity.get(identity, ()) if _same_price(coin, other)]
            if near:
                fitting[coin.asset_id] = sorted(near)
    claims: dict[str, int] = defaultdict(int)
    for near in fitting.values():
        for other_id in near:
            claims[other_id] += 1
    pairs = {coin: near[0] for coin, near in fitting.items() if len(near) == 1 and claims[near[0]] == 1}
    return Proposal(pairs, {coin: near for coin, near in fitting.items() if coin not in pairs})


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


def _same_price(coin: Coin, other: Coin) -> bool:
    if not coin.price_usd or not other.price_usd:
        return False
    return abs(coin.price_usd - other.price_usd) <= PRICE_TOLERANCE * max(coin.price_usd, other.price_usd)
