"""The pairs in the database, and the differences that one statement computes there."""

import math
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.agreement.comparison import follow_agreement, largest_coins_compared
from coingecko_pipeline.agreement.storing import latest_common_date, pair_coins
from coingecko_pipeline.measures import ALWAYS, Span
from coingecko_pipeline.tables.agreement import asset_pairs, source_agreement
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.deriving import NOW
from coingecko_pipeline_tests.running import rows_of

DAY = date(2026, 3, 9)
Values = tuple[float | None, float | None, float | None]


def compare(database: Database, first: date = ALWAYS.first, last: date = ALWAYS.last) -> int:
    """Compare some dates, or all; how many coins were."""
    return follow_agreement(database, "coinpaprika", NOW, rebuild=Span(first, last)).rows_written


def put(database: Database, coin: str, *values: Values, first: date = DAY) -> None:
    """Rows of one coin from a date on: price, volume and market cap."""
    rows = [
        {
            "date": first + timedelta(days=number),
            "asset_id": coin,
            "price_usd": price,
            "volume_24h_usd": volume,
            "market_cap_usd": market_cap,
            "source": "snapshot",
        }
        for number, (price, volume, market_cap) in enumerate(values)
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), rows)


def list_coin(database: Database, coin: str, symbol: str, name: str, *, is_active: bool = True) -> None:
    row = {"asset_id": coin, "symbol": symbol, "name": name, "first_seen_on": DAY, "last_seen_on": DAY}
    with database.transaction() as connection:
        connection.execute(insert(tables.assets), {**row, "is_active": is_active})


def pair(database: Database, coin: str, other: str | None, how: str = "manual") -> None:
    row = {"asset_id": coin, "coinpaprika_id": other, "how": how, "matched_on": DAY}
    with database.transaction() as connection:
        connection.execute(insert(asset_pairs), row)


def agreement_of(database: Database) -> dict[tuple[str, str], tuple[Any, ...]]:
    names = ", ".join(source_agreement.c.keys())
    rows = rows_of(database, f"SELECT {names} FROM source_agreement ORDER BY date, asset_id")
    return {(str(day), coin): tuple(values) for day, coin, *values in rows}


def pairs_of(database: Database) -> dict[str, tuple[Any, ...]]:
    rows = rows_of(database, "SELECT asset_id, coinpaprika_id, how, candidates FROM asset_pairs ORDER BY asset_id")
    return {coin: tuple(values) for coin, *values in rows}


def test_each_difference_is_a_fraction_of_coingeckos_value(database: Database, second: Database) -> None:
    pair(database, "a", "a-a")
    put(database, "a", (1e-12, 200.0, 3e12))
    put(second, "a-a", (1.02e-12, 150.0, 3e12))
    assert compare(database) == 1
    ((price, volume, market_cap),) = agreement_of(database).values()
    assert math.isclose(price, 0.02, rel_tol=1e-9)
    assert (volume, market_cap) == (-0.25, 0.0)


def test_nothing_is_compared_with_null_or_made_a_fraction_of_0(database: Database, second: Database) -> None:
    for coin in ("null", "zero", "other-null"):
        pair(database, coin, f"x-{coin}")
    put(database, "null", (None, None, 1.0))
    put(second, "x-null", (1.0, 1.0, 1.0))
    put(database, "zero", (1.0, 0.0, 0.0))
    put(second, "x-zero", (1.0, 5.0, 0.0))
    put(database, "other-null", (1.0, 1.0, 1.0))
    put(second, "x-other-null", (None, 1.5, None))
    compare(database)
    assert agreement_of(database) == {
        ("2026-03-09", "null"): (None, None, 0.0),
        ("2026-03-09", "other-null"): (None, 0.5, None),
        ("2026-03-09", "zero"): (0.0, None, None),
    }


