"""Which coin is meant: by its id, by its contract, or by its symbol where only one coin has it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.errors import AmbiguousCoin, Candidate, NothingStored, UnknownCoin

IDS_AT_ONCE = 500
"""Coins that one statement looks for: below the parameters that SQLite takes by default."""
SHOWN = 10
"""Candidates that a message names; the error has all."""


@dataclass(frozen=True)
class Coin:
    """A coin that some list had.

    Attributes:
        asset_id: Its id.
        symbol: Its latest symbol.
        name: Its latest name.
        is_active: Whether the latest list has it.
        last_seen_on: The date of the latest list that had it.
    """

    asset_id: str
    symbol: str
    name: str
    is_active: bool
    last_seen_on: date


def find_coin(connection: Connection, named: str) -> Coin:
    """The one coin that is called so.

    Args:
        connection: Reads.
        named: An id; else a chain and an address, `ethereum:0xdac1…`; else a symbol, in any case of letters.

    Raises:
        UnknownCoin: None is; tells which are close.
        AmbiguousCoin: Several are.
    """
    assets = tables.assets.c
    if found := _coins(connection, assets.asset_id == named):
        return found[0]
    platform, separator, address = named.partition(":")
    if separator:
        return _one(connection, _by_contract(connection, platform, address), f"have the contract {named}", named)
    return _one(
        connection, _coins(connection, func.lower(assets.symbol) == named.lower()), f"have the symbol {named}", named
    )


def known_ids(connection: Connection, named: str | Sequence[str]) -> list[str]:
    """The chosen ids, each once.

    Raises:
        UnknownCoin: One was never listed; tells which coins have it as their symbol, or are close.
    """
    asked = list(dict.fromkeys([named] if isinstance(named, str) else named))
    if not asked:
        raise UnknownCoin("no coin was named: give the ids of some, such as ['bitcoin', 'ethereum']")
    known: set[str] = set()
    for ids in in_parts(asked):
        known.update(
            connection.scalars(select(tables.assets.c.asset_id).where(tables.assets.c.asset_id.in_(ids))).all()
        )
    for unknown in asked:
        if unknown not in known:
            same = _coins(connection, func.lower(tables.assets.c.symbol) == unknown.lower())
            raise UnknownCoin(_unknown(connection, unknown) if not same else _symbol_of(connection, unknown, same))
    return asked


def in_parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """So many ids that one statement takes them, part after part."""
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


def _coins(connection: Connection, condition: ColumnElement[bool]) -> list[Coin]:
    table = tables.assets.c
    query = select(table.asset_id, table.symbol, table.name, table.is_active, table.last_seen_on).where(condition)
    return [Coin(*row) for row in connection.execute(query.order_by(table.asset_id))]


def _by_contract(connection: Connection, platform: str, address: str) -> list[Coin]:
    # An EVM address is stored in lower case; one of another chain is its own lower case or a different one.
    table = tables.asset_contracts.c
    for text in dict.fromkeys((address, address.lower())):
        contracts = select(table.asset_id).where(table.platform == platform, table.address == text)
        if found := _coins(connection, tables.assets.c.asset_id.in_(contracts)):
            return found
    return []


def _one(connection: Connection, found: Sequence[Coin], what: str, named: str) -> Coin:
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownCoin(_unknown(connection, named))
    candidates = _candidates(connection, found)
    raise AmbiguousCoin(f"{len(found)} coins {what}, ask by id: {_listed(candidates)}", candidates)


def _symbol_of(connection: Connection, symbol: str, same: Sequence[Coin]) -> str:
    return f"{symbol!r} is no id; it is the symbol of {_listed(_candidates(connection, same))}"


def _listed(candidates: Sequence[Candidate]) -> str:
    more = f" and {len(candidates) - SHOWN} more" if len(candidates) > SHOWN else ""
    return ", ".join(map(str, candidates[:SHOWN])) + more


def _unknown(connection: Connection, named: str) -> str:
    ever: list[str] = list(connection.scalars(select(tables.assets.c.asset_id)))
    if not ever:
        raise NothingStored("there are no coins yet: coingecko-pipeline daily takes the list and today's market")
    close = get_close_matches(named, ever, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "the table assets has every id"
    return f"no coin was ever listed as {named!r}; {hint}"


def _candidates(connection: Connection, coins: Sequence[Coin]) -> list[Candidate]:
    """The coins with their latest market caps, the largest first."""
    market = tables.daily_market.c
    caps: dict[str, Any] = {}
    for ids in in_parts([coin.asset_id for coin in coins]):
        latest = (
            select(market.asset_id, func.max(market.date).label("date"))
            .where(market.asset_id.in_(ids))
            .group_by(market.asset_id)
            .subquery()
        )
        same = and_(market.asset_id == latest.c.asset_id, market.date == latest.c.date)
        caps.update(
            (row.asset_id, row.market_cap_usd)
            for row in connection.execute(select(market.asset_id, market.market_cap_usd).join(latest, same))
        )
    found = [Candidate(coin.asset_id, coin.name, coin.is_active, caps.get(coin.asset_id)) for coin in coins]
    return sorted(found, key=lambda coin: (-(coin.market_cap_usd or 0.0), coin.asset_id))
