"""The daily market by week and by month.

Of a week that begins on Monday M the price is known at eight midnights, M to M+7, and the volume of seven days, in the
rows M+1 to M+7, since a row holds the 24 hours before it. So the row of M opens the week and the row of M+7 closes it,
and is the next week's opening too. A month is the same between the first dates of two months. Open, high, low and close
have their usual meaning in a price bar, of midnights here and not of trades.

A period is over, and has rows, as soon as the market has a row on or after its end date.
"""

from datetime import date
from typing import Any

from sqlalchemy import Select, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures.periods import Period, days_later, end_of, period_end, period_start, start_of
from coingecko_pipeline.measures.spans import ONE_DAY, Span
from coingecko_pipeline.measures.working_set import WorkingSet, coins_made, coins_named, dates_read

LONGEST_DAYS = 31


def periods_of(period: Period, dates: Span) -> Span:
    """The first dates of the first and the last period that some dates open, fill or close."""
    return Span(period_start(period, dates.first - ONE_DAY), period_start(period, dates.last))


def latest_over(period: Period, latest: date) -> date:
    """The first date of the last period that is over when the market reaches a date."""
    start = period_start(period, latest)
    before = period_start(period, start - ONE_DAY)
    return start if period_end(period, start) <= latest else before


def select_rollup(period: Period, made: WorkingSet) -> Select[Any]:
    """The rows of the working set, whose dates are the first ones of periods; one where a coin has one of the days.

    - `open_usd`: price of the row of the first date; `close_usd`, `market_cap_close_usd`: of the row of the end date,
      which is the first date of the next period. NULL where that row is missing.
    - `high_usd`, `low_usd`: extremes of the prices from the first to the end date, both included.
    - `volume_24h_mean_usd`: mean of the volumes of the rows after the first to the end date, of those that have one.
    - `days_present`: how many rows there are after the first to the end date.

    Args:
        period: A week or a month.
        made: The working set.
    """
    kind = made.kind
    market, coins, read = tables.daily_market, coins_made, dates_read.c.day
    start = start_of(period, days_later(read, -1, kind), kind)
    # The period is computed from the date, so the dates are bounded beside it.
    within = read.between(coins.c.first_on, days_later(coins.c.last_on, LONGEST_DAYS, kind))
    days = (
        select(
            start.label("start"),
            coins.c.number,
            market.c.date,
            market.c.price_usd,
            market.c.volume_24h_usd,
            market.c.market_cap_usd,
        )
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
        .select_from(
            dates_read.join(coins, within).join(
                market, (market.c.date == read) & (market.c.asset_id == coins.c.asset_id)
            )
        )
        .where(start.between(coins.c.first_on, coins.c.last_on))
        .subquery("days")
    )
    closing = days.c.date == end_of(period, days.c.start, kind)
    bars = (
        select(
            days.c.start,
            days.c.number,
            func.max(days.c.price_usd).label("high_usd"),
            func.min(days.c.price_usd).label("low_usd"),
            func.max(case((closing, days.c.price_usd))).label("close_usd"),
            func.avg(days.c.volume_24h_usd).label("volume_24h_mean_usd"),
            func.max(case((closing, days.c.market_cap_usd))).label("market_cap_close_usd"),
            func.count().label("days_present"),
        )
        .group_by(days.c.start, days.c.number)
        .subquery("bars")
    )
    opening, named = tables.daily_market.alias("opening"), coins_named
    opened = opening.c.price_usd
    return select(
        bars.c.start,
        named.c.asset_id,
        opened.label("open_usd"),
        case((opened > bars.c.high_usd, opened), else_=func.coalesce(bars.c.high_usd, opened)).label("high_usd"),
        case((opened < bars.c.low_usd, opened), else_=func.coalesce(bars.c.low_usd, opened)).label("low_usd"),
        bars.c.close_usd,
        bars.c.volume_24h_mean_usd,
        bars.c.market_cap_close_usd,
        bars.c.days_present,
    ).select_from(
        bars.join(named, named.c.number == bars.c.number).outerjoin(
            opening, (opening.c.date == bars.c.start) & (opening.c.asset_id == named.c.asset_id)
        )
    )
