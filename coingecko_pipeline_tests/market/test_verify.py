"""daily_market beside the archive: what is planted is found, mended without a call, and nothing else is touched."""

from datetime import timedelta

import pytest

from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.changes import changes_after
from coingecko_pipeline.market.verify import (
    COINS_COMPARED,
    Differences,
    coins_with_lost_rows,
    dates_of_the_day,
    rewrite_coins,
    verify_market,
)
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, covering, dates, prices
from coingecko_pipeline_tests.databases import on_servers, run_on
from coingecko_pipeline_tests.market.stocking import archive, change_rows, market_of, snapshot, write
from coingecko_pipeline_tests.running import rows_of

ALL = DateRange(back(400), TODAY)


@pytest.fixture
def written(database: Database) -> Database:
    """Two coins with charts of ten dates and a hole, a snapshot's cap in one of them, and a day of snapshots alone."""
    snapshot(database, "x", back(3), (9.0, 9.0, 2e12))
    write(database, answer_of("x", {**prices(9, 0), back(3): (1.0, 2.0, None)}, days=10))
    holed = prices(9, 0, price=0.1)
    del holed[back(5)]
    write(database, answer_of("y", holed, days=10))
    snapshot(database, "y", back(20), (1.0, 1.0, 1.0))
    snapshot(database, "z", TODAY, (1.0, 1.0, 1.0))
    return database


PLANTED = {
    "missing": [f"DELETE FROM daily_market WHERE asset_id = 'x' AND date = '{back(4)}'"],
    "a changed price": [f"UPDATE daily_market SET price_usd = 0.30000000000000004 WHERE date = '{back(7)}'"],
    "a value that went": [f"UPDATE daily_market SET volume_24h_usd = NULL WHERE asset_id = 'y' AND date = '{back(2)}'"],
    "a source": [f"UPDATE daily_market SET source = 'snapshot' WHERE asset_id = 'x' AND date = '{back(6)}'"],
    "a moment": [
        f"UPDATE daily_market SET observed_at = '{back(6)} 00:05:21.000000' WHERE asset_id = 'x' AND date = '{back(6)}'"
    ],
    "surplus": [
        "INSERT INTO daily_market (date, asset_id, price_usd, source, observed_at) "
        f"VALUES ('{back(5)}', 'y', 1, 'chart', '{back(5)} 00:00:00.000000')"
    ],
}


def counts(found: Differences) -> tuple[int, int, int]:
    return found.missing, found.different, found.surplus


def test_what_was_written_is_clean(written: Database) -> None:
    found = verify_market(written)
    assert (found.is_clean, found.coins, found.unproven, found.unwritten) == (True, 2, 0, 0)
    assert found.rows == 20


@pytest.mark.parametrize("kind_of_difference", PLANTED)
def test_a_planted_difference_is_found_and_repaired_bit_for_bit(written: Database, kind_of_difference: str) -> None:
    before = market_of(written)
    change_rows(written, PLANTED[kind_of_difference])
    planted = market_of(written)
    assert planted != before
    found = verify_market(written)
    expected = {"missing": (1, 0, 0), "surplus": (0, 0, 1), "a changed price": (0, 2, 0)}
    assert counts(found) == expected.get(kind_of_difference, (0, 1, 0))
    assert sum(map(len, found.examples.values())) == sum(counts(found))
    assert market_of(written) == planted, "it only looks"
    number = changes_after(written, "daily_market", 0).number
    assert counts(verify_market(written, repair=True)) == counts(found)
    assert market_of(written) == before
    assert verify_market(written).is_clean
    assert {change.asset_id for change in changes_after(written, "daily_market", number).changes} <= {"x", "y"}
    assert changes_after(written, "daily_market", number).changes


