"""Where the recorded CoinGecko answers are, for the tests that read them.

The recordings are no part of the project. They are looked for in a folder `shared/recordings` beside the
project's root, or wherever RECORDINGS_DIR points. A test that needs them skips with a reason where they are
missing, and fails where REQUIRE_RECORDINGS is set, so that a gate that has them cannot lose them unnoticed.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

BESIDE_THE_PROJECT = Path(__file__).resolve().parents[1] / ".." / "shared" / "recordings"


def recordings_dir() -> Path:
    """The folder of recordings; without one the test is skipped, or fails where REQUIRE_RECORDINGS is set."""
    configured = os.environ.get("RECORDINGS_DIR")
    directory = Path(configured) if configured else BESIDE_THE_PROJECT
    if directory.is_dir():
        return directory.resolve()
    reason = f"no recordings in {directory}; set RECORDINGS_DIR to the folder that holds them"
    if os.environ.get("REQUIRE_RECORDINGS"):
        pytest.fail(reason)
    pytest.skip(reason)


def load(relative: str) -> Any:
    """The parsed JSON of one gzipped recording, for example `coins_list/2026-02-03.json.gz`.

    Args:
        relative: The file's path below the folder of recordings.
    """
    with gzip.open(recordings_dir() / relative, "rb") as recording:
        return json.load(recording)
