"""What keeps the lake small: old versions forgotten, small files made into large ones, and files of nobody deleted.

All of it is done while the lake is locked, so a file that no version refers to is of no writer that is at work either:
it is what a killed run, or a version that was forgotten, has left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from pyiceberg.table import Table

from coingecko_pipeline.lake.copied import COPIES, CopiedTable
from coingecko_pipeline.lake.data_files import MonthFiles, read_file
from coingecko_pipeline.lake.opening import HINT, Lake
from coingecko_pipeline.lake.replacing import Change, files_by_month

SMALL_BYTES = 4_000_000
"""Of a file that is worth to be joined with others: a third of a month of every coin's prices."""
FEWEST_FILES = 8
"""Small files of a month that are joined. A month that is going on gets one a day."""
MOST_MANIFESTS = 8
"""Lists of files, of which each change adds one or two; more are joined."""


@dataclass
class Maintained:
    """What was done to one table.

    Attributes:
        name: The table.
        forgotten: Versions that nobody can read any more.
        joined: Files that were made into fewer.
        deleted: Files that were deleted.
        bytes: Their size.
    """

    name: str
    forgotten: int = 0
    joined: int = 0
    deleted: int = 0
    bytes: int = 0


def maintain(lake: Lake, now: datetime, keep: timedelta) -> Sequence[Maintained]:
    """Do all of it for every table.

    Args:
        lake: The lake.
        now: The current UTC time, aware.
        keep: For so long a version can be read after a newer one has taken its place.

    Raises:
        LakeError: Its files cannot be read or written, or are elsewhere.
    """
    done = []
    with lake.locked():
        for copied in COPIES:
            table = lake.table(copied)
            if table is None:
                continue
            told = Maintained(copied.name)
            _join_files(table, copied, told)
            _join_manifests(table)
            _forget(table, now - keep, told)
            lake.point_to(table)
            _delete_orphans(lake, table, told)
            done.append(told)
    return done


def _join_files(table: Table, copied: CopiedTable, told: Maintained) -> None:
    """Join the small files of each month."""
    change = Change(table)
    by_month = files_by_month(table)
    latest = max((month for month in by_month if month is not None), default=None)
    for month, files in by_month.items():
        small = [file for file in files if file.file_size_in_bytes < SMALL_BYTES]
        if len(small) < (FEWEST_FILES if month == latest else 2):
            continue
        joined = MonthFiles(table, copied, month)
        for file in small:
            for batch in read_file(table, file).to_batches():
                joined.write(batch)
        change.removed += small
        change.added += joined.close()
        told.joined += len(small)
    if change.removed:
        change.commit({})


def _join_manifests(table: Table) -> None:
    """Join the lists of files, and leave out those of files that are gone: a change that adds and removes none."""
    snapshot = table.current_snapshot()
    if snapshot and len(snapshot.manifests(table.io)) > MOST_MANIFESTS:
        with table.transaction() as transaction, transaction.update_snapshot().merge_append():
            pass


def _forget(table: Table, before: datetime, told: Maintained) -> None:
    """Forget the versions that another one had replaced before a moment."""
    versions = sorted(table.snapshots(), key=lambda version: version.sequence_number or 0)
    milliseconds = before.timestamp() * 1000
    # A version is old since the next one took its place.
    old = [one.snapshot_id for one, newer in pairwise(versions) if newer.timestamp_ms < milliseconds]
    if old:
        table.maintenance.expire_snapshots().by_ids(old).commit()
        table.refresh()
    told.forgotten = len(old)


def _delete_orphans(lake: Lake, table: Table, told: Maintained) -> None:
    io = lake.files
    known = {io.path_of(location) for location in _locations(table)}
    for path, size in list(io.files_below(table.location())):
        if path not in known:
            io.delete_below(table.location(), path)
            told.deleted += 1
            told.bytes += size


def _locations(table: Table) -> Iterator[str]:
    """Every file that a version of the table refers to."""
    yield table.metadata_location
    yield f"{table.location()}/metadata/{HINT}"
    yield from (entry.metadata_file for entry in table.metadata.metadata_log)
    seen: set[str] = set()
    for version in table.snapshots():
        yield version.manifest_list
        for manifest in version.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield manifest.manifest_path
            yield from (entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io))
