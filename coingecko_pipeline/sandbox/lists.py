"""The coin list, as one JSON body."""

from collections.abc import Sequence

import numpy as np

from .noise import uniform
from .responses import encoded
from .universe import Coin

_PLATFORM, _SECOND_PLATFORM, _ADDRESS, _ADDRESS_TAIL = range(70, 74)
_PLATFORMS = ("ethereum", "solana", "binance-smart-chain", "base", "polygon-pos", "arbitrum-one", "avalanche")


def coin_list(coins: Sequence[Coin], day: int, include_platform: bool) -> bytes:
    """The body of `/coins/list`: coins in an order of no meaning, as the real list has none.

    Args:
        coins: The coins of the list.
        day: The day on which their names and symbols are taken, counted from 1970-01-01.
        include_platform: Whether each entry says on which platforms the coin is, and under which address.
    """
    entries: list[dict[str, object]] = []
    for coin in coins:
        symbol, name = coin.named(day)
        entries.append({"id": coin.coin_id, "symbol": symbol, "name": name})
    if include_platform:
        for entry, platforms in zip(entries, _platforms(coins), strict=True):
            entry["platforms"] = platforms
    return encoded(entries)


def _platforms(coins: Sequence[Coin]) -> list[dict[str, str | None]]:
    keys = np.array([coin.key for coin in coins], dtype=np.uint64)
    first, second, address, tail = (
        uniform(keys, purpose).tolist() for purpose in (_PLATFORM, _SECOND_PLATFORM, _ADDRESS, _ADDRESS_TAIL)
    )
    return [_platforms_of(*drawn) for drawn in zip(first, second, address, tail, strict=True)]


def _platforms_of(first: float, second: float, address: float, tail: float) -> dict[str, str | None]:
    # A fifth are chains of their own; a few entries are null, empty, or have an empty key, as some real ones.
    if first < 0.2:
        return {}
    if first < 0.21:
        return {"": ""}
    text = f"0x{int(address * 2**52):013x}{int(tail * 2**52):013x}{'0' * 14}"
    platforms: dict[str, str | None] = {_PLATFORMS[int(first * len(_PLATFORMS))]: text}
    if second < 0.3:
        platforms[_PLATFORMS[int(second / 0.3 * len(_PLATFORMS))]] = None if second < 0.003 else f"0x{text[:1:-1]}"
    return platforms
