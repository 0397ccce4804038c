"""The archive: every answer that was paid for, as received, and what the answers have spoken for."""

from sqlalchemy import Boolean, Column, Date, Index, Integer, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body, counted_id

market_charts = Table(
    "market_charts",
    metadata,
    Column("answer_id", counted_id(), nullable=False, comment="number of the answer, ascending as they were stored"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
    Column("days", Integer, nullable=False, comment="midnights that were asked for, that day's included (days)"),
    Column(
        "outcome",
        ExactText(16),
        nullable=False,
        comment="values, empty, not_found, refused or unreadable: what the answer was",
    ),
    Column("body", compressed_body(), comment="as received, compressed; NULL where a later answer holds all of it"),
    Column("first_on", Date, comment="date of the first midnight with a value; NULL where there is none"),
    Column("last_on", Date, comment="date of the last midnight with a value; NULL where there is none"),
    Column("midnights", Integer, nullable=False, comment="dates with a value (dates)"),
    Column("dates", ExactText(), comment="these dates, as JSON: pairs of first and last; NULL until it was read"),
    Column("is_written", Boolean, nullable=False, comment="whether daily_market has all that it gives"),
    PrimaryKeyConstraint("answer_id"),
    Index("ix_market_charts_asset_id_answer_id", "asset_id", "answer_id"),
    Index("ix_market_charts_is_written", "is_written"),
    comment="One answer to a call for a coin's chart, as received",
    mysql_charset="utf8mb4",
    sqlite_autoincrement=True,
)
"""Append-only: an answer is never replaced, and its body is dropped only when a later one holds each of its values."""

chart_coverage = Table(
    "chart_coverage",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column(
        "covered",
        ExactText(),
        nullable=False,
        comment="dates that answers have spoken for, as JSON: pairs of first and last",
    ),
    Column(
        "points",
        ExactText(),
        nullable=False,
        comment="those of them with a value, as JSON: pairs of first and last",
    ),
    Column("outcome", ExactText(16), nullable=False, comment="what the latest answer was"),
    Column("answered_at", UtcDateTime, nullable=False, comment="moment of the latest answer (UTC)"),
    Column("misses", Integer, nullable=False, comment="answers in a row that brought nothing new (answers)"),
    Column("ask_again_on", Date, comment="UTC date before which it is not asked again; NULL where at any time"),
    Column("snapshots_from", Date, comment="first date of the latest unbroken run of dates with a snapshot"),
    Column("snapshots_to", Date, comment="last date of that run"),
    PrimaryKeyConstraint("asset_id"),
    comment="What the archived answers of one coin have spoken for",
    mysql_charset="utf8mb4",
)
"""The one definition of what is missing: a date outside `covered` was never spoken for, a date inside it and outside
`points` is known to have no value, and a date inside `points` has a row that the archive can make again."""
