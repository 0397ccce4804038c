"""What is computed from the daily and the hourly market, inside the database, as far as it changed. No Dagster.

`follow` brings a table up to date, `verify_table` compares it with what is made again; `plans` tell from changes which
of its rows are made; each other module has the rows of one table as SQL, the same on MySQL, MariaDB and SQLite.
"""

from coingecko_pipeline.measures.flags import Thresholds
from coingecko_pipeline.measures.following import ALWAYS, Followed, Log, Plan, ToMake, follow
from coingecko_pipeline.measures.lineage import measure_inputs
from coingecko_pipeline.measures.making import CoinQuery
from coingecko_pipeline.measures.plans import (
    DAILY_CANDLES,
    DAILY_OHLC,
    DAILY_RETURNS,
    GLOBAL_MARKET_DAILY,
    MARKET_FLAGS,
    MEASURES,
    MONTHLY_MARKET,
    WEEKLY_MARKET,
    DerivedTable,
    follow_market,
    market_flags,
    verify_measure,
)
from coingecko_pipeline.measures.spans import Span, merged
from coingecko_pipeline.measures.verifying import Comparing, DerivedDifferences, verify_table

__all__ = [
    "ALWAYS",
    "DAILY_CANDLES",
    "DAILY_OHLC",
    "DAILY_RETURNS",
    "GLOBAL_MARKET_DAILY",
    "MARKET_FLAGS",
    "MEASURES",
    "MONTHLY_MARKET",
    "WEEKLY_MARKET",
    "CoinQuery",
    "Comparing",
    "DerivedDifferences",
    "DerivedTable",
    "Followed",
    "Log",
    "Plan",
    "Span",
    "Thresholds",
    "ToMake",
    "follow",
    "follow_market",
    "market_flags",
    "measure_inputs",
    "merged",
    "verify_measure",
    "verify_table",
]
