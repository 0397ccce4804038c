"""Contracts: what lists hold as rows, and what successive lists make of them."""

import json
from datetime import date
from typing import Any

import pandas as pd
import pytest

from coingecko_pipeline.asset_list.contracts import KEY, ListedContracts, contracts_after, read_contracts

CHECKSUMMED = "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599"


def contracts_of(*coins: tuple[str, Any]) -> ListedContracts:
    return read_contracts([(coin, None if platforms is None else json.dumps(platforms)) for coin, platforms in coins])


def rows(listed: ListedContracts) -> list[tuple[str, ...]]:
    return list(listed.rows.itertuples(index=False, name=None))


def test_an_evm_address_is_in_lower_case_and_every_other_one_byte_for_byte() -> None:
    platforms = {"ethereum": CHECKSUMMED, "solana": "4k3Dyjz", "odd": CHECKSUMMED[:-1], "x": "0X" + CHECKSUMMED[2:]}
    assert {platform: address for platform, address, _ in rows(contracts_of(("a", platforms)))} == {
        **platforms,
        "ethereum": CHECKSUMMED.lower(),
    }


@pytest.mark.parametrize("address", ["see the website", " padded ", "x" * 400, "ibc/27394FB0+é/%", "\U0001f9c0"])
def test_whatever_is_text_is_an_address(address: str) -> None:
    listed = contracts_of(("a", {"": address}))
    assert rows(listed) == [("", address, "a")]
    assert listed.left_out == ()


def test_two_coins_can_have_one_address() -> None:
    listed = contracts_of(("a", {"ethereum": CHECKSUMMED}), ("b", {"ethereum": CHECKSUMMED.lower()}))
    assert [asset_id for *_, asset_id in rows(listed)] == ["a", "b"]


def test_a_chain_without_an_address_is_no_row_and_counted() -> None:
    listed = contracts_of(("a", {"ethereum": None, "solana": "", "": ""}), ("b", None), ("c", {}))
    assert rows(listed) == []
    assert (listed.without_address, listed.left_out) == (3, ())
    assert list(listed.rows.columns) == list(KEY)


def test_what_cannot_be_stored_is_told_and_the_others_are_kept() -> None:
    platforms: dict[str, Any] = {
        "list": ["0x1"],
        "number": 7,
        "long": "x" * 401,
        "nul": "a\0b",
        "half": "\ud800",
        "p" * 129: "0x1",
        "good": "0x1",
    }
    listed = contracts_of(("a", platforms))
    assert rows(listed) == [("good", "0x1", "a")]
    assert sorted(defect.reason for defect in listed.left_out) == [
        "address longer than 400 characters",
        "address that is no text",
        "address that is no text",
        "address with characters that cannot be stored",
        "address with characters that cannot be stored",
        "platform longer than 128 characters",
    ]


def known_after(*lists: tuple[str, list[tuple[str, str, str]]]) -> dict[tuple[str, ...], tuple[str, str, bool]]:
    """What the table holds after lists, each with its date, as an upsert leaves it."""
    stored: dict[tuple[str, ...], tuple[Any, Any, bool]] = {}
    for day, contracts in lists:
        known = pd.DataFrame(
            [(*key, *map(pd.Timestamp, values[:2]), values[2]) for key, values in stored.items()],
            columns=[*KEY, "first_seen_on", "last_seen_on", "is_active"],
        ).astype(dict.fromkeys(KEY, "str") | dict.fromkeys(("first_seen_on", "last_seen_on"), "datetime64[us]"))
        listed = pd.DataFrame(contracts, columns=list(KEY), dtype="str")
        for *key, first, last, active in contracts_after(known, listed, date.fromisoformat(day)).itertuples(
            index=False
        ):
            stored[tuple(key)] = (str(first.date()), str(last.date()), active)
    return stored


def test_a_contract_that_leaves_stays_and_one_that_returns_keeps_its_first_date() -> None:
    a, b = ("ethereum", "0x1", "a"), ("ethereum", "0x2", "b")
    assert known_after(("2026-01-01", [a, b]), ("2026-01-02", [b])) == {
        a: ("2026-01-01", "2026-01-01", False),
        b: ("2026-01-01", "2026-01-02", True),
    }
    assert known_after(("2026-01-01", [a, b]), ("2026-01-02", [b]), ("2026-01-03", []), ("2026-01-04", [a])) == {
        a: ("2026-01-01", "2026-01-04", True),
        b: ("2026-01-01", "2026-01-02", False),
    }


def test_a_second_list_of_one_day_takes_what_it_lacks() -> None:
    a, b = ("ethereum", "0x1", "a"), ("ethereum", "0x2", "b")
    assert known_after(("2026-01-01", [a, b]), ("2026-01-01", [b]))[a] == ("2026-01-01", "2026-01-01", False)
