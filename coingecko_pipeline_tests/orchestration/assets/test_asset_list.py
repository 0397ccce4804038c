from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import dagster as dg

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
        "the_list_was_taken",
        "every_entry_of_the_list_could_be_kept",
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


def ids_of(database: Database) -> list[str]:
    return [row[0] for row in rows_of(database, "SELECT asset_id FROM raw_asset_list ORDER BY asset_id")]


def not_taken(database: Database, result: Any, kept: list[str]) -> str:
    """Why a list was not taken, by a run that went on with the earlier one."""
    assert result.success
    assert ids_of(database) == kept
    active = rows_of(database, "SELECT asset_id FROM assets WHERE is_active ORDER BY asset_id")
    assert [row[0] for row in active] == kept
    facts, check = metadata_of(result, "raw_asset_list"), checks_of(result)["the_list_was_taken"]
    assert facts["list_taken"] is False
    assert (check.passed, check.severity, check.blocking) == (False, dg.AssetCheckSeverity.ERROR, False)
    assert check.metadata["reason"].value == facts["reason"]
    return str(facts["reason"])


X10 = [f"x{number}" for number in range(10)]


def test_an_empty_list_is_refused_and_changes_nothing(database: Database) -> None:
    take(database, [coin("a")], "2026-01-01")
    for accept in (False, True):
        result = take(database, [], "2026-01-02", accept_shrunken_list=accept)
        assert "answered the asset list with no coin" in not_taken(database, result, ["a"])


def test_the_very_first_list_fails_at_once_where_it_is_empty(database: Database) -> None:
    assert "There is no earlier list of CoinGecko to go on with" in failure_of(take(database, [], "2026-01-01"))
    assert ids_of(database) == []


