"""The derived tables beside what is made again: what is planted is found and mended, and nothing else is touched."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.agreement.comparison import follow_agreement, verify_agreement
from coingecko_pipeline.cli.verify import compare_derived
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.differences import KINDS
from coingecko_pipeline.measures import MEASURES, Comparing, DerivedDifferences, Span, making, verify_measure
from coingecko_pipeline.tables.agreement import asset_pairs
from coingecko_pipeline.warehouse import Database, WarehouseError
from coingecko_pipeline_tests.databases import on_servers, run_on
from coingecko_pipeline_tests.measures.charts import planted, store
from coingecko_pipeline_tests.measures.deriving import NOW, build, changed, follow, forget, log
from coingecko_pipeline_tests.measures.snapshots import put, snapshot_row
from coingecko_pipeline_tests.running import rows_of

FIRST = date(2024, 1, 3)
DAYS = 250
LAST = FIRST + timedelta(days=DAYS - 1)
DAY = FIRST + timedelta(days=210)
WEEK, MONTH = DAY - timedelta(days=DAY.weekday()), DAY.replace(day=1)
"""Not in the first of the blocks of 200 days in which a coin's rows are made."""

OTHER = "coinpaprika"
TABLES = [*(measure.name for measure in MEASURES), "source_agreement"]


def prices(scale: float) -> list[float | None]:
    """A price that rises and falls, with a day that is missing."""
    return [None if day == 100 else scale * (1 + (day * 37 % 101) / 100) for day in range(DAYS)]


def verify(database: Database, options: Comparing | None = None, **chosen: Any) -> dict[str, DerivedDifferences]:
    """Compare every table."""
    options = replace(options or Comparing(now=lambda: NOW), **chosen)
    return {
        **{measure.name: verify_measure(database, measure, options) for measure in MEASURES},
        "source_agreement": verify_agreement(database, OTHER, options),
    }


def counts(found: DerivedDifferences) -> dict[str, int]:
    return {kind: number for kind in KINDS if (number := getattr(found, kind))}


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(rows_of(database, f"SELECT * FROM {name}"), key=str) for name in TABLES}


@pytest.fixture
def derived(database: Database, second: Database) -> Iterator[Database]:
    """Two coins of 250 days with snapshots, hours of one, the other source's rows of it, and all that is computed."""
    store(database, {"a": planted(FIRST, prices(2.0)), "b": planted(FIRST, prices(0.1))})
    put(
        database,
        snapshots=[
            # On every tenth day the market cap does not fit.
            snapshot_row(FIRST + timedelta(days=day), coin, 0.0, 9.0, circulating_supply=1000.0 if day % 10 else 500.0)
            for day in range(DAYS)
            for coin in "ab"
        ],
    )
    store(second, {"a-a": planted(FIRST, prices(2.02))})
    hours = [datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=UTC) for hour in range(24)]
    with database.transaction() as connection:
        connection.execute(
            insert(tables.hourly_market),
            [{"hour_at": hour, "asset_id": "a", "price_usd": 1.0 + hour.hour} for hour in hours],
        )
        pair = {"asset_id": "a", "coinpaprika_id": "a-a", "how": "manual", "matched_on": FIRST}
        connection.execute(insert(asset_pairs), pair)
    for measure in MEASURES:
        build(database, measure)
    follow_agreement(database, OTHER, NOW)
    yield database
    forget(database)


def test_what_was_computed_is_clean_and_stays_as_it_is(derived: Database) -> None:
    before = everything(derived)
    told: list[tuple[int, int]] = []
    found = verify(derived, on_parts=lambda done, of: told.append((done, of)))
    assert all(each.is_clean and each.parts and not each.waiting for each in found.values())
    assert {name: each.rows for name, each in found.items()} == {name: len(before[name]) for name in TABLES}
    assert min(found[name].rows for name in TABLES if name != "daily_ohlc") > 15
    assert told[-1][0] == told[-1][1]
    verify(derived, repair=True)
    assert everything(derived) == before