def test_only_the_dates_and_coins_asked_for_are_compared_and_mended(written: Database) -> None:
    for statements in PLANTED.values():
        change_rows(written, statements)
    assert counts(verify_market(written, DateRange(back(4), back(3)))) == (1, 0, 0)
    assert counts(verify_market(written, coin_ids=["y"])) == (0, 2, 1)
    assert verify_market(written, coin_ids=["nobody"]).coins == 0
    verify_market(written, DateRange(back(4), back(3)), ["x"], repair=True)
    assert counts(verify_market(written))[0] == 0
    verify_market(written, repair=True)
    assert verify_market(written).is_clean


def test_rows_of_snapshots_and_chart_rows_that_no_answer_speaks_for_are_left_alone(written: Database) -> None:
    change_rows(
        written,
        [f"INSERT INTO daily_market (date, asset_id, price_usd, source) VALUES ('{back(300)}', 'x', 1, 'chart')"],
    )
    before = market_of(written)
    found = verify_market(written, repair=True)
    assert (found.is_clean, found.unproven) == (True, 1)
    assert market_of(written) == before


def test_an_answer_that_is_not_written_yet_is_no_difference(written: Database) -> None:
    archive(written, answer_of("x", prices(9, 0, price=50.0), at=NIGHT + timedelta(days=1)))
    before = market_of(written)
    found = verify_market(written, repair=True)
    assert (found.is_clean, found.unwritten) == (True, 1)
    assert market_of(written) == before


def test_more_coins_than_are_compared_at_once_are_all_compared(database: Database) -> None:
    coins = [f"coin-{number:03d}" for number in range(COINS_COMPARED + 2)]
    write(database, *(answer_of(coin, prices(2, 0)) for coin in coins))
    change_rows(database, [f"DELETE FROM daily_market WHERE date = '{back(1)}'"])
    told: list[tuple[int, int]] = []
    found = verify_market(database, on_coins=lambda done, of: told.append((done, of)))
    assert (found.coins, found.missing) == (27, 27)
    assert len(found.examples["missing"]) == 20
    assert told == [(25, 27), (27, 27)]


def test_an_empty_database_is_clean(database: Database) -> None:
    assert verify_market(database, repair=True).is_clean
    assert dates_of_the_day({}, TODAY) is None
    assert coins_with_lost_rows(database, {}, ALL) == []


def test_deleted_days_are_seen_though_the_chart_lacks_as_many(written: Database) -> None:
    # Ten days of which the chart has none, and ten deleted: counted against the days between they would be even.
    change_rows(written, [f"DELETE FROM daily_market WHERE asset_id = 'y' AND date = '{back(8)}'"])
    snapshot(written, "y", back(5), (1.0, 1.0, 1.0))
    coverage = read_coverage(written)
    assert coins_with_lost_rows(written, coverage, ALL) == ["y"]
    assert coins_with_lost_rows(written, coverage, DateRange(back(3), TODAY)) == []
    assert coins_with_lost_rows(written, coverage, ALL, ["x"]) == []
    assert rewrite_coins(written, {"y": coverage["y"]}, ALL).missing == 1
    assert coins_with_lost_rows(written, coverage, ALL) == []
    assert rows_of(written, "SELECT COUNT(*) FROM daily_market WHERE asset_id = 'y' AND source = 'chart'") == [(9,)]


def test_every_date_is_looked_at_in_turn_where_there_are_many_values() -> None:
    coverage = {f"coin-{number}": covering(dates(3_000, 0)) for number in range(2_000)}
    seen: set[int] = set()
    for day in range(10):
        part = dates_of_the_day(coverage, TODAY + timedelta(days=day))
        assert part is not None
        assert len(part) <= 1_001
        seen |= {each.toordinal() for each in part}
    assert len(seen) == 3_001


@on_servers
def test_an_account_that_may_only_read_compares(written: Database) -> None:
    name = written.url.database
    run_on(
        written.url,
        "CREATE USER IF NOT EXISTS 'verifier'@'%' IDENTIFIED BY 'reads'",
        f"GRANT SELECT ON `{name}`.* TO 'verifier'@'%'",
    )
    url = written.url.set(username="verifier", password="reads")
    reader = Database(url.render_as_string(hide_password=False))
    found = verify_market(reader)
    reader.dispose()
    assert found.is_clean
    assert found.rows > 0
