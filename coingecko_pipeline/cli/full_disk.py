"""A disk that is full where Dagster keeps its runs, told in one sentence."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from coingecko_pipeline.warehouse.failures import is_full_storage
from coingecko_pipeline.warehouse.room import is_full, says_no_room


def tell_full_disk(error: BaseException) -> str | None:
    """What is full and what to do, where that is what an error comes from; else None.

    Args:
        error: Raised by Dagster or the system; an error of the market's own database is told by the warehouse.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or ".")
    for each in _chain(error):
        # SQLite cannot even read where its index of the log has no room.
        cannot_work = isinstance(each, sqlite3.OperationalError) and is_full(home)
        if cannot_work or is_full_storage(each):
            return (
                f"{home} (DAGSTER_HOME), where Dagster keeps its runs, or the database that it names, has no space "
                "left: make room there, then run the same again. What was stored of the market is kept."
            )
        if says_no_room(each):
            where = each.filename if isinstance(each, OSError) and each.filename else "a disk"
            return (
                f"{where} has no space left to write to: make room, then run the same again. What was stored is kept."
            )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
