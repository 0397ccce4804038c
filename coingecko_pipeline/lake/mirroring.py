"""The lake brought up to date with the database: each table by what is new in it, in one change.

How far a table of the lake has come stands in its own properties, and moves in the commit that brings its rows: killed
at any moment, a table has what it had before or what it has now, and the next run goes on from there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from coingecko_pipeline.lake.copied import COPIES, ByCount, ByLog, ByNumber, CopiedTable, copies_of_the_log
from coingecko_pipeline.lake.counted import replace_counted
from coingecko_pipeline.lake.logged import follow_log
from coingecko_pipeline.lake.numbered import append_new
from coingecko_pipeline.lake.opening import Lake
from coingecko_pipeline.lake.replacing import Replaced
from coingecko_pipeline.market.changes import MAIN_SOURCE, latest_change, read_followed, set_followed


@dataclass(frozen=True)
class Mirrored:
    """What a run did to one table of the lake.

    Attributes:
        name: The table.
        replaced: The rows that were read, the files that were written.
        seconds: What it took.
    """

    name: str
    replaced: Replaced
    seconds: float


def mirror(
    lake: Lake,
    now: datetime,
    *,
    copies: Sequence[CopiedTable] = COPIES,
    anew: bool = False,
    begin: Callable[[str], None] = lambda _: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Sequence[Mirrored]:
    """Bring every table of the lake up to date.

    Args:
        lake: The lake.
        now: The current UTC time, aware.
        copies: The tables.
        anew: Whether all of every table is copied again.
        begin: Told of each table.
        monotonic: Seconds that never run backwards.

    Raises:
        LakeError: Its files cannot be read or written, or are elsewhere.
        DatabaseUnavailable: The database did not let us in.
    """
    database, done = lake.database, []
    with lake.locked():
        # From then on what is computed is logged for the copies, and no change is forgotten before they have it.
        known = read_followed(database)
        number = latest_change(database)
        _note(lake, number, now, [name for name in copies_of_the_log() if (name, MAIN_SOURCE) not in known])
        for copied in copies:
            begin(copied.name)
            began = monotonic()
            table = lake.made(copied)
            match copied.way:
                case ByLog():
                    replaced = follow_log(database, table, copied, copied.way, anew=anew)
                case ByNumber():
                    replaced = append_new(database, table, copied, copied.way, anew=anew)
                case ByCount():
                    replaced = replace_counted(database, table, copied, anew=anew)
            lake.point_to(table)
            done.append(Mirrored(copied.name, replaced, monotonic() - began))
        _note(lake, number, now, copies_of_the_log())
    return done


def _note(lake: Lake, number: int, now: datetime, names: Sequence[str]) -> None:
    def note(connection: Connection) -> None:
        for name in names:
            set_followed(connection, name, MAIN_SOURCE, number, now)

    lake.database.run_in_transaction(note)
