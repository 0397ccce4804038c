"""The lake has what the database has, whatever changed and wherever a run was killed, and its readers see it whole."""

import random
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from coingecko_pipeline import tables
from coingecko_pipeline.lake import LakeElsewhere, LakeUnreadable, checked_address
from coingecko_pipeline.lake.copied import COPIES, lake_is_up_to_date
from coingecko_pipeline.lake.logged import COPYING
from coingecko_pipeline.lake.opening import FOLLOWED, Lake, open_lake
from coingecko_pipeline.market.changes import Change, copy_of, followed_number, latest_change
from coingecko_pipeline.measures import MEASURES
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.export.rows import CHARTS, store
from coingecko_pipeline_tests.lake.copying import (
    BY_NAME,
    DAILY_MARKET,
    NOW,
    WatchedFiles,
    assert_same,
    copy,
    files_of,
    in_database,
    in_lake,
    lake,
    watched,
)
from coingecko_pipeline_tests.measures.changing import Market
from coingecko_pipeline_tests.measures.deriving import changed, follow, log

__all__ = ["lake", "watched"]

CHARTED = BY_NAME["market_charts"]
REVISED = BY_NAME["market_revisions"]
LOGGED = BY_NAME["market_changes"]


class Killed(Exception):
    """Stands for a process that is gone."""


def put(database: Database, day: date, *coins: str, price: float = 1.0) -> None:
    """Rows of a date in the place of earlier ones, logged as the snapshot that they are."""
    market = tables.daily_market
    with database.transaction() as connection:
        connection.execute(delete(market).where(market.c.date == day, market.c.asset_id.in_(coins)))
        connection.execute(
            insert(market),
            [{"date": day, "asset_id": coin, "price_usd": price, "source": tables.SNAPSHOT} for coin in coins],
        )
    log(database, changed(day))


@pytest.fixture
def months(database: Database) -> list[date]:
    """A date in each of three months, with rows of two coins."""
    days = [date(2025, 1, 10), date(2025, 2, 10), date(2025, 3, 10)]
    for day in days:
        put(database, day, "bitcoin", "ethereum")
    return days


@pytest.mark.parametrize("seed", range(2))
def test_a_lake_that_followed_any_changes_has_what_the_database_has(lake: Lake, seed: int) -> None:
    market = Market(lake.database, seed)
    for _ in range(3):
        for derived in MEASURES:
            follow(lake.database, derived, market.noon)
        copy(lake)
        assert_same(lake)
        assert lake_is_up_to_date(lake.database)
        for _ in range(random.Random(seed).choice((1, 3))):
            market.change()
        assert not lake_is_up_to_date(lake.database)


@on_sqlite
def test_a_run_without_a_change_writes_nothing(lake: Lake, months: list[date]) -> None:
    assert len(months) == 3
    copy(lake)
    before = {copied.name: lake.made(copied).metadata_location for copied in COPIES}
    assert all(each.replaced.files == each.replaced.rows == 0 for each in copy(lake))
    assert {copied.name: lake.made(copied).metadata_location for copied in COPIES} == before


@on_sqlite
def test_a_changed_date_replaces_its_own_rows_and_touches_no_other_month(lake: Lake, months: list[date]) -> None:
    copy(lake, DAILY_MARKET)
    before = files_of(lake, DAILY_MARKET)
    put(lake.database, months[1], "bitcoin", price=2.0)
    put(lake.database, months[1] + timedelta(days=1), "bitcoin")
    (done,) = copy(lake, DAILY_MARKET)
    after = files_of(lake, DAILY_MARKET)
    assert len(before.keys() & after.keys()) == 2
    assert (done.replaced.rows, done.replaced.kept, done.replaced.files) == (3, 0, 1)
    assert_same(lake, DAILY_MARKET)


@on_sqlite
def test_a_changed_coin_takes_the_other_rows_of_its_months_along(lake: Lake, months: list[date]) -> None:
    market = tables.daily_market
    copy(lake, DAILY_MARKET)
    with lake.database.transaction() as connection:
        connection.execute(update(market).where(market.c.asset_id == "bitcoin").values(price_usd=3.0))
    log(lake.database, changed(months[0], months[1], "bitcoin"))
    (done,) = copy(lake, DAILY_MARKET)
    assert (done.replaced.rows, done.replaced.kept) == (2, 2)
    # The third month was not said to have changed.
    assert sorted(in_lake(lake, DAILY_MARKET)["price_usd"].to_pylist()) == [1, 1, 1, 1, 3, 3]


