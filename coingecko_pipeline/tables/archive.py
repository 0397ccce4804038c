"""The answers kept as received."""

from sqlalchemy import Column, Date, Integer, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.guard import Guard
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body

raw_market_charts = Table(
    "raw_market_charts",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("body", compressed_body(), nullable=False, comment="the chart as received, compressed"),
    Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
    Column("covers_from", Date, comment="first date whose midnight point the chart must contain"),
    Column("covers_to", Date, comment="last date whose midnight point the chart must contain"),
    Column("points", Integer, nullable=False, comment="points in the price series, as received (points)"),
    Column("midnights", Integer, comment="dates with a midnight point in the chart (dates)"),
    Column("first_on", Date, comment="date of the first midnight point; NULL where there is none"),
    Column("last_on", Date, comment="date of the last midnight point; NULL where there is none"),
    PrimaryKeyConstraint("asset_id"),
    comment="The latest chart of each coin, as received",
    mysql_charset="utf8mb4",
    info={"guard": Guard("fetched_at")},
)

chart_misses = Table(
    "chart_misses",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("reason", ExactText(16), nullable=False, comment="not_found, empty or ended: what the latest answer was"),
    Column("asked_on", Date, nullable=False, comment="UTC date of the latest answer"),
    Column("ask_again_on", Date, nullable=False, comment="UTC date before which the chart is not asked for again"),
    PrimaryKeyConstraint("asset_id"),
    comment="A coin whose latest chart brought nothing new",
    mysql_charset="utf8mb4",
)
