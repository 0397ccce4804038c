"""Asset checks, each named as the statement that holds when it passes. A blocking one protects what is downstream."""

from coingecko_pipeline.checks.asset_list import (
    asset_ids_are_unique,
    every_listed_asset_is_present,
    the_list_did_not_shrink,
)
from coingecko_pipeline.checks.daily_market import (
    no_price_jumped_a_hundredfold,
    prices_are_not_negative,
    the_day_covers_the_active_assets,
    the_snapshot_was_timely,
)
from coingecko_pipeline.checks.gaps import no_date_is_missing_between_a_coins_first_and_last_day
from coingecko_pipeline.checks.hourly_market import (
    the_hour_has_the_coins_that_were_asked_for,
    the_hours_values_are_not_negative,
)
from coingecko_pipeline.checks.measures import (
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
)

ALL_CHECKS = (
    asset_ids_are_unique,
    the_list_did_not_shrink,
    every_listed_asset_is_present,
    prices_are_not_negative,
    the_day_covers_the_active_assets,
    the_snapshot_was_timely,
    no_price_jumped_a_hundredfold,
    no_date_is_missing_between_a_coins_first_and_last_day,
    the_hours_values_are_not_negative,
    the_hour_has_the_coins_that_were_asked_for,
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
)
