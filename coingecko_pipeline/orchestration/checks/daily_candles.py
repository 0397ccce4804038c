"""The check of the candles: those of the snapshots against those of the hours, where there are both."""

from functools import partial

import dagster as dg
from sqlalchemy import and_, func, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.checks.in_one_step import in_one_step
from coingecko_pipeline.orchestration.checks.measures import EXAMPLES, dates_to_check
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

DAILY_CANDLES = key_in(COINGECKO, "daily_candles")
OFF = 0.01
"""Share by which the price of an hour may lie outside of the day's candle: the two are read at other moments, and the
candle's 24 hours begin and end minutes after midnight."""


@partial(in_one_step, DAILY_CANDLES)
def the_hours_prices_lie_within_the_candle(
    context: dg.AssetCheckExecutionContext, warehouse: Database
) -> dg.AssetCheckResult:
    """High and low of a coin's hours in `daily_ohlc` lie within those of its candle, but for a percent.

    Looked at are the coins of HOURLY_TOP, in the five weeks before the last date that the last run changed. A price of
    an hour outside of it tells that the candle is of another day, or that one of the two is wrong.
    """
    candle, hours = tables.daily_candles, tables.daily_ohlc
    window = dates_to_check(context.instance, DAILY_CANDLES, warehouse, candle.c.date)
    both = hours.join(candle, and_(candle.c.date == hours.c.date, candle.c.asset_id == hours.c.asset_id))
    outside = or_(hours.c.high_usd > candle.c.high_usd * (1 + OFF), hours.c.low_usd < candle.c.low_usd * (1 - OFF))
    compared = select(func.count()).select_from(both).where(hours.c.date.between(*window))
    different = (
        select(hours.c.date, hours.c.asset_id)
        .select_from(both)
        .where(hours.c.date.between(*window), outside)
        .order_by(hours.c.date.desc(), hours.c.asset_id)
    )
    count, rows = warehouse.run_reading(
        lambda connection: (connection.scalar(compared) or 0, connection.execute(different).all())
    )
    return dg.AssetCheckResult(
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "first_date": str(window.first),
            "last_date": str(window.last),
            "compared": count,
            "rows_that_differ": len(rows),
            "examples": dg.MetadataValue.json([f"{row.asset_id} on {row.date}" for row in rows[:EXAMPLES]]),
        },
    )
