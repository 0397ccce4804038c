"""Chains: what an answer holds as rows, and when it is asked for."""

from datetime import UTC, datetime
from typing import Any

from coingecko_pipeline.asset_list.platforms import read_platforms
from coingecko_pipeline_tests.recordings import load

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def rows(entries: list[Any]) -> list[tuple[Any, ...]]:
    return [row[:-1] for row in read_platforms(entries, NOON).rows.itertuples(index=False, name=None)]


def platform(key: str, **values: Any) -> dict[str, Any]:
    return {"id": key, "name": key, "shortname": "", "chain_identifier": None, "native_coin_id": None, **values}


def test_a_chain_is_its_names_its_number_and_its_coin() -> None:
    entries = [
        platform("ethereum", name="Ethereum", shortname="ETH", chain_identifier=1, native_coin_id="ethereum"),
        platform("solana", name="Solana", native_coin_id="solana"),
    ]
    assert rows(entries) == [
        ("ethereum", "Ethereum", "ETH", 1, "ethereum"),
        ("solana", "Solana", "", None, "solana"),
    ]


def test_a_value_of_another_kind_is_null_and_a_number_may_be_of_any_size() -> None:
    odd = platform("a", name=7, shortname="\0", chain_identifier="1", native_coin_id="")
    entries = [odd, platform("b", chain_identifier=2**63 - 1), platform("c", chain_identifier=1e30)]
    assert rows(entries) == [
        ("a", None, "\ufffd", None, None),
        ("b", "b", "", 2**63 - 1, None),
        ("c", "c", "", None, None),
    ]


def test_an_entry_that_cannot_be_a_row_is_told_and_the_others_are_kept() -> None:
    listed = read_platforms([None, {"name": "x"}, platform("\ud800"), platform("a"), platform("a")], NOON)
    assert [defect.reason for defect in listed.left_out] == [*["no id that can be stored"] * 3, "listed twice"]
    assert list(listed.rows["platform"]) == ["a"]


def test_the_recorded_chains_are_all_rows_but_for_those_without_a_name_of_their_own() -> None:
    entries = load("cassettes/test_asset_platform_test_get__0.json.gz")
    listed = read_platforms(entries, NOON)
    assert set(listed.rows["platform"]) == {entry["id"] for entry in entries}
    assert {(defect.reason, defect.example) for defect in listed.left_out} == {("listed twice", "''")}
    assert dict(zip(listed.rows["platform"], listed.rows["chain_id"], strict=True))["polygon-pos"] == 137
