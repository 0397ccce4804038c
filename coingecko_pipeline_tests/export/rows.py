"""Rows of the hard kind, in the tables, and what a file of each format must give back."""

import struct
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv, ipc, parquet
from sqlalchemy import Table

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database, UtcDateTime
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.paging import arrow_schema
from coingecko_pipeline.warehouse.writing import TableWriter

MARKET = [
    # date, asset_id, price_usd, volume_24h_usd, market_cap_usd, source, observed_at
    (date(2026, 1, 1), "bitcoin", 0.1 + 0.2, 3.5e10, 1.7976931348623157e308, "chart", datetime(2026, 1, 1, tzinfo=UTC)),
    (date(2026, 1, 1), "dps-doubloon", 1e-18, None, 0.0, "snapshot", datetime(2026, 1, 1, 0, 3, 4, 5678, tzinfo=UTC)),
    (date(2026, 1, 1), "dps-doubloon ", 5e-324, 0.0, None, "snapshot", None),
    (date(2026, 1, 1), 'quote",comma\nline', -0.5, 123456789012345678.0, 1e21, "chart", None),
    (date(2026, 1, 2), "Bitcoin", 1 / 3, 1e16, 12345678.9, "chart", datetime(2026, 1, 2, tzinfo=UTC)),
    (date(2026, 1, 2), "bitcoin", None, None, None, "snapshot", None),
    (date(2026, 1, 3), "ﬁ-ß-日本-🚀", 2.0, 1.0, 3.0, "chart", datetime(2026, 1, 3, tzinfo=UTC)),
    (date(2026, 1, 4), "NULL", 1.0, 1.0, 1.0, "chart", datetime(2026, 1, 4, tzinfo=UTC)),
]
"""Rows of `daily_market` in the order of its key."""

LIST = [
    # asset_id, symbol, name, platforms, fetched_at
    ("a", "", "An empty symbol", '{"ethereum": "0xAB"}', datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ("a ", None, "tab\tand 'quotes' and \\N", "{}", datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ("b", "β", None, None, datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)),
]
"""Rows of `raw_asset_list` in the order of its key."""

DATES = '[["2026-01-01", "2026-01-02"]]'

CHARTS = [
    # answer_id, asset_id, answered_at, days, outcome, body, first_on, last_on, midnights, dates, is_written
    (7, "a", datetime(2026, 1, 2, tzinfo=UTC), 365, "values", b"\x1f\x8b\x00\xff",
     date(2026, 1, 1), date(2026, 1, 2), 2, DATES, True),
    (8, "b", datetime(2026, 1, 2, tzinfo=UTC), 365, "empty", b"", None, None, 0, "[]", True),
    (9, "a", datetime(2026, 1, 3, tzinfo=UTC), 1, "not_found", None, None, None, 0, None, False),
]  # fmt: skip
"""Rows of `market_charts` in the order of its key."""

COVERAGE = [
    # asset_id, covered, points, outcome, answered_at, misses, ask_again_on, snapshots_from, snapshots_to
    ("a", DATES, DATES, "values", datetime(2026, 1, 2, tzinfo=UTC), 0, None, date(2026, 1, 3), date(2026, 1, 4)),
    ("b", DATES, "[]", "empty", datetime(2026, 1, 2, tzinfo=UTC), 3, date(2026, 1, 30), None, None),
]
"""Rows of `chart_coverage` in the order of its key."""

REVISIONS = [
    # asset_id, date, column_name, seen_at, old_value, new_value
    ("a", date(2026, 1, 1), "price_usd", datetime(2026, 1, 3, 1, 2, 3, 4, tzinfo=UTC), 0.1 + 0.2, 0.3),
    ("a", date(2026, 1, 1), "volume_24h_usd", datetime(2026, 1, 3, 1, 2, 3, 4, tzinfo=UTC), 0.0, 5e-324),
]
"""Rows of `market_revisions` in the order of its key."""

ASSETS = [
    # asset_id, symbol, name, first_seen_on, last_seen_on, is_active
    ("bitcoin", "btc", "Bitcoin", date(2025, 1, 1), date(2026, 1, 4), True),
    ("dps-doubloon ", "dbl", "Doubloon", date(2025, 1, 1), date(2026, 1, 1), False),
]
"""Rows of `assets` in the order of its key."""

USAGE = [
    # day, plan, endpoint, calls, credits
    (date(2026, 1, 1), "demo", "coins/list", 1, 1),
    (date(2026, 1, 1), "demo", "coins/markets", 70, 2**40),
]
"""Rows of `api_usage` in the order of its key."""

HARD_ROWS: dict[Table, list[tuple[Any, ...]]] = {
    tables.daily_market: MARKET,
    tables.raw_asset_list: LIST,
    tables.market_charts: CHARTS,
    tables.chart_coverage: COVERAGE,
    tables.market_revisions: REVISIONS,
    tables.assets: ASSETS,
    tables.api_usage: USAGE,
}


def store(database: Database, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Make them the rows of a table."""
    columns = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {
            column.name: pd.Series(cells, dtype="datetime64[us, UTC]")
            if isinstance(column.type, UtcDateTime)
            else pd.Series(cells, dtype=object)
            for column, cells in zip(table.columns, columns, strict=True)
        }
    )
    TableWriter(database, table).replace([to_arrow(table, frame)])


def read_file(path: Path, name: str, table: Table) -> pa.Table:
    """A file as its reader gives it; a CSV by the rules that `docs/export.md` states."""
    if name == "parquet":
        return parquet.read_table(path)
    if name == "arrow":
        with ipc.open_file(path) as reader:
            return reader.read_all()
    return read_csv(path, table)


def read_csv(path: Any, table: Table) -> pa.Table:
    """A CSV file with the documented types: an empty field without quotes is NULL, with quotes an empty text."""
    options = csv.ConvertOptions(
        column_types=arrow_schema(table), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options)


def exactly(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows to compare: doubles by their bits."""
    return [tuple(struct.pack(">d", cell) if isinstance(cell, float) else cell for cell in row) for row in rows]


def rows_in(found: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of an Arrow table."""
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))
