"""What is read from the snapshots of all coins: the candle of each day, and what is odd about a row."""

from sqlalchemy import Column, Date, Double, Index, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText

daily_candles = Table(
    "daily_candles",
    metadata,
    Column("date", Date, nullable=False, comment="the UTC day, from its 00:00 to its 24:00"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("open_usd", Double, comment="price at the midnight that begins the day (US dollars)"),
    Column("high_usd", Double, nullable=False, comment="highest price of the day (US dollars)"),
    Column("low_usd", Double, nullable=False, comment="lowest price of the day (US dollars)"),
    Column("close_usd", Double, comment="price at the midnight that ends the day (US dollars)"),
    Column(
        "quality",
        ExactText(16),
        nullable=False,
        comment="inside, or which of open and close lies outside of low to high, or is not there",
    ),
    PrimaryKeyConstraint("date", "asset_id"),
    Index("ix_daily_candles_asset_id_date", "asset_id", "date"),
    comment="One coin on one day: open, high, low and close, from the snapshot at the midnight that ends it",
    mysql_charset="utf8mb4",
)

market_flags = Table(
    "market_flags",
    metadata,
    Column("date", Date, nullable=False, comment="date of the row of daily_market"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column(
        "flag",
        ExactText(32),
        nullable=False,
        comment="stale, spike, cap_not_supply, volume_above_cap, revised or candle_outside",
    ),
    Column("detail", ExactText(255), comment="the figures that it was told from"),
    PrimaryKeyConstraint("date", "asset_id", "flag"),
    Index("ix_market_flags_asset_id_date", "asset_id", "date"),
    comment="What is odd about one row of daily_market, which stays as it is",
    mysql_charset="utf8mb4",
)
