from datetime import date

from coingecko_pipeline.asset_list.changes import Asset, AssetChange, apply_list
from coingecko_pipeline_tests.recordings import load

D1, D2, D3 = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)

Known = dict[str, Asset]


def after(known: Known, listed: list[tuple[str, str, str]], day: date) -> tuple[Known, list[AssetChange]]:
    assets, changes = apply_list(known, listed, day)
    return {asset.asset_id: asset for asset in assets}, changes


def test_the_very_first_list_makes_coins_and_no_changes() -> None:
    known, changes = after({}, [("btc", "b", "Bitcoin")], D1)
    assert known == {"btc": Asset("btc", "b", "Bitcoin", D1, D1, is_active=True)}
    assert changes == []


def test_a_new_coin_is_listed() -> None:
    known, _ = after({}, [("a", "a", "A")], D1)
    known, changes = after(known, [("a", "a", "A"), ("b", "b", "B")], D2)
    assert changes == [AssetChange("b", D2, "listed")]
    assert known["b"].first_seen_on == D2
    assert known["a"].last_seen_on == D2


def test_a_gone_coin_is_kept_and_said_to_be_gone_once() -> None:
    known, _ = after({}, [("a", "a", "A"), ("b", "b", "B")], D1)
    known, changes = after(known, [("a", "a", "A")], D2)
    assert changes == [AssetChange("b", D2, "delisted")]
    assert known["b"] == Asset("b", "b", "B", D1, D1, is_active=False)
    known, changes = after(known, [("a", "a", "A")], D3)
    assert changes == []
    assert known["b"].last_seen_on == D1


def test_a_coin_that_comes_back_is_relisted_and_keeps_its_first_date() -> None:
    known, _ = after({}, [("a", "a", "A"), ("b", "b", "B")], D1)
    known, _ = after(known, [("a", "a", "A")], D2)
    known, changes = after(known, [("a", "a", "A"), ("b", "b", "B2")], D3)
    assert changes == [AssetChange("b", D3, "relisted"), AssetChange("b", D3, "renamed", "B", "B2")]
    assert known["b"] == Asset("b", "b", "B2", D1, D3, is_active=True)


def test_names_and_symbols_are_compared_to_the_letter() -> None:
    known, _ = after({}, [("a", "a", "A")], D1)
    _, changes = after(known, [("a", "A", "A\u00a0")], D2)
    assert changes == [
        AssetChange("a", D2, "renamed", "A", "A\u00a0"),
        AssetChange("a", D2, "symbol_changed", "a", "A"),
    ]


def test_ids_are_compared_byte_for_byte() -> None:
    known, _ = after({}, [("bitCNY", "b", "x"), ("dps-doubloon ", "d", "y")], D1)
    _, changes = after(known, [("bitcny", "b", "x"), ("dps-doubloon", "d", "y")], D2)
    assert {(change.asset_id, change.change) for change in changes} == {
        ("bitCNY", "delisted"),
        ("bitcny", "listed"),
        ("dps-doubloon ", "delisted"),
        ("dps-doubloon", "listed"),
    }


def test_the_same_list_again_changes_nothing_but_the_date() -> None:
    known, _ = after({}, [("a", "a", "A")], D1)
    again, changes = after(known, [("a", "a", "A")], D2)
    assert changes == []
    assert again == {"a": Asset("a", "a", "A", D1, D2, is_active=True)}


SERIES = (
    "2025-08-03",
    "2025-09-04",
    "2025-09-05",
    "2025-09-07",
    "2025-09-10",
    "2025-09-12",
    "2026-02-02",
    "2026-02-03",
)


def test_the_recorded_lists_in_order_give_the_changes_that_comparing_the_files_gives() -> None:
    lists = {day: {entry["id"]: entry for entry in load(f"coins_list/{day}.json.gz")} for day in SERIES}
    known: Known = {}
    ever: set[str] = set()
    for before, day in zip((None, *SERIES), SERIES, strict=False):
        entries = lists[day]
        listed = [(coin, entry["symbol"], entry["name"]) for coin, entry in entries.items()]
        known, changes = after(known, listed, date.fromisoformat(day))
        expected: set[tuple[str, str]] = set()
        if before is not None:
            old = lists[before]
            expected |= {(coin, "relisted" if coin in ever else "listed") for coin in entries.keys() - old.keys()}
            expected |= {(coin, "delisted") for coin in old.keys() - entries.keys()}
            kept = entries.keys() & old.keys()
            expected |= {(coin, "renamed") for coin in kept if entries[coin]["name"] != old[coin]["name"]}
            expected |= {(coin, "symbol_changed") for coin in kept if entries[coin]["symbol"] != old[coin]["symbol"]}
        found = {(change.asset_id, change.change) for change in changes}
        relisted = {coin for coin, change in expected if change == "relisted"}
        # A coin that was away may come back with another name: a plain comparison of two files cannot see that.
        assert {item for item in found if item[0] not in relisted or item[1] == "relisted"} == expected
        ever |= entries.keys()
        assert {coin for coin, asset in known.items() if asset.is_active} == entries.keys()
    assert set(known) == ever
    assert max(asset.last_seen_on for asset in known.values()) == date(2026, 2, 3)