KEYS = {
    "weekly_market": ("week_start", WEEK),
    "monthly_market": ("month_start", MONTH),
    **dict.fromkeys(("daily_returns", "global_market_daily", "daily_ohlc", "source_agreement"), ("date", DAY)),
    **dict.fromkeys(("daily_candles", "market_flags"), ("date", DAY)),
}
EXACT = {
    "weekly_market": "close_usd",
    "monthly_market": "open_usd",
    "daily_returns": "return_7d",
    "daily_ohlc": "high_usd",
    "daily_candles": "close_usd",
    "source_agreement": "price_difference",
}
"""A column of which the last bit counts."""
ROUNDED = {
    "weekly_market": "volume_24h_mean_usd",
    "monthly_market": "volume_24h_mean_usd",
    "daily_returns": "moving_average_30d_usd",
    "global_market_daily": "market_cap_usd",
}


def of_one_row(table: str) -> str:
    column, day = KEYS[table]
    coin = "" if table == "global_market_daily" else " AND asset_id = 'a'"
    return f"WHERE {column} = '{day}'{coin}"


def copied(table: str, day: date, coin: str) -> str:
    """A row again, of another date and coin."""
    key, _ = KEYS[table]
    names = [column.name for column in tables.metadata.tables[table].c if column.name not in (key, "asset_id")]
    keys, values = ([key], [f"'{day}'"]) if table == "global_market_daily" else ([key, "asset_id"], [f"'{day}'", coin])
    return (
        f"INSERT INTO {table} ({', '.join([*keys, *names])}) SELECT {', '.join([*values, *names])} FROM {table} "
        f"{of_one_row(table)}"
    )


def by_kind() -> dict[str, tuple[str, dict[str, str]]]:
    """What is planted: as which kind it is found, and the statement that plants it in each table."""
    off = {name: f"{column} = {column} * (1 + 1e-8)" for name, column in ROUNDED.items()}
    near = {name: f"{column} = {column} * (1 + 5e-16)" for name, column in ROUNDED.items()}
    bits = {name: f"{column} = {column} * (1 + 2.3e-16)" for name, column in EXACT.items()}
    gone = {name: f"{column} = NULL" for name, column in {**EXACT, **ROUNDED}.items() if name != "daily_ohlc"}
    gone["market_flags"] = "detail = NULL"
    numbers = {"weekly_market": "days_present = 99", "global_market_daily": "coins_up = 99"}
    changed_to = {
        "a last bit": bits,
        "a sum that is off": off,
        "a value that is gone": gone,
        "a number": numbers,
    }
    later, of_coins = LAST + timedelta(days=35), [name for name in TABLES if name != "global_market_daily"]
    return {
        "a row that is missing": ("missing", {name: f"DELETE FROM {name} {of_one_row(name)}" for name in TABLES}),
        "a row of a date that is not there": ("surplus", {name: copied(name, later, "'a'") for name in TABLES}),
        "a row of a coin that is not there": (
            "surplus",
            {name: copied(name, KEYS[name][1], "'c'") for name in of_coins},
        ),
        **{what: ("different", _updates(changes)) for what, changes in changed_to.items()},
        "a sum that was added up in another order": ("", _updates(near)),
    }


def _updates(changes: Mapping[str, str]) -> dict[str, str]:
    return {name: f"UPDATE {name} SET {change} {of_one_row(name)}" for name, change in changes.items()}


PLANTED = by_kind()


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_in_each_table_is_found_and_repaired(derived: Database, what: str) -> None:
    kind_found, statements = PLANTED[what]
    before = everything(derived)
    with derived.transaction() as connection:
        for table, statement in statements.items():
            assert connection.exec_driver_sql(statement).rowcount == 1, table
    damaged = everything(derived)
    assert {table for table in TABLES if damaged[table] != before[table]} == set(statements)
    expected = {name: {kind_found: 1} if kind_found and name in statements else {} for name in TABLES}
    assert {name: counts(each) for name, each in verify(derived).items()} == expected
    assert everything(derived) == damaged, "it only looks"
    repaired = verify(derived, repair=True)
    assert {name: counts(each) for name, each in repaired.items()} == expected
    for name, each in repaired.items():
        assert sum(map(len, each.examples.values())) == sum(expected[name].values())
    assert everything(derived) == (before if kind_found else damaged)


def test_a_wrong_highest_price_makes_no_row_after_it_differ(derived: Database) -> None:
    # The last row of a block, from which the next block goes on.
    days = [FIRST + timedelta(days=day) for day in range(DAYS)]
    last = next(day for day in days if (day.toordinal() + 1) % making.BLOCK_DAYS == 0)
    with derived.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE daily_returns SET highest_usd = 1e9 WHERE date = '{last}'")
    found = verify(derived)["daily_returns"]
    assert counts(found) == {"different": 2}
    assert found.examples["different"] == [f"a on {last}", f"b on {last}"]