def test_a_range_is_replaced_and_dates_outside_of_it_stay(database: Database, second: Database) -> None:
    pair(database, "a", "a-a")
    put(database, "a", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    put(second, "a-a", (1.5, 1.0, 1.0), (2.0, 1.0, 1.0), (3.0, 1.0, 1.0))
    last = DAY + timedelta(days=2)
    assert compare(database) == 3
    with second.transaction() as connection:
        connection.execute(tables.daily_market.update().values(price_usd=9.0))
    assert compare(database, DAY + timedelta(days=1), last) == 2
    assert [values[0] for values in agreement_of(database).values()] == [0.5, 8.0, 8.0]
    with second.transaction() as connection:
        connection.execute(tables.daily_market.delete())
    assert compare(database) == 0
    assert agreement_of(database) == {}


def test_only_coins_with_a_pair_on_a_date_that_both_have_are_compared(database: Database, second: Database) -> None:
    pair(database, "a", "a-a")
    pair(database, "b", None)
    pair(database, "unsure", None, how="ambiguous")
    for coin in ("a", "b", "unsure", "unpaired"):
        put(database, coin, (1.0, 1.0, 1.0))
        put(second, f"{coin}-{coin}", (1.0, 1.0, 1.0), first=DAY + timedelta(days=coin == "a"))
    assert compare(database) == 0
    put(second, "a-a", (1.0, 1.0, 1.0))
    assert compare(database) == 1


def test_the_largest_coins_are_ranked_by_coingeckos_market_cap(database: Database, second: Database) -> None:
    for number in range(103):
        put(database, f"c{number:03}", (1.0, 1.0, 1000.0 - number))
    put(database, "without-a-cap", (1.0, 1.0, None))
    for number, price in ((0, 1.03), (1, 1.0199), (99, 0.9), (100, 2.0)):
        pair(database, f"c{number:03}", f"p{number}")
        put(second, f"p{number}", (price, 1.0, 1.0))
    compare(database)
    coins = largest_coins_compared(database, DAY, DAY)
    assert [coin.rank for coin in coins] == list(range(1, 101))
    assert [(coin.asset_id, coin.rank) for coin in coins if coin.disagrees] == [("c000", 1), ("c099", 100)]
    assert sum(coin.price_difference is None for coin in coins) == 97


@pytest.fixture
def listed(database: Database, second: Database) -> Database:
    """One coin that fits, one that is listed twice, one without a price, one that is gone; on both sides."""
    for source, ids in ((database, ("a", "twin", "unpriced", "gone")), (second, ("p-a", "p-twin", "p-no", "p-gone"))):
        for coin, name in zip(ids, ("Alpha", "Twin", "Unpriced", "Gone"), strict=True):
            list_coin(source, coin, "abc", name, is_active=name != "Gone")
            put(source, coin, (None if name == "Unpriced" else 1.0, 1.0, 1.0))
    list_coin(second, "p-twin-2", "ABC", "TWIN")
    put(second, "p-twin-2", (1.01, 1.0, 1.0))
    return database


def test_pairs_are_stored_and_ambiguous_coins_with_their_candidates(listed: Database, second: Database) -> None:
    assert latest_common_date(listed, second) == DAY
    pairing = pair_coins(listed, second, DAY)
    assert (pairing.new, pairing.pairs) == (1, 1)
    assert pairs_of(listed) == {
        "a": ("p-a", "proposed", None),
        "twin": (None, "ambiguous", '["p-twin", "p-twin-2"]'),
    }


def test_a_pair_stays_whatever_the_price_is_later(listed: Database, second: Database) -> None:
    pair_coins(listed, second, DAY)
    with second.transaction() as connection:
        connection.execute(tables.daily_market.update().values(price_usd=7.0))
    again = pair_coins(listed, second, DAY)
    assert (again.new, again.pairs) == (0, 1)
    # What was ambiguous fits no longer, and is looked at anew each time.
    assert pairs_of(listed) == {"a": ("p-a", "proposed", None)}


def test_what_a_person_decided_is_never_changed(listed: Database, second: Database) -> None:
    pair(listed, "a", None)
    pair(listed, "twin", "p-twin-2")
    pairing = pair_coins(listed, second, DAY)
    assert (pairing.new, pairing.pairs) == (0, 1)
    assert pairs_of(listed) == {"a": (None, "manual", None), "twin": ("p-twin-2", "manual", None)}


def test_the_documented_sql_decides_by_hand_over_what_a_run_proposed(listed: Database, second: Database) -> None:
    pair_coins(listed, second, DAY)
    with listed.transaction() as connection:
        for coin, other in (("twin", "'p-twin'"), ("a", "NULL")):
            connection.exec_driver_sql(
                "REPLACE INTO asset_pairs (asset_id, coinpaprika_id, how, matched_on) "
                f"VALUES ('{coin}', {other}, 'manual', '2026-03-09')"
            )
    pair_coins(listed, second, DAY)
    assert pairs_of(listed) == {"a": (None, "manual", None), "twin": ("p-twin", "manual", None)}


def test_without_a_common_date_there_is_nothing_to_compare(database: Database, second: Database) -> None:
    put(database, "a", (1.0, 1.0, 1.0))
    put(second, "p", (1.0, 1.0, 1.0), first=DAY + timedelta(days=1))
    assert latest_common_date(database, second) is None
    put(second, "p", (1.0, 1.0, 1.0))
    assert latest_common_date(database, second) == DAY


def have_contract(database: Database, platform: str, address: str, coin: str, *, is_active: bool = True) -> None:
    row = {"platform": platform, "address": address, "asset_id": coin, "is_active": is_active}
    with database.transaction() as connection:
        connection.execute(insert(tables.asset_contracts), {**row, "first_seen_on": DAY, "last_seen_on": DAY})


@pytest.fixture
def contracted(listed: Database, second: Database) -> Database:
    """The twin has the contract of the second one, the coins without a price one of theirs, and each chain others."""
    for number in range(3):
        have_contract(listed, "ethereum", f"0xknown{number}", f"known-{number}")
        have_contract(second, "eth-ethereum", f"0xknown{number}", f"p-known-{number}")
    for number, (coin, other) in enumerate((("twin", "p-twin-2"), ("unpriced", "p-no"), ("gone", "p-gone"))):
        have_contract(listed, "ethereum", f"0xcoin{number}", coin)
        have_contract(second, "eth-ethereum", f"0xcoin{number}", other)
    return listed


def test_a_contract_decides_before_the_names_and_is_told(contracted: Database, second: Database) -> None:
    pairing = pair_coins(contracted, second, DAY)
    assert (pairing.new, pairing.pairs, pairing.contradicted) == (3, 3, {})
    assert pairing.platforms == {"eth-ethereum": "ethereum"}
    assert pairs_of(contracted) == {
        "a": ("p-a", "proposed", None),
        "twin": ("p-twin-2", "contract", None),
        "unpriced": ("p-no", "contract", None),
    }
    again = pair_coins(contracted, second, DAY)
    assert (again.new, again.pairs) == (0, 3)


def test_contracts_that_left_the_list_decide_nothing(listed: Database, second: Database) -> None:
    for number in range(5):
        have_contract(listed, "ethereum", f"0xknown{number}", f"known-{number}")
        have_contract(second, "eth-ethereum", f"0xknown{number}", f"p-known-{number}")
    have_contract(listed, "ethereum", "0xcoin1", "twin")
    have_contract(second, "eth-ethereum", "0xcoin1", "p-twin", is_active=False)
    pair_coins(listed, second, DAY)
    assert pairs_of(listed)["twin"] == (None, "ambiguous", '["p-twin", "p-twin-2"]')


def test_pairs_that_contracts_contradict_stay_and_are_told(contracted: Database, second: Database) -> None:
    pair(contracted, "twin", "p-twin")
    pair(contracted, "a", None)
    pair(contracted, "unpriced", "p-a", how="proposed")
    pairing = pair_coins(contracted, second, DAY)
    assert pairing.contradicted == {"twin": "p-twin", "unpriced": "p-a"}
    assert pairs_of(contracted) == {
        "a": (None, "manual", None),
        "twin": ("p-twin", "manual", None),
        "unpriced": ("p-a", "proposed", None),
    }
