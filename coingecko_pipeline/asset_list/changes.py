"""What successive lists tell about each coin: a pure comparison of the table with the next list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

Change = Literal["listed", "delisted", "relisted", "renamed", "symbol_changed"]


@dataclass(frozen=True)
class Asset:
    """One coin ever seen in a list."""

    asset_id: str
    symbol: str
    name: str
    first_seen_on: date
    last_seen_on: date
    is_active: bool


@dataclass(frozen=True)
class AssetChange:
    """One thing that happened to a coin; the values are the name or symbol where one changed, else None."""

    asset_id: str
    seen_on: date
    change: Change
    old_value: str | None = None
    new_value: str | None = None


def apply_list(
    known: Mapping[str, Asset], listed: Iterable[tuple[str, str, str]], seen_on: date
) -> tuple[list[Asset], list[AssetChange]]:
    """Every coin as it stands after a list, and what the list changed.

    Args:
        known: Every coin ever seen, by id; empty before the very first list, which makes coins and no changes.
        listed: Id, symbol and name of each coin in the list.
        seen_on: The UTC date on which the list was fetched.

    Returns:
        All coins, the gone ones included (they keep the date on which they were last seen), and the changes.
    """
    after: dict[str, Asset] = {}
    changes: list[AssetChange] = []
    for asset_id, symbol, name in listed:
        before = known.get(asset_id)
        if before is None:
            after[asset_id] = Asset(asset_id, symbol, name, seen_on, seen_on, is_active=True)
            if known:
                changes.append(AssetChange(asset_id, seen_on, "listed"))
            continue
        after[asset_id] = replace(before, symbol=symbol, name=name, last_seen_on=seen_on, is_active=True)
        if not before.is_active:
            changes.append(AssetChange(asset_id, seen_on, "relisted"))
        if before.name != name:
            changes.append(AssetChange(asset_id, seen_on, "renamed", before.name, name))
        if before.symbol != symbol:
            changes.append(AssetChange(asset_id, seen_on, "symbol_changed", before.symbol, symbol))
    for asset_id, before in known.items():
        if asset_id not in after:
            after[asset_id] = replace(before, is_active=False)
            if before.is_active:
                changes.append(AssetChange(asset_id, seen_on, "delisted"))
    return list(after.values()), changes
