"""The chains, and under which address a coin is on which of them: a closed form of the coin.

Chains, their numbers and their own coins are real ones; the addresses have the form of their chain and are made up.
What real lists hold that no chain knows is planted, and told in `PLANTED`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .names import GIANTS
from .noise import derived, uniform
from .responses import encoded
from .universe import Coin


class Platform(NamedTuple):
    """A chain.

    Attributes:
        platform_id: CoinGecko's id of it; can be empty, and need not be in lower case.
        chain: Its number among the EVM chains; None for others.
        name: Its name.
        short_name: Its short name, which may be empty.
        native: CoinGecko's id of its own coin, whether the sandbox lists that or not.
        form: Of which form its addresses are.
        weight: How many coins are on it, against the others.
        paprika_id: CoinPaprika's id of it; empty where it has none.
    """

    platform_id: str
    chain: int | None
    name: str
    short_name: str
    native: str
    form: str
    weight: int
    paprika_id: str = ""


PLATFORMS = (
    Platform("ethereum", 1, "Ethereum", "Ethereum", "ethereum", "evm", 40, "eth-ethereum"),
    Platform("binance-smart-chain", 56, "BNB Smart Chain", "BSC", "binancecoin", "evm", 25, "bnb-binance-coin"),
    Platform("solana", None, "Solana", "Solana", "solana", "base58", 15, "sol-solana"),
    Platform("polygon-pos", 137, "Polygon POS", "MATIC", "matic-network", "evm", 8, "matic-polygon"),
    Platform("base", 8453, "Base", "", "ethereum", "evm", 8),
    Platform("arbitrum-one", 42_161, "Arbitrum One", "Arbitrum", "ethereum", "evm", 5, "arb-arbitrum"),
    Platform("avalanche", 43_114, "Avalanche", "AVAX", "avalanche-2", "evm", 3, "avax-avalanche"),
    Platform("optimistic-ethereum", 10, "Optimism", "Optimism", "ethereum", "evm", 2),
    Platform("fantom", 250, "Fantom", "", "fantom", "evm", 2, "ftm-fantom"),
    Platform("harmony-shard-0", 1_666_600_000, "Harmony Shard 0", "Harmony Shard 0", "harmony", "evm", 1),
    Platform("tron", None, "TRON", "", "tron", "tron", 2, "trx-tron"),
    Platform("aptos", None, "Aptos", "", "aptos", "move", 1),
    Platform("near-protocol", None, "Near Protocol", "near-protocol", "near", "near", 1, "near-near-protocol"),
    Platform("osmosis", None, "Osmosis", "Osmo", "osmosis", "ibc", 1),
    Platform("cardano", None, "Cardano", "", "cardano", "hex", 1, "ada-cardano"),
    Platform("Bitcichain", None, "Bitcichain", "Bitcichain", "bitcicoin", "evm", 1),
    Platform("", None, "Picasso", "", "picasso", "hex", 0),
)
"""Every chain of `/asset_platforms`."""

BY_ID = MappingProxyType({platform.platform_id: platform for platform in PLATFORMS})

SHARED_ADDRESS = "0x5a4ed0000000000000000000000000000000beef"
"""Planted: on Ethereum two coins are under this address."""

PLANTED: Mapping[str, Mapping[str, str | None]] = MappingProxyType(
    {
        "wrapped-ether-of-someone": {"ethereum": SHARED_ADDRESS},
        "wrapped-ether-of-another": {"ethereum": SHARED_ADDRESS, "base": "0xAbCdEf0000000000000000000000000000C0FFEE"},
        "beluga.fi": {"": ""},
        "quoted-and-slashed": {"ethereum": 'see "our" docs \\ soon™'},
        "inf": {"ethereum": None, "solana": "inf1111111111111111111111111111111111111111"},
        "true": {"binance-smart-chain": "", "a-chain-that-is-gone": "0x7e00000000000000000000000000000000000000"},
        "on": {"aptos": f"0x{'07' * 32}::{'a_module_of_a_long_name'}::{'AndItsCoin'}"},
    }
)
"""Planted: what the platforms of these coins are, as odd as those of real ones: an address that two coins share, an
empty chain, free text, null and empty addresses, a chain that `/asset_platforms` lacks, capital letters on an EVM chain
and a long address."""

_TOKENS = frozenset({"tether", "usd-coin", "leo-token", "chainlink", "shiba-inu", "dai"})
_OWN_CHAINS = frozenset(giant.coin_id for giant in GIANTS) - _TOKENS
_NONE_SHARE, _EMPTY_SHARE, _SECOND_SHARE, _NULL_SHARE = 0.11, 0.01, 0.26, 0.003

# The purposes of the noise in this file.
_FIRST, _SECOND, _ADDRESS, _ADDRESS_TAIL = range(70, 74)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DRAWN = tuple(platform for platform in PLATFORMS for _ in range(platform.weight))


def asset_platforms() -> bytes:
    """The body of `/asset_platforms`."""
    image = "https://coin-images.coingecko.com/asset_platforms/images"
    return encoded(
        [
            {
                "id": platform.platform_id,
                "chain_identifier": platform.chain,
                "name": platform.name,
                "shortname": platform.short_name,
                "native_coin_id": platform.native,
                "image": {size: f"{image}/{place}/{size}/chain.png" for size in ("thumb", "small", "large")},
            }
            for place, platform in enumerate(PLATFORMS, start=1)
        ]
    )


def platforms_of(coins: Sequence[Coin]) -> list[Mapping[str, str | None]]:
    """On which chains each coin is, and under which address there, as `/coins/list` tells it."""
    # By the slot too: a coin that stands for a giant has the giant's key.
    slots = np.array([coin.slot for coin in coins], dtype=np.int64)
    keys = derived(np.array([coin.key for coin in coins], dtype=np.uint64), slots)
    drawn = [uniform(keys, purpose).tolist() for purpose in (_FIRST, _SECOND, _ADDRESS, _ADDRESS_TAIL)]
    return [
        PLANTED.get(coin.coin_id) or _platforms_of(coin, *numbers) for coin, *numbers in zip(coins, *drawn, strict=True)
    ]


def _platforms_of(coin: Coin, first: float, second: float, address: float, tail: float) -> dict[str, str | None]:
    token = coin.rehypothecated or coin.coin_id in _TOKENS
    if coin.coin_id in _OWN_CHAINS or (first < _NONE_SHARE and not token):
        return {}
    if first < _NONE_SHARE + _EMPTY_SHARE and not token:
        return {"": ""}
    platform = _DRAWN[0] if token else _DRAWN[int(first * len(_DRAWN))]
    text = f"{int(address * 2**52):013x}{int(tail * 2**52):013x}"
    platforms: dict[str, str | None] = {platform.platform_id: _address(platform.form, text)}
    if second < _SECOND_SHARE:
        other = _DRAWN[int(second / _SECOND_SHARE * len(_DRAWN))]
        if other is not platform:
            told = None if second < _NULL_SHARE else _address(other.form, text[::-1])
            platforms[other.platform_id] = told
    return platforms


def _address(form: str, digits: str) -> str:
    match form:
        case "evm":
            return f"0x{digits}{'0' * 14}"
        case "move":
            return f"0x{digits}{'0' * 38}::coin::C{digits[:3].upper()}"
        case "near":
            return f"{digits}.factory.bridge.near"
        case "ibc":
            return f"ibc/{digits.upper()}{'0' * 38}"
        case "hex":
            return f"{digits}{'0' * 30}"
    number, text = int(f"1{digits}", 16), ""
    while number:
        number, rest = divmod(number, 58)
        text += _BASE58[rest]
    return f"T{text}".ljust(34, "x") if form == "tron" else text.ljust(44, "x")
