"""From the warehouse to the file."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from coingecko_pipeline.report import ReportError
from coingecko_pipeline.report.contents import read_contents
from coingecko_pipeline.report.page import render
from coingecko_pipeline.report.place import check_place
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.room import says_no_room

READABLE = 0o644
"""A temporary file is its owner's alone; a web server reads the report as another user."""


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        path: The file.
        size: Its bytes.
        latest_date: The latest date that it shows.
        coins: Coins in it.
        rows: Rows of daily_market that it stands for.
        seconds: What reading, packing and writing took.
    """

    path: Path
    size: int
    latest_date: date
    coins: int
    rows: int
    seconds: float


def make_report(
    database: Database,
    plan: Plan,
    path: Path,
    now: datetime,
    monotonic: Callable[[], float] = time.monotonic,
    *,
    overwrite: bool = False,
) -> Report:
    """Read the warehouse and write the report; who reads the file meanwhile sees the old one whole.

    Args:
        database: The warehouse.
        plan: The CoinGecko plan of the settings.
        path: The file; its folder is created. An earlier report is replaced.
        now: The current UTC time, aware.
        monotonic: Seconds that never run backwards.
        overwrite: Whether a file that is no report is replaced too.

    Raises:
        ReportError: There are no rows yet, or the file is another one or cannot be written.
        AcquisitionError: There are no coins yet.
    """
    began = monotonic()
    check_place(path, overwrite=overwrite)
    contents = read_contents(database, plan, now)
    page = render(contents).encode("utf-8")
    check_place(path, overwrite=overwrite)  # a file may have come meanwhile
    try:
        write_whole(path, page)
    except OSError as error:
        full = ": make room there, then make it again" if says_no_room(error) else ""
        raise ReportError(f"{path} could not be written: {error.strerror or error}{full}.") from error
    return Report(
        path=path.resolve(),
        size=len(page),
        latest_date=contents.dates.last,
        coins=len(contents.market.coins),
        rows=contents.coverage.rows,
        seconds=monotonic() - began,
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and put it there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        written.chmod(READABLE)
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
