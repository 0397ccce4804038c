"""Coins that were gone before the first list was taken: CoinGecko tells them to paid plans, and serves their charts."""

from datetime import date, timedelta

from sqlalchemy import Connection, func, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.asset_list.entries import ListedAsset, read_entries
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import INACTIVE_LIST
from coingecko_pipeline.warehouse import Database

ASKED_EVERY = timedelta(days=30)
"""Coins that leave are seen in the daily lists: the list of those that are gone tells only what was before them."""


def note_inactive_coins(database: Database, client: CoinGecko) -> int:
    """Once a month, make the coins that are gone known; how many are new. One call, on a paid plan alone.

    Nobody here saw them in a list, so the dates of their lists are the one on which CoinGecko told of them.

    Args:
        database: Where the coins are.
        client: CoinGecko.

    Raises:
        SourceError: The call failed for good.
    """
    today = client.now().date()
    if not client.plan.paid or not is_due(database, client.plan.name, today):
        return 0
    ledger = UsageLedger(database, client)
    listed = read_entries(client.inactive_asset_list().entries)
    added: list[ListedAsset] = []

    def add(connection: Connection) -> None:
        known = set(connection.scalars(select(tables.assets.c.asset_id)))
        added[:] = [asset for asset in listed.assets if asset.asset_id not in known]
        if added:
            connection.execute(
                insert(tables.assets),
                [
                    {
                        "asset_id": asset.asset_id,
                        "symbol": asset.symbol or "",
                        "name": asset.name or "",
                        "first_seen_on": today,
                        "last_seen_on": today,
                        "is_active": False,
                    }
                    for asset in added
                ],
            )

    ledger.record(add)
    return len(added)


def is_due(database: Database, plan: str, today: date) -> bool:
    """Whether the coins that are gone were not asked for within a month."""
    usage = tables.api_usage.c
    query = select(func.max(usage.day)).where(usage.plan == plan, usage.endpoint == INACTIVE_LIST, usage.credits > 0)
    latest: date | None = database.run_reading(lambda connection: connection.scalar(query))
    return latest is None or today - latest >= ASKED_EVERY
