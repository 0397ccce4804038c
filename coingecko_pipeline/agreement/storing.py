"""The pairs of coins in the database: decisions stay, proposals are added, ambiguous coins are listed anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, and_, delete, func, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.agreement.contracts import Contract, ContractEvidence
from coingecko_pipeline.agreement.pairs import Coin, Proposal, propose_pairs, without
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.tables.agreement import AMBIGUOUS, CONTRACT, PROPOSED, asset_pairs
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class Pairing:
    """What became of one comparison.

    Attributes:
        day: The date whose prices were compared.
        new: Pairs that were added.
        pairs: Pairs that there are now, those that a person made included.
        proposal: What was proposed, the ambiguous coins included.
        contradicted: The pairs that were there and that the contracts do not allow; they stay.
        platforms: CoinGecko's chain by the other source's, as far as that was learned.
    """

    day: date
    new: int
    pairs: int
    proposal: Proposal
    contradicted: Mapping[str, str]
    platforms: Mapping[str, str]


def latest_common_date(database: Database, other: Database) -> date | None:
    """The latest date on which both databases have a row of daily_market; None where there is none."""
    market = tables.daily_market
    dates = select(market.c.date).distinct().order_by(market.c.date.desc())
    days: Sequence[date] = other.run_reading(lambda connection: connection.scalars(dates).all())
    for day in days:
        if _has_rows(database, day):
            return day
    return None


def pair_coins(database: Database, other: Database, day: date) -> Pairing:
    """Propose pairs from the contracts and from the prices of one date and store them, in one transaction.

    A coin that has a pair, or of which a person said that it has none, is left alone.

    Args:
        database: Where CoinGecko's coins and the pairs are.
        other: Where the other source's coins are.
        day: The date whose prices are compared.
    """
    known = select(asset_pairs.c.asset_id, asset_pairs.c.coinpaprika_id).where(asset_pairs.c.how != AMBIGUOUS)
    decided = database.run_reading(lambda connection: connection.execute(known).all())
    evidence = ContractEvidence(active_contracts(database), active_contracts(other))
    proposal = propose_pairs(
        without(active_coins(database, day), {row.asset_id for row in decided}),
        without(active_coins(other, day), {row.coinpaprika_id for row in decided}),
        evidence,
    )
    rows = [
        {
            "asset_id": coin,
            "coinpaprika_id": other_id,
            "how": CONTRACT if coin in proposal.by_contract else PROPOSED,
            "matched_on": day,
            "candidates": None,
        }
        for coin, other_id in proposal.pairs.items()
    ] + [
        {
            "asset_id": coin,
            "coinpaprika_id": None,
            "how": AMBIGUOUS,
            "matched_on": day,
            "candidates": json.dumps(list(near), ensure_ascii=False),
        }
        for coin, near in proposal.ambiguous.items()
    ]

    first: date = other.run_reading(lambda connection: connection.scalar(select(func.min(tables.daily_market.c.date))))
    # A pair is compared on every date that both have, so the comparison follows it as a change of that coin.
    changes = [Change(asset_pairs.name, first, day, coin) for coin in sorted(proposal.pairs)]

    def store(connection: Connection) -> None:
        connection.execute(delete(asset_pairs).where(asset_pairs.c.how == AMBIGUOUS))
        if rows:
            connection.execute(insert(asset_pairs), rows)
        log_changes(connection, changes)

    database.run_in_transaction(store)
    before = {row.asset_id: row.coinpaprika_id for row in decided if row.coinpaprika_id is not None}
    contradicted = {coin: other_id for coin, other_id in before.items() if not evidence.allows(coin, other_id)}
    return Pairing(
        day, len(proposal.pairs), len(before) + len(proposal.pairs), proposal, contradicted, evidence.platforms
    )


def active_contracts(database: Database) -> list[Contract]:
    """The contracts that the latest list of one source has."""
    table = tables.asset_contracts
    query = select(table.c.platform, table.c.address, table.c.asset_id).where(table.c.is_active)
    return database.run_reading(lambda connection: [Contract(*row) for row in connection.execute(query)])


def active_coins(database: Database, day: date) -> list[Coin]:
    """The active coins of one source, with their prices on a date where they have one."""
    assets, market = tables.assets, tables.daily_market
    query = (
        select(assets.c.asset_id, assets.c.symbol, assets.c.name, market.c.price_usd)
        .join(market, and_(market.c.asset_id == assets.c.asset_id, market.c.date == day), isouter=True)
        .where(assets.c.is_active)
    )
    return database.run_reading(lambda connection: [Coin(*row) for row in connection.execute(query)])


def _has_rows(database: Database, day: date) -> bool:
    query = select(tables.daily_market.c.asset_id).where(tables.daily_market.c.date == day).limit(1)
    return database.run_reading(lambda connection: connection.scalar(query)) is not None
