"""What was spent of a plan: calls and credits, and the rate that processes share."""

from sqlalchemy import BigInteger, Column, Date, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

api_usage = Table(
    "api_usage",
    metadata,
    Column("day", Date, nullable=False, comment="UTC date of the calls"),
    Column("plan", ExactText(32), nullable=False, comment="CoinGecko plan that the calls were made on"),
    Column("endpoint", ExactText(128), nullable=False, comment="endpoint, with its parameters' names"),
    Column("calls", BigInteger, nullable=False, comment="calls made (calls)"),
    Column("credits", BigInteger, nullable=False, comment="credits that they cost (credits)"),
    PrimaryKeyConstraint("day", "plan", "endpoint"),
    comment="Calls and credits of one day, plan and endpoint",
    mysql_charset="utf8mb4",
)

api_rate = Table(
    "api_rate",
    metadata,
    Column("plan", ExactText(32), nullable=False, comment="CoinGecko plan that the calls are made on"),
    Column("calls", BigInteger, nullable=False, comment="calls begun so far; the latest one's number (calls)"),
    Column("paused_until", UtcDateTime, comment="moment until which the server asked to wait (UTC)"),
    PrimaryKeyConstraint("plan"),
    comment="What all processes on one plan share of its rate",
    mysql_charset="utf8mb4",
)

api_recent_calls = Table(
    "api_recent_calls",
    metadata,
    Column("plan", ExactText(32), nullable=False, comment="CoinGecko plan that the call was made on"),
    Column("number", BigInteger, nullable=False, autoincrement=False, comment="number of the call, ascending"),
    Column("called_at", UtcDateTime, nullable=False, comment="moment at which the call was let through (UTC)"),
    PrimaryKeyConstraint("plan", "number"),
    comment="The calls of the latest minute, of all processes on one plan",
    mysql_charset="utf8mb4",
)

usage_writers = Table(
    "usage_writers",
    metadata,
    Column("writer", ExactText(32), nullable=False, comment="of one run of one process"),
    Column("batch", BigInteger, nullable=False, comment="number of its latest batch that was counted"),
    Column("written_at", UtcDateTime, nullable=False, comment="moment at which it was (UTC)"),
    PrimaryKeyConstraint("writer"),
    comment="The latest batch that each writer of api_usage has committed, so that none counts twice",
    mysql_charset="utf8mb4",
)
