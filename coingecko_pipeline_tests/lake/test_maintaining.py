"""Old versions, small files and files of nobody go, and nothing that can still be read."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.manifest import ManifestFile

from coingecko_pipeline.lake.deleting import delete_lake, folders_of_lake
from coingecko_pipeline.lake.describing import tables_of
from coingecko_pipeline.lake.maintaining import MOST_MANIFESTS, Maintained, maintain
from coingecko_pipeline.lake.opening import Lake
from coingecko_pipeline.market.changes import COPY, read_followed
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.lake.copying import DAILY_MARKET, assert_same, copy, files_of, in_lake, lake
from coingecko_pipeline_tests.lake.test_mirroring import put

__all__ = ["lake"]

pytestmark = on_sqlite

AFTERWARDS = datetime(2100, 1, 1, tzinfo=UTC)
A_WEEK = timedelta(days=7)
FIRST = date(2025, 1, 1)


def keep_small(lake: Lake, keep: timedelta = A_WEEK, now: datetime = AFTERWARDS) -> Maintained:
    (done,) = maintain(lake, now, keep)
    return done


def files_in(lake: Lake) -> set[Path]:
    return {path for path in Path(lake.address.removeprefix("file://")).rglob("*") if path.is_file()}


def grow(lake: Lake, days: int, first: date = FIRST) -> None:
    """So many dates, each copied by itself."""
    for number in range(days):
        put(lake.database, first + timedelta(days=number), "bitcoin", "ethereum")
        copy(lake, DAILY_MARKET)


def lists_of_files(lake: Lake) -> Sequence[ManifestFile]:
    table = lake.made(DAILY_MARKET)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return snapshot.manifests(table.io)


def test_small_files_of_a_month_that_is_over_are_joined(lake: Lake) -> None:
    grow(lake, days=3)
    grow(lake, days=3, first=date(2025, 2, 1))
    assert keep_small(lake).joined == 3
    assert sorted(files_of(lake, DAILY_MARKET).values()) == [2, 2, 2, 6]
    assert_same(lake, DAILY_MARKET)
    assert keep_small(lake).joined == 0


def test_those_of_the_latest_month_wait_until_there_are_some(lake: Lake) -> None:
    grow(lake, days=8)
    assert keep_small(lake).joined == 8
    assert list(files_of(lake, DAILY_MARKET).values()) == [16]


def test_lists_of_files_are_joined_too(lake: Lake) -> None:
    for _ in range(MOST_MANIFESTS + 1):
        grow(lake, days=1)
    assert len(lists_of_files(lake)) > MOST_MANIFESTS
    keep_small(lake)
    assert len(lists_of_files(lake)) == 1
    assert_same(lake, DAILY_MARKET)


def test_versions_are_kept_for_the_time_that_they_are_to_be_read(lake: Lake) -> None:
    grow(lake, days=3)
    versions = lake.made(DAILY_MARKET).snapshots()
    kept = keep_small(lake, now=datetime.now(UTC))
    assert (kept.forgotten, kept.deleted) == (0, 0)
    old = lake.made(DAILY_MARKET).scan(snapshot_id=versions[0].snapshot_id).to_arrow()
    assert old.num_rows == 2
    assert keep_small(lake).forgotten >= 2
    assert len(lake.made(DAILY_MARKET).snapshots()) == 1
    assert_same(lake, DAILY_MARKET)


def test_no_file_of_nobody_survives_and_each_other_one_does(lake: Lake) -> None:
    grow(lake, days=4)
    folder = Path(lake.location("daily_market").removeprefix("file://"))
    orphans = [folder / "data" / "date_month=2025-01" / "killed.parquet", folder / "metadata" / "killed.avro"]
    for path in orphans:
        path.write_bytes(b"killed")
    before = files_in(lake)
    told = keep_small(lake, now=datetime.now(UTC))
    assert files_in(lake) == before - set(orphans)
    assert (told.deleted, told.bytes) == (2, 12)
    keep_small(lake)
    keep_small(lake)
    # What is left is what the one version refers to, and the metadata that led there.
    assert len([path for path in files_in(lake) if path.suffix == ".parquet"]) == len(files_of(lake, DAILY_MARKET))
    assert len([path for path in files_in(lake) if path.suffix == ".avro"]) == len(lists_of_files(lake)) + 1
    assert in_lake(lake, DAILY_MARKET).num_rows == 8


def test_the_lake_is_told_by_its_tables(lake: Lake) -> None:
    assert tables_of(lake) == []
    grow(lake, days=2)
    (told,) = tables_of(lake)
    assert (told.name, told.rows, told.files) == ("daily_market", 4, 2)
    assert told.bytes == sum(path.stat().st_size for path in files_in(lake) if path.suffix == ".parquet")
    assert Path(told.metadata.removeprefix("file://")) in files_in(lake)


def test_a_deleted_lake_leaves_no_file_and_no_follower(lake: Lake) -> None:
    grow(lake, days=1)
    gone: list[str] = []
    assert list(folders_of_lake(lake.database).values()) == [lake.location("daily_market")]
    delete_lake(lake.database, gone.append)
    assert gone == [lake.location("daily_market")]
    assert files_in(lake) == set()
    assert lake.table(DAILY_MARKET) is None
    with pytest.raises(NoSuchTableError):
        lake.catalog.load_table("coingecko.daily_market")
    assert not [name for name, _ in read_followed(lake.database) if name.startswith(COPY)]
    delete_lake(lake.database, gone.append)
    assert len(gone) == 1
    copy(lake, DAILY_MARKET)
    assert_same(lake, DAILY_MARKET)
