"""Checks of the roll-ups and measures, each over the partitions of the run that it belongs to."""

import dagster as dg
from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.partitions import dates_of
from coingecko_pipeline.warehouse import Database

WEEKLY_MARKET = dg.AssetKey(["coingecko", "weekly_market"])
GLOBAL_MARKET_DAILY = dg.AssetKey(["coingecko", "global_market_daily"])

CLOSE_ENOUGH = 1e-9
"""Two sums of the same doubles in another order differ by less than this share."""
EXAMPLES = 20


@dg.asset_check(asset=WEEKLY_MARKET)
def a_week_has_one_to_seven_days_and_its_prices_are_in_order(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.AssetCheckResult:
    """No week has more than seven days or none, and open and close lie between low and high."""
    week = tables.weekly_market.c
    first, last = dates_of(context.partition_key_range)
    wrong = (
        ~week.days_present.between(1, 7)
        | (week.low_usd > week.high_usd)
        | ~week.open_usd.between(week.low_usd, week.high_usd)
        | ~week.close_usd.between(week.low_usd, week.high_usd)
    )
    query = select(week.week_start, week.asset_id).where(week.week_start.between(first, last), wrong)
    rows = warehouse.run_reading(lambda connection: connection.execute(query).all())
    return dg.AssetCheckResult(
        passed=not rows,
        metadata={
            "wrong_rows": len(rows),
            "examples": dg.MetadataValue.json([f"{row.asset_id} from {row.week_start}" for row in rows[:EXAMPLES]]),
        },
    )


@dg.asset_check(asset=GLOBAL_MARKET_DAILY)
def the_global_market_is_the_sum_of_the_coins(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.AssetCheckResult:
    """Market cap and number of coins of each date are those of the date's rows as they are now.

    A date that differs was changed since the run read it: by another run, which asks for it again, or by hand.
    """
    market, whole = tables.daily_market.c, tables.global_market_daily.c
    first, last = dates_of(context.partition_key_range)
    sums = (
        select(market.date, func.sum(market.market_cap_usd), func.count(market.price_usd))
        .where(market.date.between(first, last))
        .group_by(market.date)
    )
    told = select(whole.date, whole.market_cap_usd, whole.coins_with_price).where(whole.date.between(first, last))
    expected, found = warehouse.run_reading(
        lambda connection: tuple(
            {day: (cap or 0.0, coins) for day, cap, coins in connection.execute(query)} for query in (sums, told)
        )
    )
    different = [
        day
        for day in sorted(expected.keys() | found.keys())
        if day not in expected
        or day not in found
        or expected[day][1] != found[day][1]
        or abs(expected[day][0] - found[day][0]) > CLOSE_ENOUGH * expected[day][0]
    ]
    return dg.AssetCheckResult(
        passed=not different,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "dates": len(expected),
            "dates_that_differ": len(different),
            "examples": dg.MetadataValue.json([day.isoformat() for day in different[:EXAMPLES]]),
        },
    )
