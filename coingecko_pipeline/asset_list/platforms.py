"""The chains on which coins are, as rows of the table platforms; asked for once a week, out of what is left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.asset_list.entries import LENGTH_SHOWN, REPLACEMENT, UNSTORABLE, Defect
from coingecko_pipeline.sources.asset_ids import is_asset_id
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.errors import SourceError
from coingecko_pipeline.tables.contracts import PLATFORM_LENGTH
from coingecko_pipeline.warehouse import Database

ASKED_EVERY = timedelta(days=7)
"""A chain comes or goes every few days, and nothing of a day depends on it."""

LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True)
class ListedPlatforms:
    """The chains of an answer: rows of the table, and what cannot be one."""

    rows: pd.DataFrame
    left_out: tuple[Defect, ...]


@dataclass(frozen=True)
class PlatformsAttempt:
    """What came of asking for the chains.

    Attributes:
        listed: They; None where they were not asked for, or did not come.
        reason: Why there are none, as a sentence.
        failed: Whether they were asked for in vain.
    """

    listed: ListedPlatforms | None
    reason: str = ""
    failed: bool = False


def take_platforms(client: CoinGecko, database: Database) -> PlatformsAttempt:
    """Ask for the chains, where the latest answer is a week old and the month has a credit left. One call at most.

    It raises nothing of the source's: the chains are worth no day.

    Args:
        client: CoinGecko.
        database: Where the chains are, and where the calls are counted.
    """
    now = client.now()
    query = select(func.max(tables.platforms.c.fetched_at))
    latest: datetime | None = database.run_reading(lambda connection: connection.scalar(query))
    if latest is not None and now - latest < ASKED_EVERY:
        return PlatformsAttempt(None, f"They are as of {latest:%Y-%m-%d}, and are asked for once a week.")
    left = read_budget(database, client.plan, now.date()).left
    if left is not None and left < 1:
        return PlatformsAttempt(None, "The month has no credit left for them; a later day asks.")
    ledger = UsageLedger(database, client)
    try:
        entries, answered_at = client.asset_platforms()
    except SourceError as error:
        return PlatformsAttempt(None, f"They did not come, and a later day asks again: {error}", failed=True)
    finally:
        ledger.record()
    return PlatformsAttempt(read_platforms(entries, answered_at))


def read_platforms(entries: Iterable[Any], answered_at: datetime) -> ListedPlatforms:
    """The chains of an answer; of an entry twice the first stays, and a value of another kind than it has is NULL.

    Args:
        entries: What `/asset_platforms` lists, whatever each of them is.
        answered_at: The moment of the answer (UTC, aware).
    """
    rows: dict[str, tuple[Any, ...]] = {}
    left_out: list[Defect] = []
    for entry in entries:
        platform = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(platform, str) or len(platform) > PLATFORM_LENGTH or UNSTORABLE.search(platform):
            left_out.append(Defect("no id that can be stored", ascii(entry)[:LENGTH_SHOWN]))
        elif platform in rows:
            left_out.append(Defect("listed twice", ascii(platform)))
        else:
            native = entry.get("native_coin_id")
            rows[platform] = (
                platform,
                _text(entry.get("name")),
                _text(entry.get("shortname")),
                _chain_id(entry.get("chain_identifier")),
                native if is_asset_id(native) else None,
            )
    names = ("platform", "name", "short_name", "chain_id", "native_asset_id")
    frame = pd.DataFrame(list(rows.values()), columns=list(names), dtype="object")
    return ListedPlatforms(frame.assign(fetched_at=pd.Timestamp(answered_at).as_unit("us")), tuple(left_out))


def _text(value: Any) -> str | None:
    return UNSTORABLE.sub(REPLACEMENT, value)[: tables.NAME_LENGTH] if isinstance(value, str) else None


def _chain_id(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= LARGEST_INTEGER else None
