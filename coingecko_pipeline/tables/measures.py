"""The tables that are computed from `daily_market` inside the database: roll-ups and measures.

They are declared on the same `metadata` as the others, in a file of their own. **The row of date D is the value at
00:00:00 UTC of D**, so the close of a week or a month is the row of the day on which the next one begins. A value that
cannot be computed from what is stored is NULL, never 0 and never made up over missing days.
"""

from sqlalchemy import Column, Date, Double, Index, Integer, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText


def _rollup(name: str, start: str, period: str) -> Table:
    return Table(
        name,
        metadata,
        Column(start, Date, nullable=False, comment=f"first date of the {period}"),
        Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
        Column("open_usd", Double, comment=f"price at the midnight that begins the {period} (US dollars)"),
        Column("high_usd", Double, comment="highest price at the midnights from the first to the last (US dollars)"),
        Column("low_usd", Double, comment="lowest price at these midnights (US dollars)"),
        Column("close_usd", Double, comment=f"price at the midnight that ends the {period} (US dollars)"),
        Column("volume_24h_mean_usd", Double, comment="mean of the days' trading volumes (US dollars a day)"),
        Column("market_cap_close_usd", Double, comment=f"market cap at the end of the {period} (US dollars)"),
        Column("days_present", Integer, nullable=False, comment=f"days of the {period} that have a row (days)"),
        PrimaryKeyConstraint(start, "asset_id"),
        Index(f"ix_{name}_asset_id_{start}", "asset_id", start),
        comment=f"One coin in one {period}: open, high, low, close, mean volume",
        mysql_charset="utf8mb4",
    )


weekly_market = _rollup("weekly_market", "week_start", "week")
monthly_market = _rollup("monthly_market", "month_start", "month")

daily_returns = Table(
    "daily_returns",
    metadata,
    Column("date", Date, nullable=False, comment="the values are those of 00:00:00 UTC of this date"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("return_1d", Double, comment="price against the one of 1 day before, less 1 (fraction)"),
    Column("return_7d", Double, comment="price against the one of 7 days before, less 1 (fraction)"),
    Column("return_30d", Double, comment="price against the one of 30 days before, less 1 (fraction)"),
    Column("return_90d", Double, comment="price against the one of 90 days before, less 1 (fraction)"),
    Column("return_365d", Double, comment="price against the one of 365 days before, less 1 (fraction)"),
    Column("volatility_30d", Double, comment="deviation of the last 30 daily log returns, annualised (fraction)"),
    Column("highest_usd", Double, nullable=False, comment="highest stored price up to this date (US dollars)"),
    Column("drawdown", Double, nullable=False, comment="price against highest_usd, less 1; at most 0 (fraction)"),
    Column("moving_average_7d_usd", Double, comment="mean of the last 7 prices (US dollars)"),
    Column("moving_average_30d_usd", Double, comment="mean of the last 30 prices (US dollars)"),
    PrimaryKeyConstraint("date", "asset_id"),
    Index("ix_daily_returns_asset_id_date", "asset_id", "date"),
    comment="One coin on one date: returns, volatility, drawdown, moving averages",
    mysql_charset="utf8mb4",
)

ALL = "all_"
"""What the names of the columns begin with that have the rehypothecated coins in."""


def _with_rehypothecated() -> list[Column[float] | Column[int]]:
    return [
        Column(f"{ALL}market_cap_usd", Double, comment="market_cap_usd with rehypothecated coins (US dollars)"),
        Column(f"{ALL}volume_24h_usd", Double, comment="volume_24h_usd with rehypothecated coins (US dollars)"),
        Column(f"{ALL}coins_with_price", Integer, comment="coins_with_price with rehypothecated coins (coins)"),
        Column(f"{ALL}share_of_largest", Double, comment="share_of_largest with rehypothecated coins (fraction)"),
        Column(f"{ALL}share_of_ten", Double, comment="share_of_ten with rehypothecated coins (fraction)"),
        Column(f"{ALL}share_of_hundred", Double, comment="share_of_hundred with rehypothecated coins (fraction)"),
        Column(f"{ALL}coins_up", Integer, comment="coins_up with rehypothecated coins (coins)"),
        Column(f"{ALL}coins_down", Integer, comment="coins_down with rehypothecated coins (coins)"),
        Column(f"{ALL}coins", Integer, comment="coins with rehypothecated coins (coins)"),
        Column(f"{ALL}coins_exact", Integer, comment="coins_exact with rehypothecated coins (coins)"),
    ]


global_market_daily = Table(
    "global_market_daily",
    metadata,
    Column("date", Date, nullable=False, comment="the values are those of 00:00:00 UTC of this date"),
    Column("market_cap_usd", Double, comment="sum of the coins' market caps (US dollars)"),
    Column("volume_24h_usd", Double, comment="sum of the coins' trading volumes of the 24 hours before (US dollars)"),
    Column("coins_with_price", Integer, nullable=False, comment="coins that have a price (coins)"),
    Column("share_of_largest", Double, comment="market cap of the largest coin in the whole (fraction)"),
    Column("share_of_ten", Double, comment="market cap of the ten largest coins in the whole (fraction)"),
    Column("share_of_hundred", Double, comment="market cap of the hundred largest coins in the whole (fraction)"),
    Column("coins_up", Integer, nullable=False, comment="coins whose price is above the one of the day before (coins)"),
    Column("coins_down", Integer, nullable=False, comment="coins whose price is below it (coins)"),
    Column("coins", Integer, comment="coins that have a row, the stale ones included (coins)"),
    Column("coins_exact", Integer, comment="coins whose row is the exact one of a chart (coins)"),
    *_with_rehypothecated(),
    PrimaryKeyConstraint("date"),
    comment="The whole market on one date",
    mysql_charset="utf8mb4",
)

daily_ohlc = Table(
    "daily_ohlc",
    metadata,
    Column("date", Date, nullable=False, comment="the UTC day whose hours these are, from its 00:00 to its 24:00"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("open_usd", Double, nullable=False, comment="price of the day's first hour that has one (US dollars)"),
    Column("high_usd", Double, nullable=False, comment="highest price of the day's hours (US dollars)"),
    Column("low_usd", Double, nullable=False, comment="lowest price of the day's hours (US dollars)"),
    Column("close_usd", Double, nullable=False, comment="price of the day's last hour that has one (US dollars)"),
    Column("observations", Integer, nullable=False, comment="hours of the day with a price, 1 to 24 (hours)"),
    PrimaryKeyConstraint("date", "asset_id"),
    Index("ix_daily_ohlc_asset_id_date", "asset_id", "date"),
    comment="One of the largest coins on one day: open, high, low and close of its hourly prices",
    mysql_charset="utf8mb4",
)
