"""The coin list, as one JSON body."""

from collections.abc import Sequence

from .platforms import platforms_of
from .responses import encoded
from .universe import Coin


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
        for entry, platforms in zip(entries, platforms_of(coins), strict=True):
            entry["platforms"] = platforms
    return encoded(entries)
