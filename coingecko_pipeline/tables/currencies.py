"""What one unit of a currency cost in US dollars, and the charts of bitcoin that past dates are read from."""

from sqlalchemy import Boolean, Column, Date, Double, Index, Integer, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.tables.snapshots import CURRENCY_LENGTH
from coingecko_pipeline.warehouse.guard import Guard, Ranked
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body, counted_id

CURRENT_RATE = "current"
"""`fx_rates.source` of a rate as `/exchange_rates` told it on its date."""
RATE_OF_CHARTS = "chart"
"""`fx_rates.source` of a rate of 00:00:00 UTC: bitcoin's price in dollars by its price in the currency."""

fx_rates = Table(
    "fx_rates",
    metadata,
    Column("date", Date, nullable=False, comment="the rate is the one of 00:00:00 UTC of this date"),
    Column("currency", ExactText(CURRENCY_LENGTH), nullable=False, comment="code in lower case, such as eur"),
    Column("usd_per_unit", Double, nullable=False, comment="price of one unit (US dollars)"),
    Column(
        "source",
        ExactText(16),
        nullable=False,
        comment="chart: bitcoin's price in dollars by its price in the currency; current: as told on this date",
    ),
    PrimaryKeyConstraint("date", "currency"),
    Index("ix_fx_rates_currency_date", "currency", "date"),
    comment="One currency on one date",
    mysql_charset="utf8mb4",
    info={"guard": Guard(Ranked("source", (CURRENT_RATE, RATE_OF_CHARTS)))},
)

currency_charts = Table(
    "currency_charts",
    metadata,
    Column("answer_id", counted_id(), nullable=False, comment="number of the answer, ascending as they were stored"),
    Column("currency", ExactText(CURRENCY_LENGTH), nullable=False, comment="code in lower case, such as eur"),
    Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
    Column("days", Integer, nullable=False, comment="midnights that were asked for, that day's included (days)"),
    Column(
        "outcome",
        ExactText(16),
        nullable=False,
        comment="values, empty, not_found, refused or unreadable: what the answer was",
    ),
    Column("body", compressed_body(), comment="as received, compressed"),
    Column("first_on", Date, comment="date of the first midnight that was asked for; NULL where there is no value"),
    Column("last_on", Date, comment="date of the last midnight that it tells; NULL where there is no value"),
    Column("is_written", Boolean, nullable=False, comment="whether fx_rates has all that it gives"),
    PrimaryKeyConstraint("answer_id"),
    Index("ix_currency_charts_currency_answer_id", "currency", "answer_id"),
    comment="One answer to a call for bitcoin's chart in a currency, as received",
    mysql_charset="utf8mb4",
    sqlite_autoincrement=True,
)
"""Append-only, as `market_charts` is."""
