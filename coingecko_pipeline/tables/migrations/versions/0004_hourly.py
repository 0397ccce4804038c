"""The hourly market of the largest coins, and what its hours make of a day.

As in the first migration, each step can be taken again after an interruption.
"""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create hourly_market and daily_ohlc with their indexes."""
    op.create_table(
        "hourly_market",
        sa.Column(
            "hour_at", UtcDateTime, nullable=False, comment="beginning of the hour in which it was asked for (UTC)"
        ),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("price_usd", sa.Double, comment="price of one coin when it was asked for (US dollars)"),
        sa.Column("volume_24h_usd", sa.Double, comment="trading volume of the 24 hours before (US dollars)"),
        sa.Column("market_cap_usd", sa.Double, comment="market capitalisation (US dollars); 0 is CoinGecko's own"),
        sa.Column("observed_at", UtcDateTime, comment="moment of the value (UTC): the coin's own last update"),
        sa.PrimaryKeyConstraint("hour_at", "asset_id"),
        comment="One of the largest coins in one hour: price, volume and market cap",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "daily_ohlc",
        sa.Column(
            "date", sa.Date, nullable=False, comment="the UTC day whose hours these are, from its 00:00 to its 24:00"
        ),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "open_usd", sa.Double, nullable=False, comment="price of the day's first hour that has one (US dollars)"
        ),
        sa.Column("high_usd", sa.Double, nullable=False, comment="highest price of the day's hours (US dollars)"),
        sa.Column("low_usd", sa.Double, nullable=False, comment="lowest price of the day's hours (US dollars)"),
        sa.Column(
            "close_usd", sa.Double, nullable=False, comment="price of the day's last hour that has one (US dollars)"
        ),
        sa.Column("observations", sa.Integer, nullable=False, comment="hours of the day with a price, 1 to 24 (hours)"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="One of the largest coins on one day: open, high, low and close of its hourly prices",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    for table, moment in (("hourly_market", "hour_at"), ("daily_ohlc", "date")):
        # MySQL has no CREATE INDEX IF NOT EXISTS.
        if not sa.inspect(op.get_bind()).get_indexes(table):
            op.create_index(f"ix_{table}_asset_id_{moment}", table, ["asset_id", moment])
