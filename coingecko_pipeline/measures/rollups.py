"""The daily market by week and by month.

Of a week that begins on Monday M the price is known at eight midnights, M to M+7, and the volume of seven days, in the
rows M+1 to M+7, since a row holds the 24 hours before it. So the row of M opens the week and the row of M+7 closes it,
and is the next week's opening too. A month is the same between the first dates of two months. Open, high, low and close
have their usual meaning in a price bar, of midnights here and not of trades.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures.parts import Part
from coingecko_pipeline.measures.periods import Period, days_later, end_of, start_of

LONGEST = timedelta(days=31)


def select_rollup(period: Period, part: Part) -> Select[Any]:
    """The rows of the periods that begin in a part of the dates, one for each coin with a row on one of its days.

    - `open_usd`: price of the row of the first date; `close_usd`, `market_cap_close_usd`: of the row of the end date,
      which is the first date of the next period. NULL where that row is missing.
    - `high_usd`, `low_usd`: extremes of the prices from the first to the end date, both included.
    - `volume_24h_mean_usd`: mean of the volumes of the rows after the first to the end date, of those that have one.
    - `days_present`: how many rows there are after the first to the end date.

    Args:
        period: A week or a month.
        part: The first dates of the periods.
    """
    market, kind = tables.daily_market, part.kind
    start = start_of(period, days_later(market.c.date, -1, kind), kind)
    days = (
        select(start.label("start"), market)
        # The period is computed from the date, so it says nothing to an index: the dates are bounded beside it.
        .where(start.between(part.first, part.last), market.c.date > part.first, market.c.date <= part.last + LONGEST)
        .subquery("days")
    )
    closing = days.c.date == end_of(period, days.c.start, kind)
    bars = (
        select(
            days.c.start,
            days.c.asset_id,
            func.max(days.c.price_usd).label("high_usd"),
            func.min(days.c.price_usd).label("low_usd"),
            func.max(case((closing, days.c.price_usd))).label("close_usd"),
            func.avg(days.c.volume_24h_usd).label("volume_24h_mean_usd"),
            func.max(case((closing, days.c.market_cap_usd))).label("market_cap_close_usd"),
            func.count().label("days_present"),
        )
        .group_by(days.c.start, days.c.asset_id)
        .subquery("bars")
    )
    opening = tables.daily_market.alias("opening")
    opened = opening.c.price_usd
    return select(
        bars.c.start,
        bars.c.asset_id,
        opened.label("open_usd"),
        case((opened > bars.c.high_usd, opened), else_=func.coalesce(bars.c.high_usd, opened)).label("high_usd"),
        case((opened < bars.c.low_usd, opened), else_=func.coalesce(bars.c.low_usd, opened)).label("low_usd"),
        bars.c.close_usd,
        bars.c.volume_24h_mean_usd,
        bars.c.market_cap_close_usd,
        bars.c.days_present,
    ).select_from(bars.outerjoin(opening, (opening.c.date == bars.c.start) & (opening.c.asset_id == bars.c.asset_id)))