def test_only_the_dates_and_coins_asked_for_are_compared(derived: Database) -> None:
    with derived.transaction() as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"DELETE FROM {table}")
    ten = verify(derived, dates=Span(DAY - timedelta(days=9), DAY))
    assert {name: counts(each) for name, each in ten.items()} == {
        "weekly_market": {"missing": 4},
        "monthly_market": {},
        "daily_returns": {"missing": 20},
        "global_market_daily": {"missing": 10},
        "daily_ohlc": {"missing": 1},
        "daily_candles": {"missing": 20},
        "market_flags": {"missing": 2},
        "source_agreement": {"missing": 10},
    }
    of_b = verify(derived, dates=Span(DAY, DAY), coin_ids=["b"])
    assert {name for name, each in of_b.items() if counts(each)} == {"daily_returns", "daily_candles", "market_flags"}


def test_what_waits_to_be_followed_is_no_difference_and_is_followed_before_a_repair(derived: Database) -> None:
    with derived.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE daily_market SET price_usd = 9e9 WHERE date = '{DAY}' AND asset_id = 'b'")
        log_changes(connection, [changed(DAY, DAY, "b")])
    found = verify(derived)
    assert all(each.is_clean for each in found.values())
    assert found["daily_returns"].waiting
    assert (found["daily_ohlc"].waiting, found["source_agreement"].waiting) == (0, 0)
    repaired = verify(derived, repair=True)
    assert all(each.is_clean and not each.waiting for each in repaired.values())
    assert rows_of(derived, f"SELECT highest_usd FROM daily_returns WHERE date = '{LAST}' AND asset_id = 'b'") == [
        (9e9,)
    ]


def test_a_change_that_comes_while_a_group_is_compared_is_no_difference(
    derived: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    arrive = _arriving(derived, monkeypatch)
    found = verify_measure(derived, MEASURES[2], Comparing(now=lambda: NOW))
    assert arrive == ["came"]
    assert (found.is_clean, found.waiting) == (True, 0)


def _arriving(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A price changes and is followed after the rows were made beside, once."""
    from coingecko_pipeline.measures import comparing

    came: list[str] = []
    compare: Callable[..., Any] = comparing._compare

    def compare_later(*arguments: Any) -> Any:
        if not came:
            came.append("came")
            with database.transaction() as connection:
                connection.exec_driver_sql(f"UPDATE daily_market SET price_usd = 7 WHERE date = '{DAY}'")
                log_changes(connection, [Change("daily_market", DAY, DAY)])
            follow(database, MEASURES[2])
        return compare(*arguments)

    monkeypatch.setattr(comparing, "_compare", compare_later)
    return came


def test_a_table_that_never_was_computed_is_not_compared(database: Database) -> None:
    store(database, {"a": planted(FIRST, prices(2.0))})
    log(database, changed(FIRST, LAST, "a"))
    found = verify(database, repair=True)
    assert not any(each.was_made or each.rows or each.parts for each in found.values())
    forget(database)


@pytest.mark.parametrize("kind", ["mysql"], indirect=True, scope="session")
def test_minus_zero_is_another_number_than_zero(derived: Database) -> None:
    # MariaDB and SQLite store 0 instead.
    with derived.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE daily_returns SET drawdown = -0.0e0 WHERE drawdown = 0 AND asset_id = 'a' ORDER BY date LIMIT 1"
        )
    assert counts(verify(derived)["daily_returns"]) == {"different": 1}


@on_servers
def test_an_account_that_may_only_read_is_told_which_one_to_use(derived: Database) -> None:
    run_on(
        derived.url,
        "CREATE USER IF NOT EXISTS 'verifier'@'%' IDENTIFIED BY 'reads'",
        "ALTER USER 'verifier'@'%' IDENTIFIED BY 'reads'",
        f"GRANT SELECT ON `{derived.url.database}`.* TO 'verifier'@'%'",
    )
    url = derived.url.set(username="verifier", password="reads")
    reader = Database(url.render_as_string(hide_password=False))
    with pytest.raises(WarehouseError, match="weekly_market is compared by an account that may create temporary"):
        compare_derived(reader, Comparing(now=lambda: NOW))
    reader.dispose()
