"""How far two sources agree: computed inside the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, MetaData, Row, Select, and_, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures import Part, replace_range
from coingecko_pipeline.tables.agreement import AMBIGUOUS, asset_pairs, source_agreement
from coingecko_pipeline.warehouse import Database

LARGEST = 100
"""Of each date so many coins, the largest by CoinGecko's market cap, are expected to agree."""
PRICE_AGREES = 0.02
"""A price that differs by a larger fraction is a disagreement: two readings a few minutes apart differ by less."""

DIFFERENCES = {
    "price_difference": "price_usd",
    "volume_difference": "volume_24h_usd",
    "market_cap_difference": "market_cap_usd",
}
"""The column of daily_market that each difference is of."""


@dataclass(frozen=True)
class LargestCoin:
    """One of the largest coins on one date.

    Attributes:
        day: The date.
        asset_id: CoinGecko's id.
        rank: Its place by CoinGecko's market cap on that date, from 1.
        price_usd: CoinGecko's price.
        price_difference: Of the other source's price (fraction); None where it was not compared.
    """

    day: date
    asset_id: str
    rank: int
    price_usd: float | None
    price_difference: float | None

    @property
    def disagrees(self) -> bool:
        """Whether the prices were compared and differ by more than `PRICE_AGREES`."""
        return self.price_difference is not None and abs(self.price_difference) > PRICE_AGREES


def compare(database: Database, schema: str, first: date, last: date) -> dict[date, int]:
    """Replace the rows of source_agreement from one date to another, both included.

    Args:
        database: The main one.
        schema: The other source's.
        first: The first date.
        last: The last date.

    Returns:
        How many coins were compared, by date.
    """
    reading, qualifier = database.reading(schema)
    return replace_range(reading, source_agreement, partial(_differences, qualifier), first, last)


def largest_coins_compared(database: Database, first: date, last: date) -> list[LargestCoin]:
    """The `LARGEST` coins of each date of a range with the difference of their prices, by date and rank.

    Dates on which nothing was compared are left out: to rank a year of coins for a month of comparisons would be waste.
    """
    market, agreement = tables.daily_market, source_agreement
    compared = select(agreement.c.date).distinct().where(agreement.c.date.between(first, last))
    dates: Sequence[date] = database.run_reading(lambda connection: connection.scalars(compared).all())
    rank = func.row_number().over(
        partition_by=market.c.date, order_by=(market.c.market_cap_usd.desc(), market.c.asset_id)
    )
    ranked = (
        select(market.c.date, market.c.asset_id, market.c.price_usd, rank.label("rank_by_cap"))
        .where(market.c.date.in_(dates), market.c.market_cap_usd > 0)
        .subquery()
    )
    query = (
        select(ranked.c.date, ranked.c.asset_id, ranked.c.rank_by_cap, ranked.c.price_usd, agreement.c.price_difference)
        .join(
            agreement,
            and_(agreement.c.date == ranked.c.date, agreement.c.asset_id == ranked.c.asset_id),
            isouter=True,
        )
        .where(ranked.c.rank_by_cap <= LARGEST)
        .order_by(ranked.c.date, ranked.c.rank_by_cap)
    )
    rows: Sequence[Row[Any]] = database.run_reading(lambda connection: connection.execute(query).all())
    return [LargestCoin(*row) for row in rows]


def _differences(qualifier: str, part: Part) -> Select[Any]:
    """The rows of source_agreement for a part of the dates, from both sources' daily_market."""
    own = tables.daily_market
    other = own.to_metadata(MetaData(), schema=qualifier)

    def relative(column: str) -> ColumnElement[Any]:
        # Of nothing there is no fraction, and MySQL refuses a division by 0 while it writes.
        base = func.nullif(own.c[column], 0.0)
        return (other.c[column] - own.c[column]) / base

    return (
        select(own.c.date, own.c.asset_id, *(relative(column).label(name) for name, column in DIFFERENCES.items()))
        .join(asset_pairs, asset_pairs.c.asset_id == own.c.asset_id)
        .join(other, and_(other.c.asset_id == asset_pairs.c.coinpaprika_id, other.c.date == own.c.date))
        .where(own.c.date.between(part.first, part.last), asset_pairs.c.how != AMBIGUOUS)
    )
