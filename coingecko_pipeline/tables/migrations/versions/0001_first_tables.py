"""The first tables.

Every table and index is created only where it is missing: on MySQL and MariaDB each statement commits by itself, so
a migration that was interrupted must be able to go on.
"""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the lists, the daily market, the chart archive, the usage of the API and the origin."""
    op.create_table(
        "raw_asset_list",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("symbol", ExactText(255), comment="ticker symbol as received; not unique, can be empty"),
        sa.Column("name", ExactText(1000), comment="name as received"),
        sa.Column("platforms", ExactText(), comment="contract addresses by chain: the JSON text as received"),
        sa.Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer that held the list (UTC)"),
        sa.PrimaryKeyConstraint("asset_id"),
        comment="The latest list of all coins, as received",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "assets",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("symbol", ExactText(255), nullable=False, comment="latest ticker symbol; not unique"),
        sa.Column("name", ExactText(1000), nullable=False, comment="latest name"),
        sa.Column("first_seen_on", sa.Date, nullable=False, comment="UTC date of the first list that had the coin"),
        sa.Column("last_seen_on", sa.Date, nullable=False, comment="UTC date of the latest list that had the coin"),
        sa.Column("is_active", sa.Boolean, nullable=False, comment="whether the latest list has the coin"),
        sa.PrimaryKeyConstraint("asset_id"),
        comment="Every coin ever seen in a list",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "asset_changes",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "seen_on",
            sa.Date,
            nullable=False,
            comment="UTC date on which the list that shows the change was fetched",
        ),
        sa.Column(
            "change",
            ExactText(32),
            nullable=False,
            comment="listed, delisted, relisted, renamed or symbol_changed",
        ),
        sa.Column("old_value", ExactText(1000), comment="name or symbol before the change"),
        sa.Column("new_value", ExactText(1000), comment="name or symbol after the change"),
        sa.PrimaryKeyConstraint("asset_id", "seen_on", "change"),
        comment="What happened to a coin between two lists",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "daily_market",
        sa.Column("date", sa.Date, nullable=False, comment="the values are those of 00:00:00 UTC of this date"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("price_usd", sa.Double, comment="price of one coin (US dollars)"),
        sa.Column("volume_24h_usd", sa.Double, comment="trading volume of the 24 hours before (US dollars)"),
        sa.Column("market_cap_usd", sa.Double, comment="market capitalisation (US dollars); 0 is CoinGecko's own"),
        sa.Column(
            "source",
            ExactText(16),
            nullable=False,
            comment="chart: the exact point of 00:00:00 UTC; snapshot: the current value minutes after it",
        ),
        sa.Column("observed_at", UtcDateTime, comment="moment of the value (UTC): a snapshot's own last update"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="One coin on one date: price, volume and market cap",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    # MySQL has no CREATE INDEX IF NOT EXISTS.
    if not sa.inspect(op.get_bind()).get_indexes("daily_market"):
        op.create_index("ix_daily_market_asset_id_date", "daily_market", ["asset_id", "date"])
    op.create_table(
        "raw_market_charts",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("body", compressed_body(), nullable=False, comment="the chart as received, compressed"),
        sa.Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
        sa.Column("covers_from", sa.Date, comment="first date whose midnight point the chart must contain"),
        sa.Column("covers_to", sa.Date, comment="last date whose midnight point the chart must contain"),
        sa.Column("points", sa.Integer, nullable=False, comment="points in the price series, as received (points)"),
        sa.PrimaryKeyConstraint("asset_id"),
        comment="The latest chart of each coin, as received",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "api_usage",
        sa.Column("day", sa.Date, nullable=False, comment="UTC date of the calls"),
        sa.Column("plan", ExactText(32), nullable=False, comment="CoinGecko plan that the calls were made on"),
        sa.Column("endpoint", ExactText(128), nullable=False, comment="endpoint, with its parameters' names"),
        sa.Column("calls", sa.BigInteger, nullable=False, comment="calls made (calls)"),
        sa.Column("credits", sa.BigInteger, nullable=False, comment="credits that they cost (credits)"),
        sa.PrimaryKeyConstraint("day", "plan", "endpoint"),
        comment="Calls and credits of one day, plan and endpoint",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "warehouse_origin",
        sa.Column(
            "one_row",
            sa.SmallInteger,
            nullable=False,
            autoincrement=False,
            comment="always 1: the key that lets there be one row only",
        ),
        sa.Column(
            "origin", ExactText(16), nullable=False, comment="live or sandbox: the only data allowed in this database"
        ),
        sa.Column("claimed_at", UtcDateTime, nullable=False, comment="moment of the first data (UTC)"),
        sa.PrimaryKeyConstraint("one_row"),
        comment="Whether this database holds live or sandbox data",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