@on_sqlite
def test_more_coins_than_are_read_one_by_one_are_read_by_their_months(
    lake: Lake, months: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coingecko_pipeline.lake.logged.MOST_COINS", 1)
    copy(lake, DAILY_MARKET)
    put(lake.database, months[0], "a", "b", "c")
    log(lake.database, *(changed(months[0], months[0], coin) for coin in ("a", "b")))
    copy(lake, DAILY_MARKET)
    assert_same(lake, DAILY_MARKET)


def test_a_reader_sees_the_old_rows_until_it_sees_all_new_ones(watched: Lake, months: list[date]) -> None:
    copy(watched, DAILY_MARKET)
    old = in_lake(watched, DAILY_MARKET)
    for day in months:
        put(watched.database, day, "bitcoin", price=9.0)
    reader = open_lake(watched.database, watched.address)
    seen: list[str] = []

    def look(location: str) -> None:
        seen.append(location.rsplit(".", 1)[-1])
        assert in_lake(reader, DAILY_MARKET).equals(old)

    WatchedFiles.before_write = staticmethod(look)
    copy(watched, DAILY_MARKET)
    assert {"parquet", "avro", "json"} == set(seen)
    assert in_lake(reader, DAILY_MARKET).equals(in_database(watched.database, DAILY_MARKET))


@on_sqlite
def test_a_version_can_be_read_after_a_newer_one_has_taken_its_place(lake: Lake, months: list[date]) -> None:
    copy(lake, DAILY_MARKET)
    table = lake.made(DAILY_MARKET)
    snapshot, old = table.current_snapshot(), table.scan().to_arrow()
    put(lake.database, months[0], "bitcoin", price=9.0)
    copy(lake, DAILY_MARKET)
    assert snapshot is not None
    now = lake.made(DAILY_MARKET)
    assert len(now.snapshots()) == 2, "a change is one version"
    assert now.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows == old.num_rows


def killed_at(number: int) -> Callable[[str], None]:
    """A watcher that lets so many files begin and no further one."""
    begun = iter(range(number))

    def look(_location: str) -> None:
        if next(begun, None) is None:
            raise Killed

    return look


@on_sqlite
@pytest.mark.parametrize("first_time", [True, False])
def test_killed_before_any_of_its_files_the_lake_is_readable_and_the_next_run_completes_it(
    watched: Lake, months: list[date], first_time: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each month is a commit of its own.
    monkeypatch.setattr("coingecko_pipeline.lake.logged.COMMIT_BYTES", 1)
    copies = (DAILY_MARKET, LOGGED)
    if not first_time:
        copy(watched, *copies)
        for day in months:
            put(watched.database, day, "bitcoin", price=9.0)
    old = [None if first_time else in_lake(watched, copied) for copied in copies]
    new = [in_database(watched.database, copied) for copied in copies]
    for number in range(100):
        WatchedFiles.before_write = staticmethod(killed_at(number))
        try:
            copy(watched, *copies)
            break
        except Killed:
            WatchedFiles.before_write = staticmethod(lambda _location: None)
        for copied, before, after in zip(copies, old, new, strict=True):
            if before is not None:
                assert in_lake(watched, copied).num_rows in (before.num_rows, after.num_rows)
    assert number > 5
    assert_same(watched, *copies)


@on_sqlite
def test_a_copy_that_was_killed_goes_on_with_the_month_after_the_last(
    watched: Lake, months: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coingecko_pipeline.lake.logged.COMMIT_BYTES", 1)
    assert len(months) == 3
    parquet = iter(range(2))

    def look(location: str) -> None:
        if location.endswith(".parquet") and next(parquet, None) is None:
            raise Killed

    WatchedFiles.before_write = staticmethod(look)
    with pytest.raises(Killed):
        copy(watched, DAILY_MARKET)
    WatchedFiles.before_write = staticmethod(lambda _location: None)
    half = watched.made(DAILY_MARKET)
    assert COPYING in half.properties
    assert FOLLOWED not in half.properties
    assert half.scan().to_arrow().num_rows == 4
    # What changes meanwhile is followed afterwards.
    put(watched.database, months[0], "bitcoin", price=9.0)
    (done,) = copy(watched, DAILY_MARKET)
    assert (done.replaced.whole, done.replaced.rows, done.replaced.changes) == (True, 4, 1)
    assert COPYING not in watched.made(DAILY_MARKET).properties
    assert_same(watched, DAILY_MARKET)


@on_sqlite
def test_what_was_changed_by_hand_is_copied_anew_when_asked_for(lake: Lake, months: list[date]) -> None:
    copy(lake)
    market = tables.daily_market
    with lake.database.transaction() as connection:
        connection.execute(delete(market).where(market.c.date == months[0]))
        connection.execute(update(market).values(price_usd=7.0))
    copy(lake)
    assert in_lake(lake, DAILY_MARKET).num_rows == 6
    copy(lake, anew=True)
    assert_same(lake)


@on_sqlite
def test_a_database_that_was_restored_to_an_earlier_number_is_copied_anew(lake: Lake, months: list[date]) -> None:
    copy(lake, DAILY_MARKET)
    with lake.database.transaction() as connection:
        connection.execute(update(tables.market_change_counter).values(number=1))
        connection.execute(delete(tables.market_changes).where(tables.market_changes.c.number > 1))
        connection.execute(delete(tables.daily_market).where(tables.daily_market.c.date == months[2]))
    (done,) = copy(lake, DAILY_MARKET)
    assert done.replaced.whole
    assert_same(lake, DAILY_MARKET)


def test_bodies_of_charts_are_copied_as_received(lake: Lake) -> None:
    packed = [(*row[:5], zlib.compress(row[5]) if row[5] else None, *row[6:]) for row in CHARTS]
    store(lake.database, tables.market_charts, packed)
    copy(lake, CHARTED)
    assert in_lake(lake, CHARTED)["body"].to_pylist() == [CHARTS[0][5], None, None]
    assert "is_written" not in in_lake(lake, CHARTED).column_names


@on_sqlite
def test_a_number_that_is_committed_late_is_not_passed_over(lake: Lake) -> None:
    charts = tables.market_charts

    def put_answers(*numbers: int) -> None:
        row = {"asset_id": "a", "answered_at": NOW, "days": 1, "outcome": "empty", "midnights": 0, "is_written": True}
        with lake.database.transaction() as connection:
            connection.execute(insert(charts), [{**row, "answer_id": number} for number in numbers])

    put_answers(1, 3)
    copy(lake, CHARTED)
    put_answers(2)
    (done,) = copy(lake, CHARTED)
    assert done.replaced.rows == 1
    assert_same(lake, CHARTED)
    assert copy(lake, CHARTED)[0].replaced.rows == 0


@on_sqlite
def test_the_lake_remembers_changes_that_the_database_has_forgotten(lake: Lake, months: list[date]) -> None:
    copy(lake, LOGGED)
    with lake.database.transaction() as connection:
        connection.execute(delete(tables.market_changes))
    put(lake.database, months[0], "bitcoin")
    copy(lake, LOGGED)
    assert in_lake(lake, LOGGED)["number"].to_pylist() == [1, 2, 3, 4]


@on_sqlite
def test_what_is_computed_is_logged_only_while_the_lake_follows_it(lake: Lake) -> None:
    market = Market(lake.database, seed=1)
    for derived in MEASURES:
        follow(lake.database, derived, market.noon)
    assert latest_change(lake.database) == 5, "charts alone"
    copy(lake)
    market.snapshot()
    for derived in MEASURES:
        follow(lake.database, derived, market.noon)
    assert latest_change(lake.database) > 6
    assert followed_number(lake.database, copy_of("daily_returns"), "coingecko") == 5


@on_sqlite
def test_readers_without_a_catalog_find_the_current_metadata(lake: Lake, months: list[date]) -> None:
    from pyiceberg.table import StaticTable

    copy(lake, DAILY_MARKET)
    put(lake.database, months[0], "solana")
    copy(lake, DAILY_MARKET)
    assert StaticTable.from_metadata(lake.location("daily_market")).scan().to_arrow().num_rows == 7


@on_sqlite
def test_a_lake_at_another_address_is_left_alone(lake: Lake, months: list[date]) -> None:
    assert months
    copy(lake, DAILY_MARKET)
    moved = open_lake(lake.database, checked_address("elsewhere"))
    with pytest.raises(LakeElsewhere, match=r"The lake is at file://.*/lake, and LAKE_URI names file://.*/elsewhere"):
        copy(moved, DAILY_MARKET)


@on_sqlite
def test_a_lake_whose_metadata_are_gone_says_so(lake: Lake, months: list[date]) -> None:
    assert months
    copy(lake, DAILY_MARKET)
    lake.files.delete_folder(lake.address)
    with pytest.raises(LakeUnreadable, match=r"is gone .*coingecko-pipeline lake --delete"):
        copy(lake, DAILY_MARKET)


@on_sqlite
def test_a_place_that_takes_no_files_says_so(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = open_lake(database, checked_address(str(tmp_path / "file")))
    with pytest.raises(LakeUnreadable, match=r"file://.*/file cannot be read or written"):
        copy(nowhere, DAILY_MARKET)


@on_sqlite
def test_any_file_system_of_fsspec_can_hold_a_lake(database: Database, months: list[date]) -> None:
    lake = open_lake(database, checked_address("memory://lakes/mine"))
    copy(lake, DAILY_MARKET)
    put(database, months[0], "solana")
    copy(lake, DAILY_MARKET)
    assert_same(lake, DAILY_MARKET)
    lake.files.delete_folder(lake.address)


@on_sqlite
def test_hours_are_copied_by_the_days_that_changed(lake: Lake) -> None:
    hourly = BY_NAME["hourly_market"]
    hours = [datetime(2025, 1, 31, 23, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)]
    for hour in hours:
        with lake.database.transaction() as connection:
            connection.execute(insert(tables.hourly_market), {"hour_at": hour, "asset_id": "bitcoin", "price_usd": 1.0})
        log(lake.database, Change("hourly_market", hour.date(), hour.date()))
        copy(lake, hourly)
    assert_same(lake, hourly)
    assert len(files_of(lake, hourly)) == 2


@on_sqlite
def test_revisions_are_copied_by_how_many_a_date_has(lake: Lake) -> None:
    market = Market(lake.database, seed=3)
    for _ in range(3):
        market.revision()
    copy(lake, REVISED)
    market.revision()
    (done,) = copy(lake, REVISED)
    assert done.replaced.files
    assert_same(lake, REVISED)
    assert copy(lake, REVISED)[0].replaced.files == 0
