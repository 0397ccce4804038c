"""Asset checks, each named as the statement that holds when it passes. A blocking one protects what is downstream."""

import dagster as dg

from coingecko_pipeline.orchestration.assets.market_changes import changes_key
from coingecko_pipeline.orchestration.checks.archive import ARCHIVE_CHECKS
from coingecko_pipeline.orchestration.checks.asset_list import list_checks
from coingecko_pipeline.orchestration.checks.daily_candles import the_hours_prices_lie_within_the_candle
from coingecko_pipeline.orchestration.checks.hourly_market import HOURLY_CHECKS
from coingecko_pipeline.orchestration.checks.in_one_step import in_one_step
from coingecko_pipeline.orchestration.checks.market import market_checks
from coingecko_pipeline.orchestration.checks.measures import (
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
)
from coingecko_pipeline.orchestration.checks.source_agreement import the_hundred_largest_agree_on_the_price
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES


def _checks_of(source: Source) -> tuple[dg.AssetChecksDefinition, ...]:
    *of_the_list, ids_are_unique, all_are_present = list_checks(source)
    of_the_market = market_checks(source)
    if source is COINGECKO:
        of_the_market = (*of_the_market, *ARCHIVE_CHECKS, *HOURLY_CHECKS)
    return (
        in_one_step(key_in(source, "raw_asset_list"), *of_the_list, ids_are_unique, blocking=[ids_are_unique]),
        in_one_step(key_in(source, "assets"), all_are_present, blocking=[all_are_present]),
        in_one_step(changes_key(source), *of_the_market),
    )


def checks_of_the_day() -> frozenset[dg.AssetCheckKey]:
    """The checks of the main source's list, coins and market, which say whether a day is well."""
    return frozenset(key for step in _checks_of(COINGECKO) for key in step.check_keys)


ALL_CHECKS = (
    *(step for source in SOURCES for step in _checks_of(source)),
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
    the_hours_prices_lie_within_the_candle,
    the_hundred_largest_agree_on_the_price,
)
