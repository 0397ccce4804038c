"""Checks of the hourly market, each over the hour of the run that it belongs to."""

import dagster as dg
from sqlalchemy import func, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.checks.daily_market import ENOUGH_COVERAGE, EXAMPLES, LEAST_COVERAGE, coins_asked
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.partitions import hour_of
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

HOURLY_MARKET = key_in(COINGECKO, "hourly_market")


@dg.asset_check(asset=HOURLY_MARKET, blocking=True)
def the_hours_values_are_not_negative(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.AssetCheckResult:
    """No price, volume or market cap of this hour is below 0."""
    market = tables.hourly_market
    negative = or_(market.c.price_usd < 0, market.c.volume_24h_usd < 0, market.c.market_cap_usd < 0)
    hour = hour_of(context.partition_time_window.start)
    query = select(market.c.asset_id).where(market.c.hour_at == hour, negative)
    coins = warehouse.run_reading(lambda connection: connection.scalars(query).all())
    return dg.AssetCheckResult(
        passed=not coins,
        metadata={"negative_rows": len(coins), "examples": dg.MetadataValue.json(list(coins[:EXAMPLES]))},
    )


@dg.asset_check(asset=HOURLY_MARKET)
def the_hour_has_the_coins_that_were_asked_for(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.AssetCheckResult:
    """Nearly every coin that the hour's latest run asked for has a row: warns below 95 %, fails below 50 %.

    A coin can be missing since it changed its rank between two pages.
    """
    market = tables.hourly_market
    hour = hour_of(context.partition_time_window.start)
    query = select(func.count()).where(market.c.hour_at == hour)
    present = warehouse.run_reading(lambda connection: connection.execute(query).scalar_one())
    asked = coins_asked(context.instance, HOURLY_MARKET, context.partition_key) or 0
    share = min(1.0, present / asked) if asked else 1.0
    return dg.AssetCheckResult(
        passed=share >= ENOUGH_COVERAGE,
        severity=dg.AssetCheckSeverity.WARN if share >= LEAST_COVERAGE else dg.AssetCheckSeverity.ERROR,
        metadata={"share": share, "coins_asked": asked, "coins_present": present},
    )
