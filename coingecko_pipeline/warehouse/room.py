"""Room on the disks of this machine: whether there is enough, and what to say where there is none."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coingecko_pipeline.warehouse.errors import StorageFull

RESERVE_BYTES = 64 * 2**20
"""Room for what is under way: with less, nothing new is bought. Sixteen answers of at most a megabyte, twice over since
SQLite writes into a log first, are half of it; the rest is for who else writes there, as Dagster's event log does."""

_NEXT_TO_NOTHING = 2**20
"""A disk with less is taken as full: SQLite's log grows by pages of 4 kB and its index by 32 kB."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written into a folder, or into the nearest one above it that exists."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
    return shutil.disk_usage(there).free


def is_full(folder: Path) -> bool:
    """Whether next to nothing can be written into a folder."""
    return free_bytes(folder) < _NEXT_TO_NOTHING


def says_no_room(error: BaseException) -> bool:
    """Whether the system refused to write since a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def temporary_folder_of_sqlite() -> Path:
    """Where SQLite puts what a statement does not keep: the first of these that is a folder, by its documentation."""
    named = (os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp")  # noqa: S108
    return next((Path(each) for each in named if each and Path(each).is_dir()), Path())


def temporary_folder_full(folder: Path) -> StorageFull:
    """The one sentence to give a person whose folder for temporary files has no space left."""
    return StorageFull(
        f"{folder}, the folder for temporary files, has no space left: make room there, or let TMPDIR name another "
        "folder, then run the same again. What was stored before is kept"
    )


@contextmanager
def temporary_room() -> Iterator[None]:
    """Writes temporary files in the block.

    Raises:
        StorageFull: There is no room for them.
    """
    try:
        yield
    except OSError as error:
        if says_no_room(error):
            raise temporary_folder_full(Path(tempfile.gettempdir())) from error
        raise
