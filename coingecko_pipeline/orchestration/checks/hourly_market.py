"""Checks of the hourly market: of the latest hour that has rows."""

from datetime import datetime

import dagster as dg
from sqlalchemy import func, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.checks.market import (
    ENOUGH_COVERAGE,
    EXAMPLES,
    LEAST_COVERAGE,
    coins_asked,
    nothing_stored,
)
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.partitions import hour_key_of
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

HOURLY_MARKET = key_in(COINGECKO, "hourly_market")


def the_hours_values_are_not_negative(warehouse: Database) -> dg.AssetCheckResult:
    """No price, volume or market cap of the latest hour is below 0: what is received so is stored as NULL."""
    market, hour = tables.hourly_market, latest_hour(warehouse)
    if hour is None:
        return nothing_stored()
    negative = or_(market.c.price_usd < 0, market.c.volume_24h_usd < 0, market.c.market_cap_usd < 0)
    query = select(market.c.asset_id).where(market.c.hour_at == hour, negative)
    coins = warehouse.run_reading(lambda connection: connection.scalars(query).all())
    return dg.AssetCheckResult(
        passed=not coins,
        metadata={
            "hour": hour_key_of(hour),
            "negative_rows": len(coins),
            "examples": dg.MetadataValue.json(list(coins[:EXAMPLES])),
        },
    )


def the_hour_has_the_coins_that_were_asked_for(
    context: dg.AssetCheckExecutionContext, warehouse: Database
) -> dg.AssetCheckResult:
    """Nearly every coin that the latest hour's run asked for has a row: warns below 95 %, fails below 50 %.

    A coin can be missing since it changed its rank between two pages.
    """
    market, hour = tables.hourly_market, latest_hour(warehouse)
    if hour is None:
        return nothing_stored()
    query = select(func.count()).where(market.c.hour_at == hour)
    present = warehouse.run_reading(lambda connection: connection.execute(query).scalar_one())
    asked = coins_asked(context.instance, HOURLY_MARKET, hour_key_of(hour)) or 0
    share = min(1.0, present / asked) if asked else 1.0
    return dg.AssetCheckResult(
        passed=share >= ENOUGH_COVERAGE,
        severity=dg.AssetCheckSeverity.WARN if share >= LEAST_COVERAGE else dg.AssetCheckSeverity.ERROR,
        metadata={"hour": hour_key_of(hour), "share": share, "coins_asked": asked, "coins_present": present},
    )


def latest_hour(database: Database) -> datetime | None:
    """The latest hour that has rows (UTC); None where none has."""
    query = select(func.max(tables.hourly_market.c.hour_at))
    hour: datetime | None = database.run_reading(lambda connection: connection.scalar(query))
    return hour


HOURLY_CHECKS = (the_hours_values_are_not_negative, the_hour_has_the_coins_that_were_asked_for)
