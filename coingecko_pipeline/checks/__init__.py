"""Asset checks, each named as the statement that holds when it passes. A blocking one protects what is downstream."""

from coingecko_pipeline.assets.sources import SOURCES
from coingecko_pipeline.checks.asset_list import list_checks
from coingecko_pipeline.checks.daily_market import market_checks
from coingecko_pipeline.checks.gaps import no_date_is_missing_between_a_coins_first_and_last_day
from coingecko_pipeline.checks.source_agreement import the_hundred_largest_agree_on_the_price

ALL_CHECKS = (
    *(check for source in SOURCES for check in (*list_checks(source), *market_checks(source))),
    no_date_is_missing_between_a_coins_first_and_last_day,
    the_hundred_largest_agree_on_the_price,
)
