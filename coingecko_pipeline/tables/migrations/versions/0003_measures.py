"""Roll-ups and measures of the daily market.

As in the first migration, each step can be taken again after an interruption: an index is created with its table.
"""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.warehouse.types import ExactText

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the weekly and the monthly market, the daily returns and the global market."""
    for name, start, period in (("weekly_market", "week_start", "week"), ("monthly_market", "month_start", "month")):
        op.create_table(
            name,
            sa.Column(start, sa.Date, nullable=False, comment=f"first date of the {period}"),
            sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
            sa.Column("open_usd", sa.Double, comment=f"price at the midnight that begins the {period} (US dollars)"),
            sa.Column(
                "high_usd", sa.Double, comment="highest price at the midnights from the first to the last (US dollars)"
            ),
            sa.Column("low_usd", sa.Double, comment="lowest price at these midnights (US dollars)"),
            sa.Column("close_usd", sa.Double, comment=f"price at the midnight that ends the {period} (US dollars)"),
            sa.Column("volume_24h_mean_usd", sa.Double, comment="mean of the days' trading volumes (US dollars a day)"),
            sa.Column(
                "market_cap_close_usd",
                sa.Double,
                comment=f"market cap at the end of the {period} (US dollars)",
            ),
            sa.Column(
                "days_present", sa.Integer, nullable=False, comment=f"days of the {period} that have a row (days)"
            ),
            sa.PrimaryKeyConstraint(start, "asset_id"),
            comment=f"One coin in one {period}: open, high, low, close, mean volume",
            mysql_charset="utf8mb4",
            if_not_exists=True,
        )
        _create_index(name, ["asset_id", start])
    op.create_table(
        "daily_returns",
        sa.Column("date", sa.Date, nullable=False, comment="the values are those of 00:00:00 UTC of this date"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        *(
            sa.Column(
                f"return_{days}d",
                sa.Double,
                comment=f"price against the one of {days} day{'s' * (days > 1)} before, less 1 (fraction)",
            )
            for days in (1, 7, 30, 90, 365)
        ),
        sa.Column(
            "volatility_30d", sa.Double, comment="deviation of the last 30 daily log returns, annualised (fraction)"
        ),
        sa.Column(
            "highest_usd", sa.Double, nullable=False, comment="highest stored price up to this date (US dollars)"
        ),
        sa.Column(
            "drawdown", sa.Double, nullable=False, comment="price against highest_usd, less 1; at most 0 (fraction)"
        ),
        sa.Column("moving_average_7d_usd", sa.Double, comment="mean of the last 7 prices (US dollars)"),
        sa.Column("moving_average_30d_usd", sa.Double, comment="mean of the last 30 prices (US dollars)"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="One coin on one date: returns, volatility, drawdown, moving averages",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    _create_index("daily_returns", ["asset_id", "date"])
    op.create_table(
        "global_market_daily",
        sa.Column("date", sa.Date, nullable=False, comment="the values are those of 00:00:00 UTC of this date"),
        sa.Column("market_cap_usd", sa.Double, comment="sum of the coins' market caps (US dollars)"),
        sa.Column(
            "volume_24h_usd",
            sa.Double,
            comment="sum of the coins' trading volumes of the 24 hours before (US dollars)",
        ),
        sa.Column("coins_with_price", sa.Integer, nullable=False, comment="coins that have a price (coins)"),
        sa.Column("share_of_largest", sa.Double, comment="market cap of the largest coin in the whole (fraction)"),
        sa.Column("share_of_ten", sa.Double, comment="market cap of the ten largest coins in the whole (fraction)"),
        sa.Column(
            "share_of_hundred", sa.Double, comment="market cap of the hundred largest coins in the whole (fraction)"
        ),
        sa.Column(
            "coins_up",
            sa.Integer,
            nullable=False,
            comment="coins whose price is above the one of the day before (coins)",
        ),
        sa.Column("coins_down", sa.Integer, nullable=False, comment="coins whose price is below it (coins)"),
        sa.PrimaryKeyConstraint("date"),
        comment="The whole market on one date",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


def _create_index(table: str, columns: list[str]) -> None:
    # MySQL has no CREATE INDEX IF NOT EXISTS.
    if not sa.inspect(op.get_bind()).get_indexes(table):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
