"""From which columns each column of the computed tables is made, read from the queries that make them."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Table
from sqlalchemy.sql.selectable import SelectBase

from coingecko_pipeline import tables
from coingecko_pipeline.measures.candles import CANDLES
from coingecko_pipeline.measures.flags import Thresholds, flag_queries
from coingecko_pipeline.measures.global_market import global_market_inputs
from coingecko_pipeline.measures.ohlc import select_daily_ohlc
from coingecko_pipeline.measures.parts import Part
from coingecko_pipeline.measures.returns import select_returns
from coingecko_pipeline.measures.rollups import select_rollup
from coingecko_pipeline.measures.spans import Span
from coingecko_pipeline.measures.working_set import STANDS_FOR, WorkingSet
from coingecko_pipeline.warehouse.column_inputs import Inputs, column_inputs, merged_inputs
from coingecko_pipeline.warehouse.database import Kind

ANY_DAY = date(2026, 1, 1)
"""Whatever the date and the coin, the queries read the same columns."""
ANY_DATES, ANY_COINS = Span(ANY_DAY, ANY_DAY), ("bitcoin",)


def measure_inputs(kind: Kind = "sqlite") -> dict[Table, Mapping[str, Inputs]]:
    """The inputs of each column of each table of this room, by the column's name.

    Args:
        kind: The database whose queries are read; they spell the same in other words.
    """
    coins, part = WorkingSet(kind, ANY_COINS, ANY_DATES, ANY_DATES), Part(ANY_DATES)
    queries: Mapping[Table, Sequence[SelectBase]] = {
        tables.weekly_market: [select_rollup("week", coins)],
        tables.monthly_market: [select_rollup("month", coins)],
        tables.daily_returns: [select_returns(coins)],
        tables.daily_ohlc: [select_daily_ohlc(ANY_DATES)],
        tables.daily_candles: [CANDLES.rows(part, kind)],
        tables.market_flags: [query.rows(part, kind) for query in flag_queries(Thresholds())],
    }
    read = {
        table: merged_inputs(column_inputs(query, table.columns.keys(), STANDS_FOR) for query in several)
        for table, several in queries.items()
    }
    return {**read, tables.global_market_daily: global_market_inputs(kind)}
