"""Checks of the roll-ups and measures: over the latest dates that the last run changed, whoever executes them.

They are cheap and bounded: what a run changed is 365 dates on most days, and the latest `WINDOW` of them are looked at.
After a run that made the whole table, or without one, these are the latest dates that there are.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

import dagster as dg
from sqlalchemy import ColumnElement, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures import Span
from coingecko_pipeline.orchestration.checks.in_one_step import in_one_step
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

WEEKLY_MARKET = key_in(COINGECKO, "weekly_market")
GLOBAL_MARKET_DAILY = key_in(COINGECKO, "global_market_daily")

WINDOW = timedelta(days=35)
"""Dates of the market that a check looks at: five weeks, or 600,000 rows of 17,400 coins."""
CLOSE_ENOUGH = 1e-9
"""Two sums of the same doubles in another order differ by less than this share."""
EXAMPLES = 20


@partial(in_one_step, WEEKLY_MARKET)
def a_week_has_one_to_seven_days_and_its_prices_are_in_order(
    context: dg.AssetCheckExecutionContext, warehouse: Database
) -> dg.AssetCheckResult:
    """No week has more than seven days or none, and open and close lie between low and high.

    Looked at are the weeks that begin in the five weeks before the last date that the last run changed.
    """
    week = tables.weekly_market.c
    window = dates_to_check(context.instance, WEEKLY_MARKET, warehouse, week.week_start)
    wrong = (
        ~week.days_present.between(1, 7)
        | (week.low_usd > week.high_usd)
        | ~week.open_usd.between(week.low_usd, week.high_usd)
        | ~week.close_usd.between(week.low_usd, week.high_usd)
    )
    query = select(week.week_start, week.asset_id).where(week.week_start.between(*window), wrong)
    rows = warehouse.run_reading(lambda connection: connection.execute(query).all())
    return dg.AssetCheckResult(
        passed=not rows,
        metadata={
            **_told(window),
            "wrong_rows": len(rows),
            "examples": dg.MetadataValue.json([f"{row.asset_id} from {row.week_start}" for row in rows[:EXAMPLES]]),
        },
    )


@partial(in_one_step, GLOBAL_MARKET_DAILY)
def the_global_market_is_the_sum_of_the_coins(
    context: dg.AssetCheckExecutionContext, warehouse: Database
) -> dg.AssetCheckResult:
    """Market cap and number of coins of each date are those of the date's rows as they are now.

    Looked at are the five weeks before the last date that the last run changed. A date that differs was changed since
    the run read it: by another run, which is followed in turn, or by hand.
    """
    market, whole = tables.daily_market.c, tables.global_market_daily.c
    window = dates_to_check(context.instance, GLOBAL_MARKET_DAILY, warehouse, whole.date)
    sums = (
        select(
            market.date,
            func.sum(case((market.source != tables.STALE, market.market_cap_usd))),
            func.count(case((market.source != tables.STALE, market.price_usd))),
        )
        .where(market.date.between(*window))
        .group_by(market.date)
    )
    told = select(whole.date, whole.market_cap_usd, whole.coins_with_price).where(whole.date.between(*window))
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
            **_told(window),
            "dates": len(expected),
            "dates_that_differ": len(different),
            "examples": dg.MetadataValue.json([day.isoformat() for day in different[:EXAMPLES]]),
        },
    )


def dates_to_check(
    instance: dg.DagsterInstance, key: dg.AssetKey, warehouse: Database, day: ColumnElement[date]
) -> Span:
    """The `WINDOW` up to the last date that the last run changed, or up to the table's latest date.

    Args:
        instance: Where the last run's event is.
        key: The asset.
        warehouse: Where its table is.
        day: The table's date.
    """
    event = instance.get_latest_materialization_event(key)
    materialization = event.asset_materialization if event else None
    metadata: Mapping[str, dg.MetadataValue] = materialization.metadata if materialization else {}
    changed = metadata.get("last_date")
    if changed is not None:
        last = date.fromisoformat(str(changed.value))
    else:
        query = select(func.max(day))
        last = warehouse.run_reading(lambda connection: connection.scalar(query)) or date.min + WINDOW
    return Span(last - WINDOW, last)


def _told(window: Span) -> dict[str, str]:
    return {"first_date": str(window.first), "last_date": str(window.last)}
