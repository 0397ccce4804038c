"""On which chains the coins of a list are, and under which address: as rows of asset_contracts.

An address is compared as its chain does: those of EVM chains without case, all others byte for byte. What the lists
hold is kept as it is, an address that two coins have, free text, and a chain without a name included; what cannot be a
row is counted.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from coingecko_pipeline.asset_list.entries import LENGTH_SHOWN, UNSTORABLE, Defect
from coingecko_pipeline.sources.asset_ids import is_asset_id
from coingecko_pipeline.tables.contracts import ADDRESS_LENGTH, PLATFORM_LENGTH

EVM_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
"""Twenty bytes in hexadecimal digits, whose case is a checksum and no part of the address (EIP-55)."""

KEY = ("platform", "address", "asset_id")


@dataclass(frozen=True)
class ListedContracts:
    """The contracts of a list.

    Attributes:
        rows: Platform, address and asset_id, each combination once.
        without_address: Coins that are said to be on a chain, without an address there.
        left_out: What cannot be a row.
    """

    rows: pd.DataFrame
    without_address: int
    left_out: tuple[Defect, ...]


def read_contracts(listed: Iterable[tuple[str, Any]]) -> ListedContracts:
    """The contracts of a list.

    Args:
        listed: Each coin's id and its `platforms`: JSON text as raw_asset_list has it, or what stands for none.
    """
    return _read(
        (platform, address, asset_id)
        for asset_id, text in listed
        if isinstance(text, str)
        for platform, address in json.loads(text).items()
    )


def read_contracts_on(platform: str, entries: Iterable[Any]) -> ListedContracts:
    """The contracts of a list of one chain.

    Args:
        platform: The chain's id.
        entries: Objects with address and id, which is the coin's; one that is something else has no address.
    """
    objects = (entry if isinstance(entry, dict) else {} for entry in entries)
    return _read((platform, entry.get("address"), entry.get("id")) for entry in objects)


def _read(found: Iterable[tuple[str, Any, Any]]) -> ListedContracts:
    contracts: set[tuple[str, str, str]] = set()
    left_out: list[Defect] = []
    without_address = 0
    for platform, address, asset_id in found:
        if address is None or address == "":
            without_address += 1
        elif reason := _why_not_a_row(platform, address, asset_id):
            left_out.append(Defect(reason, f"{asset_id!a} on {platform!a}"[:LENGTH_SHOWN]))
        else:
            contracts.add((platform, compared(address), asset_id))
    rows = pd.DataFrame(sorted(contracts), columns=list(KEY), dtype="str")
    return ListedContracts(rows, without_address, tuple(left_out))


def compared(address: str) -> str:
    """An address as its chain compares it, which is how it is stored."""
    return address.lower() if EVM_ADDRESS.fullmatch(address) else address


def contracts_after(known: pd.DataFrame, listed: pd.DataFrame, seen_on: date) -> pd.DataFrame:
    """The rows of asset_contracts that a list makes: each contract that it has, and those that have left it.

    Args:
        known: Every contract ever seen: its key, `first_seen_on`, `last_seen_on` and `is_active`.
        listed: The list's contracts, by their key.
        seen_on: The UTC date on which the list was fetched.
    """
    merged = known.merge(listed, how="outer", on=list(KEY), indicator="where")
    is_listed = merged["where"] != "left_only"
    day = np.datetime64(seen_on, "us")
    merged["first_seen_on"] = merged["first_seen_on"].fillna(day)
    merged["last_seen_on"] = merged["last_seen_on"].mask(is_listed, day)
    was_active = merged["is_active"].astype("boolean").fillna(False)
    merged["is_active"] = is_listed
    return merged[is_listed | was_active.astype(bool)].drop(columns="where")


def _why_not_a_row(platform: str, address: Any, asset_id: Any) -> str:
    """Why a contract cannot be a row; empty where it can."""
    if not isinstance(address, str):
        return "address that is no text"
    if not is_asset_id(asset_id):
        return "no id of a coin that can be stored"
    for what, text, length in (
        ("platform", platform, PLATFORM_LENGTH),
        ("address", address, ADDRESS_LENGTH),
    ):
        if len(text) > length:
            return f"{what} longer than {length} characters"
        if UNSTORABLE.search(text):
            return f"{what} with characters that cannot be stored"
    return ""
