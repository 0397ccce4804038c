import json
from datetime import UTC, datetime
from typing import Any

import pytest

from coingecko_pipeline.asset_list.entries import ListedAssets, count_reasons, read_entries
from coingecko_pipeline.tables import raw_asset_list
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.recordings import load
from coingecko_pipeline_tests.running import rows_of

WHOLE: dict[str, Any] = {"id": "a", "symbol": "s", "name": "A", "platforms": {}}
LONE = json.loads('"\\ud800"')
MARK = "\ufffd"


def only(entry: Any) -> ListedAssets:
    return read_entries([entry])


@pytest.mark.parametrize(
    ("entry", "reason", "example"),
    [
        (None, "no object", "None"),
        ("bitcoin", "no object", "'bitcoin'"),
        ([], "no object", "[]"),
        ({}, "no id", "{}"),
        ({"id": None, "name": "A"}, "no id", "{'id': None, 'name': 'A'}"),
        ({"id": ""}, "no id", "''"),
        ({"id": 7}, "no id", "7"),
        ({"id": True}, "no id", "True"),
        ({"id": {"id": "a"}}, "no id", "{'id': 'a'}"),
        ({"id": "x" * 192}, "id longer than 191 characters", "'" + "x" * 79),
        ({"id": f"a{LONE}"}, "id with characters that cannot be stored", r"'a\ud800'"),
        ({"id": "a\0"}, "id with characters that cannot be stored", r"'a\x00'"),
    ],
)
def test_an_entry_that_cannot_be_a_row_is_set_aside_with_its_reason(entry: Any, reason: str, example: str) -> None:
    found = read_entries([{**WHOLE, "id": "before"}, entry, {**WHOLE, "id": "after"}])
    assert [asset.asset_id for asset in found.assets] == ["before", "after"]
    assert [(defect.reason, defect.example) for defect in found.set_aside] == [(reason, example)]


def test_of_an_entry_twice_the_first_stays() -> None:
    found = read_entries([WHOLE, {**WHOLE, "name": "second"}, {**WHOLE, "name": "third"}])
    assert [asset.name for asset in found.assets] == ["A"]
    assert count_reasons(found.set_aside) == {"listed twice": 2}


def test_ids_that_differ_in_case_or_a_space_are_different_coins() -> None:
    ids = ["bitcny", "bitCNY", "dps-doubloon", "dps-doubloon ", "..", "x" * 191, "🦊" * 191]
    assert [asset.asset_id for asset in read_entries({"id": coin} for coin in ids).assets] == ids


@pytest.mark.parametrize("field", ["symbol", "name"])
@pytest.mark.parametrize(
    ("value", "kept", "wrong"),
    [
        (None, None, ""),
        ("", "", ""),
        ("Ünïcode 🦊", "Ünïcode 🦊", ""),
        (7, None, "that is no text"),
        (["x"], None, "that is no text"),
        (f"a{LONE}b", f"a{MARK}b", "with characters that cannot be stored"),
        ("a\0b", f"a{MARK}b", "with characters that cannot be stored"),
        ("x" * 1001, None, "longer than"),
    ],
)
def test_a_broken_name_or_symbol_does_not_lose_the_coin(field: str, value: Any, kept: Any, wrong: str) -> None:
    found = only({**WHOLE, field: value})
    assert [asset.asset_id for asset in found.assets] == ["a"]
    length = {"symbol": 255, "name": 1000}[field]
    assert getattr(found.assets[0], field) == (value[:length] if wrong == "longer than" else kept)
    assert [defect.reason.startswith(f"{field} {wrong}") for defect in found.mended] == [True] * bool(wrong)


@pytest.mark.parametrize(
    ("value", "kept", "wrong"),
    [
        (None, None, []),
        ({}, "{}", []),
        ({"ethereum": "0x1", "x": None}, '{"ethereum": "0x1", "x": null}', []),
        ({"é": LONE}, f'{{"é": "{MARK}"}}', ["platforms with characters that cannot be stored"]),
        ({"a": "\0"}, '{"a": "\\u0000"}', []),
        ({"a": float("inf")}, None, ["platforms with a number that JSON does not have"]),
        (["ethereum"], None, ["platforms that are no object"]),
        ("ethereum", None, ["platforms that are no object"]),
    ],
)
def test_broken_platforms_do_not_lose_the_coin(value: Any, kept: str | None, wrong: list[str]) -> None:
    found = only({**WHOLE, "platforms": value})
    assert [asset.platforms for asset in found.assets] == [kept]
    assert [defect.reason for defect in found.mended] == wrong


def test_a_source_without_platforms_has_none_of_them() -> None:
    assert only({"id": "a"}).assets[0].platforms is None


def test_each_row_of_a_broken_list_can_be_stored(database: Database) -> None:
    nasty: list[Any] = ["\0", LONE, "x" * 5000, 7, {"a": LONE}, {"a": float("nan")}, [], None, "", "\t\n\\N", "'\"`;"]
    entries = [{"id": f"a{number}", "symbol": v, "name": v, "platforms": v} for number, v in enumerate(nasty)]
    entries += [{"id": v} for v in nasty] + nasty
    found = read_entries(entries)
    frame = found.frame(datetime(2026, 1, 1, tzinfo=UTC))
    TableWriter(database, raw_asset_list).replace([to_arrow(raw_asset_list, frame)])
    stored = rows_of(database, "SELECT asset_id, symbol, name, platforms FROM raw_asset_list")
    assert set(stored) == {(a.asset_id, a.symbol, a.name, a.platforms) for a in found.assets}
    assert len(stored) == len(nasty) + 2


@pytest.mark.parametrize("day", ["2021-05-15", "2024-01-15_platforms", "2026-02-03"])
def test_the_recorded_lists_are_kept_whole(day: str) -> None:
    entries = load(f"coins_list/{day}.json.gz")
    found = read_entries(entries)
    assert (found.set_aside, found.mended) == ((), ())
    assert [(a.asset_id, a.symbol, a.name) for a in found.assets] == [
        (e["id"], e["symbol"], e["name"]) for e in entries
    ]
    assert [a.platforms and json.loads(a.platforms) for a in found.assets] == [e.get("platforms") for e in entries]
