"""Asset checks, each named as the statement that holds when it passes. A blocking one protects what is downstream."""

from coingecko_pipeline.orchestration.checks.archive import ARCHIVE_CHECKS
from coingecko_pipeline.orchestration.checks.asset_list import list_checks
from coingecko_pipeline.orchestration.checks.daily_candles import the_hours_prices_lie_within_the_candle
from coingecko_pipeline.orchestration.checks.hourly_market import (
    the_hour_has_the_coins_that_were_asked_for,
    the_hours_values_are_not_negative,
)
from coingecko_pipeline.orchestration.checks.market import market_checks
from coingecko_pipeline.orchestration.checks.measures import (
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
)
from coingecko_pipeline.orchestration.checks.source_agreement import the_hundred_largest_agree_on_the_price
from coingecko_pipeline.sources.registry import SOURCES

ALL_CHECKS = (
    *(check for source in SOURCES for check in (*list_checks(source), *market_checks(source))),
    *ARCHIVE_CHECKS,
    the_hours_values_are_not_negative,
    the_hour_has_the_coins_that_were_asked_for,
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
    the_hours_prices_lie_within_the_candle,
    the_hundred_largest_agree_on_the_price,
)
