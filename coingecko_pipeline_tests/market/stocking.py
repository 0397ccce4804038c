"""Stored answers and rows, and what is in the tables afterwards."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import ChartRecord, StoredAnswer
from coingecko_pipeline.archive.coverage import archive_answer
from coingecko_pipeline.market.charts import ChartWriter, Written
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import moment_of

Rows = dict[tuple[str, date], tuple[float | None, float | None, float | None, str, datetime | None]]


def archive(database: Database, record: ChartRecord) -> StoredAnswer:
    """Archive an answer, as the thread does that asked for it."""
    return StoredAnswer(database.run_in_transaction(lambda connection: archive_answer(connection, record)), record)


def write(database: Database, *records: ChartRecord) -> Written:
    """Archive answers and write their rows, one after the other."""
    total = Written()
    for record in records:
        total.add(ChartWriter(database).write([archive(database, record)]))
    return total


def market_of(database: Database) -> Rows:
    """Every row of daily_market, by coin and date."""
    market = tables.daily_market
    rows = database.run_reading(lambda connection: connection.execute(select(market)).all())
    return {
        (row.asset_id, row.date): (
            row.price_usd,
            row.volume_24h_usd,
            row.market_cap_usd,
            row.source,
            row.observed_at,
        )
        for row in rows
    }


def snapshot(
    database: Database,
    coin: str,
    day: date,
    values: tuple[float | None, float | None, float | None],
    source: str = tables.SNAPSHOT,
) -> None:
    """Store a snapshot's row of a coin, taken a minute after midnight."""
    row: Mapping[str, Any] = {
        "date": day,
        "asset_id": coin,
        **dict(zip(("price_usd", "volume_24h_usd", "market_cap_usd"), values, strict=True)),
        "source": source,
        "observed_at": moment_of(day, 60),
    }
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), row)


def change_rows(database: Database, statements: Iterable[str]) -> None:
    """Change what is stored by plain SQL, behind the program's back."""
    with database.transaction() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
