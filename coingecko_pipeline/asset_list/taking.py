"""One attempt to take a source's list: the call, the entries, and whether the list is believed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import AcquisitionError
from coingecko_pipeline.acquisition.usage import Spent, UsageLedger
from coingecko_pipeline.asset_list.acceptance import LEAST_APART, Acceptance, judge
from coingecko_pipeline.asset_list.entries import ListedAssets, read_entries
from coingecko_pipeline.asset_list.refused import keep_refused_list, read_refused_list
from coingecko_pipeline.sources import AssetList, Source, SourceClient
from coingecko_pipeline.sources.errors import CallerRefused, SourceError
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class ListAttempt:
    """What came of one attempt.

    Attributes:
        fetched_at: The moment of the answer, or of the last failure (UTC, aware).
        spent: Calls and credits.
        coins_before: The coins that were active before it.
        listed: The list; None where none came.
        coins_lost: How many of the active coins the list lacks.
        acceptance: Why it is taken or refused; None where none came.
        reason: Why it is not taken, as a sentence; empty where it is.
    """

    fetched_at: datetime
    spent: Spent
    coins_before: int
    listed: ListedAssets | None = None
    coins_lost: int = 0
    acceptance: Acceptance | None = None
    reason: str = ""


def take_list(
    source: Source, client: SourceClient, database: Database, usage: Database, accept_shrunken: bool
) -> ListAttempt:
    """Ask for the list, read it, and tell whether it is taken; nothing but a refused list is stored.

    Args:
        source: The source.
        client: Asked once; it tries again by itself.
        database: Where the source's coins are.
        usage: Where the calls are counted.
        accept_shrunken: Take a list that lacks more than a fifth of the active coins.

    Raises:
        CallerRefused: The key, the plan or this address is refused.
        AcquisitionError: The list cannot be taken, and there is no earlier one to go on with.
    """
    ledger = UsageLedger(usage, client)
    active = _active_ids(database)
    try:
        answer = client.asset_list()
    except CallerRefused:
        raise
    except SourceError as error:
        attempt = ListAttempt(client.now(), ledger.spent, len(active), reason=str(error))
    else:
        attempt = _judged(source, database, answer, active, ledger.spent, accept_shrunken)
    finally:
        ledger.record()
    if attempt.reason and not _has_list(database):
        raise AcquisitionError(
            f"{attempt.reason} There is no earlier list of {source.title} to go on with, so no snapshot can be taken."
        )
    return attempt


def _judged(
    source: Source,
    database: Database,
    answer: AssetList,
    active: set[str],
    spent: Spent,
    accept_shrunken: bool,
) -> ListAttempt:
    listed, fetched_at = read_entries(answer.entries), answer.answered_at
    ids = listed.asset_ids
    refused = read_refused_list(database)
    acceptance = judge(ids, fetched_at, active, refused, accept_shrunken)
    lost = len(active - ids)
    # One that agrees with it keeps the moment of the first, from which the time between the two counts.
    if acceptance is Acceptance.SHRUNKEN and not (refused and refused.agrees_with(ids)):
        keep_refused_list(database, ids, fetched_at)
    reason = _reason(source, acceptance, lost, len(active), len(listed.set_aside))
    return ListAttempt(fetched_at, spent, len(active), listed, lost, acceptance, reason)


def _reason(source: Source, acceptance: Acceptance, lost: int, active: int, set_aside: int) -> str:
    if acceptance is Acceptance.EMPTY:
        entries = f"{set_aside:,} entries and no coin among them" if set_aside else "no coin"
        return f"{source.title} answered the asset list with {entries}. Materialize it again later."
    if acceptance is Acceptance.SHRUNKEN:
        command = "run `coingecko-pipeline daily --accept-list`, or " if source is COINGECKO else ""
        return (
            f"The asset list lacks {lost:,} of the {active:,} active coins, more than a fifth. If {source.title} "
            f"really dropped them, {command}materialize {source.name}/raw_asset_list with the config "
            f"accept_shrunken_list: true; it is accepted by itself where one at least {LEAST_APART.seconds // 60} "
            "minutes later agrees with it."
        )
    return ""


def _active_ids(database: Database) -> set[str]:
    query = select(tables.assets.c.asset_id).where(tables.assets.c.is_active)
    return set(database.run_reading(lambda connection: connection.scalars(query).all()))


def _has_list(database: Database) -> bool:
    query = select(tables.raw_asset_list.c.asset_id).limit(1)
    return database.run_reading(lambda connection: connection.scalars(query).first()) is not None
