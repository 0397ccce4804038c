"""A second source's coins and contracts made from recorded ones, with the truth: which is which, and which is none.

CoinGecko's side is a recorded list with contracts, and recorded prices. The other side has the same coins as another
source might list them: under ids of its own, under the names of a later list, some renamed, under another symbol, with
an outdated contract or without one, beside bridged, wrapped and forged ones.
"""

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from coingecko_pipeline.agreement.contracts import Contract, ContractEvidence
from coingecko_pipeline.agreement.pairs import Coin, propose_pairs
from coingecko_pipeline.asset_list.contracts import compared
from coingecko_pipeline_tests.recordings import load, recordings_dir

EVERY = 10
"""Of the coins without a recorded price one in so many is on either side."""

KINDS = (
    *(["plain"] * 30),
    *(["absent"] * 8),
    *(["without contracts"] * 10),
    *(["without contracts, renamed"] * 4),
    *(["renamed"] * 8),
    *(["another symbol"] * 5),
    *(["beside a bridged one"] * 9),
    *(["forged"] * 6),
    *(["beside a forged one"] * 5),
    *(["beside one with its address"] * 3),
    *(["outdated price"] * 3),
    *(["another chain's copy"] * 3),
    *(["outdated contract"] * 2),
    *(["on one chain"] * 4),
)
"""How the other source lists a coin: of a hundred coins so many in each way."""


@dataclass
class Labelled:
    """Both sources' coins and contracts, and the truth.

    Attributes:
        coins: CoinGecko's coins.
        contracts: CoinGecko's contracts.
        others: The other source's coins.
        other_contracts: The other source's contracts.
        pairs: CoinGecko's id by the other source's, of the coins that are one.
        look_alikes: CoinGecko's id by the other source's, of the coins that are none and look like it.
        kinds: How each coin of the other source came to be.
    """

    coins: list[Coin] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    others: list[Coin] = field(default_factory=list)
    other_contracts: list[Contract] = field(default_factory=list)
    pairs: dict[str, str] = field(default_factory=dict)
    look_alikes: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def evidence(self) -> ContractEvidence:
        """What the contracts of both tell."""
        return ContractEvidence(self.contracts, self.other_contracts)


@dataclass(frozen=True)
class Score:
    """How far proposed pairs are the true ones.

    Attributes:
        found: How many true pairs were proposed.
        missed: How many were not, by how the other source lists the coin.
        false: The proposed pairs that are none.
        ambiguous: How many coins were left to a person.
    """

    found: int
    missed: Counter[str]
    false: dict[str, str]
    ambiguous: int

    @property
    def recall(self) -> float:
        """The share of the true pairs that were proposed."""
        return self.found / (self.found + self.missed.total())


def score(labelled: Labelled, contracts: ContractEvidence) -> Score:
    """Propose pairs and compare them with the truth."""
    proposal = propose_pairs(labelled.coins, labelled.others, contracts)
    proposed = {other: coin for coin, other in proposal.pairs.items()}
    right = {other for other, coin in proposed.items() if labelled.pairs.get(other) == coin}
    return Score(
        len(right),
        Counter(labelled.kinds[other] for other in labelled.pairs if other not in right),
        {other: coin for other, coin in proposed.items() if other not in right},
        len(proposal.ambiguous),
    )


def labelled_set(names_of: str, salt: int) -> Labelled:
    """The set, other for each date and number.

    Args:
        names_of: The date of the recorded list whose names and symbols the other source uses.
        salt: Which coins are listed in which way.
    """
    made = Labelled()
    later = {entry["id"]: entry for entry in load(f"coins_list/{names_of}.json.gz")}
    prices = recorded_prices()
    for entry in load("coins_list/2024-01-15_platforms.json.gz"):
        coin_id, price = entry["id"], prices.get(entry["id"])
        if price is None and _number(coin_id, 0) % EVERY:
            continue
        addresses = {chain: compared(text) for chain, text in entry["platforms"].items() if text}
        made.coins.append(Coin(coin_id, entry["symbol"], entry["name"], price))
        made.contracts += [Contract(chain, where, coin_id) for chain, where in addresses.items()]
        kind = KINDS[_number(coin_id, salt) % len(KINDS)]
        _list(made, kind, coin_id, later.get(coin_id, entry), price, addresses)
    return made


def recorded_prices() -> dict[str, float]:
    """The prices of the recorded market, by coin."""
    pages = sorted((recordings_dir() / "coins_markets").glob("*/*.json.gz"))
    return {row["id"]: row["current_price"] for page in pages for row in load(str(page)) if row["current_price"]}


def _list(
    made: Labelled, kind: str, coin_id: str, named: dict[str, Any], price: float | None, addresses: dict[str, str]
) -> None:
    """List one coin in the given way, or as far as it has contracts."""
    symbol, name = named["symbol"], named["name"]
    near = None if price is None else price * (1 + (_number(coin_id, 1) % 201 - 100) / 10_000)
    forged = {chain: f"0x{_number(coin_id, 2):040x}" for chain in list(addresses)[:1]}

    def add(symbol: str, name: str, price: float | None, addresses: dict[str, str], *, is_it: bool, what: str) -> None:
        other_id = f"{symbol}-{name}-{len(made.others)}".casefold().replace(" ", "-")
        made.others.append(Coin(other_id, symbol.upper(), name, price))
        made.other_contracts += [Contract(_other_chain(chain), where, other_id) for chain, where in addresses.items()]
        (made.pairs if is_it else made.look_alikes)[other_id] = coin_id
        made.kinds[other_id] = what

    if not addresses and kind not in ("absent", "without contracts, renamed", "beside a forged one"):
        kind = "without contracts"
    if kind == "absent":
        return
    if kind == "forged":
        add(symbol, name, near, forged, is_it=False, what=kind)
        return
    if kind == "another chain's copy":
        add(symbol, name, None if near is None else near * 0.03, addresses, is_it=False, what=kind)
        if near is None:
            # Nothing tells it from the coin itself then, so it is the coin.
            made.pairs[made.others[-1].asset_id] = made.look_alikes.pop(made.others[-1].asset_id)
        return
    own = dict(addresses)
    own_symbol, own_name, own_price = symbol, name, near
    if kind.startswith("without contracts"):
        own = {}
    if kind.endswith("renamed"):
        own_name = f"{name} Protocol"
    elif kind == "another symbol":
        own_symbol = f"{symbol}x"
    elif kind == "outdated price" and near is not None:
        own_price = near * 1.4
    elif kind == "outdated contract":
        own = forged
    elif kind == "on one chain":
        own = dict(list(addresses.items())[:1])
    add(own_symbol, own_name, own_price, own, is_it=True, what=kind)
    if kind == "beside a bridged one":
        bridge = "polygon-pos" if "polygon-pos" not in addresses else "fantom"
        add(symbol, name, near, {bridge: f"0x{_number(coin_id, 3):040x}"}, is_it=False, what=kind)
    elif kind == "beside a forged one":
        add(symbol, name, near, forged, is_it=False, what=kind)
    elif kind == "beside one with its address":
        add(symbol, f"Wrapped {name}", near, dict(addresses), is_it=False, what=kind)


def _other_chain(chain: str) -> str:
    return f"{chain[:3]}-{chain}-chain"


def _number(coin_id: str, salt: int) -> int:
    return zlib.crc32(f"{coin_id} {salt}".encode())
