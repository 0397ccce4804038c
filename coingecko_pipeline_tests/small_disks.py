"""A file system of a few megabytes, for what happens when it is full. Needs root on Linux, and the right to mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MOUNT = ("mount", "-t", "tmpfs")


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A folder that is a file system of its own, for the time of the block.

    Skips the test where none can be mounted; with REQUIRE_SMALL_DISKS=1 that is a failure.

    Args:
        place: The folder, which is created.
        megabytes: Its size.
    """
    place.mkdir()
    try:
        subprocess.run([*MOUNT, "-o", f"size={megabytes}m", "tests", str(place)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("REQUIRE_SMALL_DISKS") == "1":
            raise
        pytest.skip(f"no file system can be mounted here ({error})")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(folder: Path, leaving: int = 0) -> Path:
    """Write into a folder until nothing more fits, or only so many bytes; the file that takes the room."""
    ballast = folder / "ballast"
    free = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - leaving, 1))
    return ballast
