"""The whole market by date: sums, shares of the largest coins, and how many coins rose and fell."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures.parts import Part
from coingecko_pipeline.measures.periods import days_later


def select_global_market(part: Part) -> Select[Any]:
    """The rows of a part of the dates, one for each date that has rows of the daily market.

    - `market_cap_usd`, `volume_24h_usd`: sums over the coins that have the value; NULL where none has.
    - `coins_with_price`: how many coins have a price.
    - `share_of_largest`, `share_of_ten`, `share_of_hundred`: market cap of the 1, 10 and 100 largest coins by market
      cap, against `market_cap_usd`. The largest coin's share is what is called dominance. NULL where the sum is 0.
    - `coins_up`, `coins_down`: coins whose price is above, or below, the one of the date before; a coin without a
      price on one of the two dates is in neither.

    Args:
        part: The dates.
    """
    market, before = tables.daily_market, tables.daily_market.alias("before")
    rank = (
        func.row_number()
        .over(partition_by=market.c.date, order_by=(market.c.market_cap_usd.desc(), market.c.asset_id))
        .label("rank_by_cap")
    )
    ranked = (
        select(
            market.c.date,
            market.c.price_usd,
            market.c.volume_24h_usd,
            market.c.market_cap_usd,
            before.c.price_usd.label("price_before_usd"),
            rank,
        )
        .select_from(
            market.outerjoin(
                before,
                and_(before.c.date == days_later(market.c.date, -1, part.kind), before.c.asset_id == market.c.asset_id),
            )
        )
        .where(market.c.date.between(part.first, part.last))
        .subquery("ranked")
    )
    cap = ranked.c.market_cap_usd

    def share(coins: int) -> ColumnElement[Any]:
        return func.sum(case((ranked.c.rank_by_cap <= coins, cap))) / func.nullif(func.sum(cap), 0)

    return select(
        ranked.c.date,
        func.sum(cap),
        func.sum(ranked.c.volume_24h_usd),
        func.count(ranked.c.price_usd),
        share(1),
        share(10),
        share(100),
        func.count(case((ranked.c.price_usd > ranked.c.price_before_usd, 1))),
        func.count(case((ranked.c.price_usd < ranked.c.price_before_usd, 1))),
    ).group_by(ranked.c.date)