def test_a_list_that_lost_more_than_a_fifth_is_refused_and_changes_nothing(database: Database) -> None:
    take(database, [coin(name) for name in X10], "2026-01-01")
    result = take(database, [coin(name) for name in X10[:7]], "2026-01-02")
    reason = not_taken(database, result, X10)
    assert "lacks 3 of the 10 active coins" in reason
    assert "accept_shrunken_list: true" in reason
    assert "coingecko-pipeline daily --accept-list" in reason
    check = checks_of(result)["the_list_did_not_shrink"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {name: value.value for name, value in check.metadata.items()} == {
        "acceptance": "shrunken",
        "coins_before": 10,
        "coins": 7,
        "coins_lost": 3,
    }
    assert rows_of(database, "SELECT COUNT(*) FROM asset_changes") == [(0,)]
    assert rows_of(database, "SELECT COUNT(*) FROM refused_asset_list") == [(7,)]


def test_new_coins_do_not_hide_the_lost_ones(database: Database) -> None:
    take(database, [coin(name) for name in X10], "2026-01-01")
    result = take(database, [coin(f"y{number}") for number in range(10)], "2026-01-02")
    assert "lacks 10 of the 10 active coins" in not_taken(database, result, X10)


def test_a_list_that_lost_a_fifth_is_taken(database: Database) -> None:
    take(database, [coin(name) for name in X10], "2026-01-01")
    result = take(database, [coin(name) for name in X10[:8]], "2026-01-02")
    assert all(check.passed for check in checks_of(result).values())
    assert ids_of(database) == X10[:8]


def test_a_shrunken_list_can_be_accepted(database: Database) -> None:
    take(database, [coin(name) for name in X10], "2026-01-01")
    take(database, [coin("x0")], "2026-01-02")
    result = take(database, [coin("x0")], "2026-01-02", accept_shrunken_list=True)
    assert ids_of(database) == ["x0"]
    assert all(check.passed for check in checks_of(result).values())
    assert metadata_of(result, "raw_asset_list")["acceptance"] == "accepted"
    assert rows_of(database, "SELECT COUNT(*) FROM assets WHERE is_active") == [(1,)]
    assert rows_of(database, "SELECT COUNT(*) FROM refused_asset_list") == [(0,)]


def test_a_shrunken_list_is_accepted_by_itself_when_the_next_one_agrees(database: Database) -> None:
    half = [coin(name) for name in X10[:5]]
    take(database, [coin(name) for name in X10], "2026-01-01")
    for _ in range(3):  # the same answer within a minute, as from a cache, says nothing new
        not_taken(database, take(database, half, "2026-01-02"), X10)
    result = take(database, half, "2026-01-03")
    assert ids_of(database) == X10[:5]
    assert checks_of(result)["the_list_was_taken"].passed
    told = checks_of(result)["the_list_did_not_shrink"]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told.metadata["acceptance"].value == "confirmed"
    assert rows_of(database, "SELECT COUNT(*) FROM asset_changes WHERE `change` = 'delisted'") == [(5,)]
    assert rows_of(database, "SELECT COUNT(*) FROM refused_asset_list") == [(0,)]
    assert all(check.passed for check in checks_of(take(database, half, "2026-01-04")).values())


def test_lists_that_are_short_in_different_ways_never_agree(database: Database) -> None:
    take(database, [coin(name) for name in X10], "2026-01-01")
    for day, names in enumerate((X10[:5], X10[5:], X10[:5], X10[3:8]), start=2):
        not_taken(database, take(database, [coin(name) for name in names], f"2026-01-{day:02}"), X10)


def test_a_whole_list_between_two_short_ones_clears_the_first(database: Database) -> None:
    whole, half = [coin(name) for name in X10], [coin(name) for name in X10[:5]]
    take(database, whole, "2026-01-01")
    take(database, half, "2026-01-02")
    assert all(check.passed for check in checks_of(take(database, whole, "2026-01-03")).values())
    not_taken(database, take(database, half, "2026-01-04"), X10)


def test_broken_entries_are_set_aside_and_told_and_the_others_are_taken(database: Database) -> None:
    broken: list[Any] = [
        coin("a", name="again"),
        {**coin("b"), "name": "\ud800"},
        coin("i" * 300),
        {"id": 7},
        "bitcoin",
    ]
    result = take(database, [coin("a"), *broken, coin("c")], "2026-01-01")
    assert result.success
    names = rows_of(database, "SELECT asset_id, name FROM assets WHERE is_active ORDER BY asset_id")
    assert names == [("a", "A"), ("b", "\ufffd"), ("c", "C")]
    facts = metadata_of(result, "raw_asset_list")
    assert facts["list_taken"] is True
    assert (facts["coins"], facts["entries_set_aside"], facts["values_mended"]) == (3, 4, 1)
    assert facts["entries_set_aside_by_reason"] == {
        "listed twice": 1,
        "id longer than 191 characters": 1,
        "no id": 1,
        "no object": 1,
    }
    assert "'bitcoin': no object" in facts["entries_set_aside_examples"]
    assert facts["values_mended_examples"] == ["'b': name with characters that cannot be stored"]
    checks = checks_of(result)
    assert [name for name, check in checks.items() if not check.passed] == ["every_entry_of_the_list_could_be_kept"]
    told = checks["every_entry_of_the_list_could_be_kept"]
    assert told.severity == dg.AssetCheckSeverity.WARN
    assert told.metadata["entries_set_aside"].value == 4


def test_a_list_is_of_the_day_on_which_its_answer_came(database: Database) -> None:
    clock = FakeClock(datetime(2026, 2, 3, 23, 59, 59, tzinfo=UTC))
    answers = [Answer(b"", 429, {"Retry-After": "5"}), Answer([coin("a")]), Answer([{"id": "ethereum"}])]
    client = CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=FakeServer(answers))
    assert run_job("asset_list_job", database, client).success
    assert str(rows_of(database, "SELECT fetched_at FROM raw_asset_list")[0][0]).startswith("2026-02-04 00:00:0")
    assert [str(row[0]) for row in rows_of(database, "SELECT first_seen_on FROM assets")] == ["2026-02-04"]


SERIES = (
    *("2025-08-03", "2025-09-04", "2025-09-05", "2025-09-07", "2025-09-10", "2025-09-12"),
    *("2026-02-02", "2026-02-03"),
)


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
    # These were recorded without the contracts.
    assert rows_of(database, "SELECT COUNT(*) FROM asset_contracts") == [(0,)]
