"""The market by date and by hour.

**The row of date D is the value at 00:00:00 UTC of D**, its volume that of the 24 hours before. A value that was not
given is NULL, never 0. All times are UTC.
"""

from sqlalchemy import Column, Date, Double, Index, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.guard import Guard, Lowest, Ranked
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

STALE = "stale"
"""`daily_market.source` of a snapshot whose own last update is more than a day before its date; in no sum."""
SNAPSHOT = "snapshot"
"""`daily_market.source` of a row read from the current prices in the first minutes of its date."""
CHART = "chart"
"""`daily_market.source` of a row that is the exact 00:00:00 UTC point of a chart."""

daily_market = Table(
    "daily_market",
    metadata,
    Column("date", Date, nullable=False, comment="the values are those of 00:00:00 UTC of this date"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("price_usd", Double, comment="price of one coin (US dollars)"),
    Column("volume_24h_usd", Double, comment="trading volume of the 24 hours before (US dollars)"),
    Column("market_cap_usd", Double, comment="market capitalisation (US dollars); 0 is CoinGecko's own"),
    Column(
        "source",
        ExactText(16),
        nullable=False,
        comment="chart: the point of 00:00:00 UTC; snapshot: the current value after it; stale: one a day older",
    ),
    Column("observed_at", UtcDateTime, comment="moment of the value (UTC): a snapshot's own last update"),
    PrimaryKeyConstraint("date", "asset_id"),
    Index("ix_daily_market_asset_id_date_price", "asset_id", "date", "price_usd"),
    comment="One coin on one date: price, volume and market cap",
    mysql_charset="utf8mb4",
    info={
        "guard": Guard(
            Ranked("source", (STALE, SNAPSHOT, CHART)),
            Lowest("observed_at"),
            keeps=("price_usd", "volume_24h_usd", "market_cap_usd"),
        )
    },
)

hourly_market = Table(
    "hourly_market",
    metadata,
    Column("hour_at", UtcDateTime, nullable=False, comment="beginning of the hour in which it was asked for (UTC)"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("price_usd", Double, comment="price of one coin when it was asked for (US dollars)"),
    Column("volume_24h_usd", Double, comment="trading volume of the 24 hours before (US dollars)"),
    Column("market_cap_usd", Double, comment="market capitalisation (US dollars); 0 is CoinGecko's own"),
    Column("observed_at", UtcDateTime, comment="moment of the value (UTC): the coin's own last update"),
    PrimaryKeyConstraint("hour_at", "asset_id"),
    Index("ix_hourly_market_asset_id_hour_at", "asset_id", "hour_at"),
    comment="One of the largest coins in one hour: price, volume and market cap",
    mysql_charset="utf8mb4",
    info={"guard": Guard("observed_at")},
)
