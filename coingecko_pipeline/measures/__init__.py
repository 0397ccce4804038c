"""What is computed from the daily and the hourly market, inside the database: one statement for a range. No Dagster.

Each module has one function that gives the rows of a range as a SELECT, the same on MySQL, MariaDB and SQLite.
"""

from coingecko_pipeline.measures.global_market import select_global_market
from coingecko_pipeline.measures.ohlc import select_daily_ohlc
from coingecko_pipeline.measures.parts import Part, Rows
from coingecko_pipeline.measures.periods import Period
from coingecko_pipeline.measures.replacing import replace_range
from coingecko_pipeline.measures.returns import select_returns
from coingecko_pipeline.measures.rollups import select_rollup

__all__ = [
    "Part",
    "Period",
    "Rows",
    "replace_range",
    "select_daily_ohlc",
    "select_global_market",
    "select_returns",
    "select_rollup",
]
