"""Contracts that are asked for chain by chain, each chain once a week, as CoinPaprika has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.asset_list.contracts import contracts_after, read_contracts_on
from coingecko_pipeline.asset_list.entries import Defect
from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline.sources.errors import SourceError
from coingecko_pipeline.tables.contracts import PLATFORM_LENGTH
from coingecko_pipeline.warehouse import Database, read_frame

ASKED_EVERY = timedelta(days=7)
"""A pair that a contract tells stays, so one that comes or goes waits for a week without harm."""

FAILURES_IN_A_ROW = 3
"""So many chains that fail one after the other say that the source is away: one alone stops no other."""


@dataclass
class ContractsAttempt:
    """What came of asking for the contracts.

    Attributes:
        platforms: The chains that answered, with the moment.
        contracts: Their rows of asset_contracts: those that are listed, and those that have left.
        without_address: Entries without an address.
        left_out: What cannot be a row.
        failed: The chains that did not answer, and why.
        not_due: Chains whose contracts are less than a week old.
        not_asked: Chains that were due and not asked, since so many failed before them.
        reason: Why the chains themselves did not come, as a sentence; empty where they did.
    """

    platforms: Mapping[str, datetime] = field(default_factory=dict)
    contracts: pd.DataFrame | None = None
    without_address: int = 0
    left_out: tuple[Defect, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    not_due: int = 0
    not_asked: int = 0
    reason: str = ""


def take_contracts(client: CoinPaprika, database: Database, usage: Database) -> ContractsAttempt:
    """Ask for the chains and for the contracts of those that are due. One call, and one for each of these.

    It raises nothing of the source's: the contracts are worth no day. A chain that is not listed any more, or that
    fails, keeps the contracts that are stored, and one that fails is due again at the next time.

    Args:
        client: CoinPaprika.
        database: Where its contracts are.
        usage: Where the calls are counted.
    """
    ledger = UsageLedger(usage, client)
    try:
        return _take(client, database)
    finally:
        ledger.record()


def _take(client: CoinPaprika, database: Database) -> ContractsAttempt:
    now = client.now()
    try:
        listed = [platform for platform in client.platforms() if len(platform) <= PLATFORM_LENGTH]
    except SourceError as error:
        return ContractsAttempt(reason=str(error))
    due = _due(listed, database, now)
    answered: dict[str, datetime] = {}
    failed: dict[str, str] = {}
    found = []
    in_a_row = 0
    for platform in due:
        try:
            entries, answered_at = client.contracts(platform)
        except SourceError as error:
            failed[platform] = str(error)
            in_a_row += 1
            if in_a_row == FAILURES_IN_A_ROW:
                break
        else:
            in_a_row = 0
            answered[platform] = answered_at
            found.append(read_contracts_on(platform, entries))
    contracts = None
    if found:
        known = read_frame(database, tables.asset_contracts)
        contracts = contracts_after(
            known[known["platform"].isin(list(answered))],
            pd.concat([each.rows for each in found], ignore_index=True),
            now.date(),
        )
    return ContractsAttempt(
        answered,
        contracts,
        sum(each.without_address for each in found),
        tuple(defect for each in found for defect in each.left_out),
        failed,
        not_due=len(listed) - len(due),
        not_asked=len(due) - len(answered) - len(failed),
    )


def _due(listed: list[str], database: Database, now: datetime) -> list[str]:
    query = select(tables.platforms.c.platform, tables.platforms.c.fetched_at)
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    fresh = {row.platform for row in rows if now - row.fetched_at < ASKED_EVERY}
    return [platform for platform in listed if platform not in fresh]
