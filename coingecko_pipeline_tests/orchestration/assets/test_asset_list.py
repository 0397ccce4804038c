from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.recordings import load
from coingecko_pipeline_tests.running import checks_of, failure_of, metadata_of, rows_of, run_job

Entry = dict[str, Any]


def coin(coin_id: str, symbol: str | None = None, name: str | None = None) -> Entry:
    return {"id": coin_id, "symbol": symbol or coin_id, "name": name or coin_id.title(), "platforms": {}}


def client_of(entries: list[Entry], day: str = "2026-02-03") -> CoinGecko:
    clock = FakeClock(datetime.fromisoformat(f"{day}T00:00:30").replace(tzinfo=UTC))
    server = FakeServer(lambda _request: Answer(entries))
    return CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=server)


def take(database: Database, entries: list[Entry], day: str, **config: Any) -> Any:
    ops = {"coingecko__raw_asset_list": config} if config else {}
    return run_job("asset_list_job", database, client_of(entries, day), config=ops)


def test_the_list_becomes_coins_with_their_dates(database: Database) -> None:
    result = take(database, [coin("a"), coin("b")], "2026-01-01")
    assert result.success
    assert rows_of(
        database, "SELECT asset_id, first_seen_on, last_seen_on, is_active FROM assets ORDER BY asset_id"
    ) == [
        ("a", *rows_of(database, "SELECT MIN(first_seen_on), MAX(last_seen_on) FROM assets")[0], 1),
        ("b", *rows_of(database, "SELECT MIN(first_seen_on), MAX(last_seen_on) FROM assets")[0], 1),
    ]
    assert str(rows_of(database, "SELECT MIN(first_seen_on) FROM assets")[0][0]) == "2026-01-01"
    assert rows_of(database, "SELECT * FROM asset_changes") == []
    assert metadata_of(result, "raw_asset_list")["coins"] == 2
    assert metadata_of(result, "raw_asset_list")["calls"] == 1
    assert metadata_of(result, "assets")["coins_active"] == 2
    assert all(check.passed for check in checks_of(result).values())
    assert set(checks_of(result)) == {
        "asset_ids_are_unique",
        "the_list_did_not_shrink",
        "every_listed_asset_is_present",
    }


def test_a_coin_that_leaves_and_returns_is_kept_and_told(database: Database) -> None:
    others = [coin(f"x{number}") for number in range(10)]
    take(database, [*others, coin("a")], "2026-01-01")
    take(database, others, "2026-01-02")
    assert rows_of(database, "SELECT is_active, last_seen_on FROM assets WHERE asset_id = 'a'") == [
        (0, rows_of(database, "SELECT first_seen_on FROM assets WHERE asset_id = 'a'")[0][0])
    ]
    result = take(database, [*others, coin("a", name="A reborn")], "2026-01-03")
    assert metadata_of(result, "asset_changes")["relisted"] == 1
    assert [
        (change, str(day), old, new)
        for change, day, old, new in rows_of(
            database, "SELECT `change`, seen_on, old_value, new_value FROM asset_changes ORDER BY seen_on, `change`"
        )
    ] == [
        ("delisted", "2026-01-02", None, None),
        ("relisted", "2026-01-03", None, None),
        ("renamed", "2026-01-03", "A", "A reborn"),
    ]


def test_an_empty_list_is_refused_and_changes_nothing(database: Database) -> None:
    take(database, [coin("a")], "2026-01-01")
    result = take(database, [], "2026-01-02")
    assert "no coin; nothing was changed" in failure_of(result)
    assert rows_of(database, "SELECT asset_id FROM raw_asset_list") == [("a",)]
    assert rows_of(database, "SELECT is_active FROM assets") == [(1,)]


def test_a_list_that_lost_more_than_a_fifth_is_refused_and_changes_nothing(database: Database) -> None:
    take(database, [coin(f"x{number}") for number in range(10)], "2026-01-01")
    result = take(database, [coin(f"x{number}") for number in range(7)], "2026-01-02")
    assert "lacks 3 of the previous 10 coins" in failure_of(result)
    assert "accept_shrunken_list: true" in failure_of(result)
    assert rows_of(database, "SELECT COUNT(*) FROM raw_asset_list") == [(10,)]


def test_new_coins_do_not_hide_the_lost_ones(database: Database) -> None:
    take(database, [coin(f"x{number}") for number in range(10)], "2026-01-01")
    result = take(database, [coin(f"y{number}") for number in range(10)], "2026-01-02")
    assert "lacks 10 of the previous 10 coins" in failure_of(result)


def test_a_list_that_lost_a_fifth_is_taken(database: Database) -> None:
    take(database, [coin(f"x{number}") for number in range(10)], "2026-01-01")
    assert take(database, [coin(f"x{number}") for number in range(8)], "2026-01-02").success


def test_a_shrunken_list_can_be_accepted(database: Database) -> None:
    take(database, [coin(f"x{number}") for number in range(10)], "2026-01-01")
    result = take(database, [coin("x0")], "2026-01-02", accept_shrunken_list=True)
    assert rows_of(database, "SELECT COUNT(*) FROM raw_asset_list") == [(1,)]
    assert checks_of(result)["the_list_did_not_shrink"].passed
    assert rows_of(database, "SELECT COUNT(*) FROM assets WHERE is_active") == [(1,)]


SERIES = ("2025-09-04", "2025-09-05", "2025-09-07", "2026-02-02", "2026-02-03")


def test_the_recorded_lists_in_order_end_in_the_changes_that_the_files_show(database: Database) -> None:
    lists = {day: {entry["id"]: entry for entry in load(f"coins_list/{day}.json.gz")} for day in SERIES}
    for day in SERIES:
        assert take(database, list(lists[day].values()), day).success
    ever = set(lists[SERIES[0]])
    expected: set[tuple[str, str, str]] = set()
    for before, day in pairwise(SERIES):
        old, new = lists[before], lists[day]
        expected |= {(coin_id, day, "relisted" if coin_id in ever else "listed") for coin_id in new.keys() - old.keys()}
        expected |= {(coin_id, day, "delisted") for coin_id in old.keys() - new.keys()}
        for field, change in (("name", "renamed"), ("symbol", "symbol_changed")):
            expected |= {(i, day, change) for i in new.keys() & old.keys() if new[i][field] != old[i][field]}
        ever |= new.keys()
    found = {
        (asset_id, str(day), change)
        for asset_id, day, change in rows_of(database, "SELECT asset_id, seen_on, `change` FROM asset_changes")
    }
    away = {(asset_id, day) for asset_id, day, change in expected if change == "relisted"}
    # A coin that was away may come back with another name: a plain comparison of two files cannot see that.
    assert {item for item in found if item[:2] not in away or item[2] == "relisted"} == expected
    active = rows_of(database, "SELECT asset_id, symbol, name FROM assets WHERE is_active")
    assert set(active) == {(i, entry["symbol"], entry["name"]) for i, entry in lists[SERIES[-1]].items()}
    assert rows_of(database, "SELECT COUNT(*) FROM assets") == [(len(ever),)]
