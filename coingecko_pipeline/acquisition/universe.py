"""Which coins a run is about, the most important first."""

from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import NO_COINS, AcquisitionError, Request
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.warehouse import Database

LARGEST_CALLED = 3
"""Coins of one symbol that are told: some symbols have fifty."""

IDS_AT_ONCE = 500
"""Coins that one statement looks for: below the parameters that SQLite takes by default."""


def active_coins(database: Database) -> dict[str, float | None]:
    """Every active coin with its latest market cap in US dollars, the largest first; those without one last, by id.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    market, assets = tables.daily_market, tables.assets
    active = select(assets.c.asset_id).where(assets.c.is_active)
    day = select(func.max(market.c.date)).scalar_subquery()
    on_the_day = select(market.c.asset_id, market.c.market_cap_usd).where(market.c.date == day)

    def read(connection: Connection) -> dict[str, float | None]:
        # Nearly all coins have a row on the latest date: only the others are looked for one by one.
        caps: dict[str, float | None] = {row.asset_id: row.market_cap_usd for row in connection.execute(on_the_day)}
        coins = connection.scalars(active).all()
        others = [coin for coin in coins if coin not in caps]
        for start in range(0, len(others), IDS_AT_ONCE):
            caps |= _latest_caps(connection, others[start : start + IDS_AT_ONCE])
        return {coin: caps.get(coin) for coin in coins}

    found = database.run_reading(read)
    if not found:
        raise AcquisitionError(NO_COINS)
    return dict(sorted(found.items(), key=lambda coin: (coin[1] is None, -(coin[1] or 0.0), coin[0])))


def _latest_caps(connection: Connection, coin_ids: Sequence[str]) -> dict[str, float | None]:
    """The market cap of the latest row of each of some coins."""
    market = tables.daily_market
    latest = (
        select(market.c.asset_id, func.max(market.c.date).label("date"))
        .where(market.c.asset_id.in_(coin_ids))
        .group_by(market.c.asset_id)
        .subquery()
    )
    query = select(market.c.asset_id, market.c.market_cap_usd).join(
        latest, and_(market.c.asset_id == latest.c.asset_id, market.c.date == latest.c.date)
    )
    return {row.asset_id: row.market_cap_usd for row in connection.execute(query)}


def gone_coins(database: Database) -> dict[str, date]:
    """Every coin that left the list, with the date of the latest list that had it; those that left last come first."""
    assets = tables.assets
    query = (
        select(assets.c.asset_id, assets.c.last_seen_on)
        .where(~assets.c.is_active)
        .order_by(assets.c.last_seen_on.desc(), assets.c.asset_id)
    )
    return {row.asset_id: row.last_seen_on for row in database.run_reading(lambda c: c.execute(query).all())}


def largest_coins(database: Database, dates: DateRange, limit: int = 10) -> Sequence[Row[Any]]:
    """The largest coins on the latest date of a range that has rows, the largest first.

    Returns:
        Rows of date, name, symbol, price_usd, volume_24h_usd and market_cap_usd (US dollars).
    """
    market, assets = tables.daily_market, tables.assets
    day = select(func.max(market.c.date)).where(market.c.date.between(dates.first, dates.last)).scalar_subquery()
    query = (
        select(
            market.c.date,
            assets.c.name,
            assets.c.symbol,
            market.c.price_usd,
            market.c.volume_24h_usd,
            market.c.market_cap_usd,
        )
        .join(assets, assets.c.asset_id == market.c.asset_id)
        .where(market.c.date == day, market.c.market_cap_usd.is_not(None))
        .order_by(market.c.market_cap_usd.desc())
        .limit(limit)
    )
    return database.run_reading(lambda connection: connection.execute(query).all())


def count_active(database: Database) -> int:
    """How many coins the latest list has."""
    query = select(func.count()).select_from(tables.assets).where(tables.assets.c.is_active)
    return database.run_reading(lambda connection: connection.execute(query).scalar_one())


def has_coins(database: Database) -> bool:
    """Whether any list of coins was ever taken."""
    query = select(tables.assets.c.asset_id).limit(1)
    return database.run_reading(lambda connection: connection.scalar(query)) is not None


def universe_of(request: Request, database: Database, client: CoinGecko, gone: Mapping[str, date]) -> list[str]:
    """The coins that a request is about, most important first.

    Without a choice these are the active coins, and after them those that left the list during or after the dates.
    Where only the largest are asked for and fewer have a market cap yet, CoinGecko is asked which they are: a call for
    each 250 coins.

    Args:
        request: What is asked for.
        database: Where the coins are.
        client: CoinGecko.
        gone: The coins that left the list, with the date of the latest list that had each.

    Raises:
        AcquisitionError: There are no coins yet, or a chosen one was never listed.
        SourceError: The largest coins could not be asked for.
    """
    if request.asset_ids:
        return known_coins(request.asset_ids, database)
    coins = active_coins(database)
    if request.top is None:
        return [*coins, *(coin for coin, last_seen_on in gone.items() if last_seen_on >= request.dates.first)]
    ranked = sum(market_cap is not None for market_cap in coins.values())
    if ranked < request.top < len(coins):
        largest = (
            coin for page in client.market_pages(largest=request.top) for coin in page.rows["asset_id"].to_pylist()
        )
        return [coin for coin in largest if coin in coins]
    return list(coins)[: request.top]


def _coins_called(symbol: str, database: Database) -> list[str]:
    """The largest coins with a symbol, whatever its case; `LARGEST_CALLED` at most."""
    assets = tables.assets
    query = select(assets.c.asset_id).where(func.lower(assets.c.symbol) == symbol.lower())
    found = set(database.run_reading(lambda connection: connection.scalars(query).all()))
    return [coin for coin in active_coins(database) if coin in found][:LARGEST_CALLED] if found else []


def known_coins(asset_ids: Sequence[str], database: Database) -> list[str]:
    """The chosen coins, each once.

    Raises:
        AcquisitionError: One was never listed; tells whose symbol it is, or which ids are close to it.
    """
    ever = set(database.run_reading(lambda connection: connection.scalars(select(tables.assets.c.asset_id)).all()))
    unknown = [asset_id for asset_id in asset_ids if asset_id not in ever]
    if unknown:
        first = unknown[0]
        if called := _coins_called(first, database):
            hint = f", which is the symbol of {' and '.join(map(repr, called))}: a coin is chosen by its id."
        else:
            close = get_close_matches(first, ever, n=3)
            hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
        raise AcquisitionError(
            f"{len(unknown)} of the chosen coins were never listed, the first is {first!r}{hint} "
            "The table assets has every id."
        )
    return list(dict.fromkeys(asset_ids))
