"""The whole row of each coin as the markets told it, the pages that it came from, and which coins count twice.

A number that was not given is NULL, never 0. JSON has no integers: one beyond 2**53 is the nearest double here, as for
every reader of JSON; its digits are in the page.
"""

from sqlalchemy import Column, Date, Double, Index, Integer, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.guard import Guard, Lowest
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body, counted_id

CURRENCY_LENGTH = 16
"""The longest code of a currency that CoinGecko knows has 4 characters."""

market_snapshots = Table(
    "market_snapshots",
    metadata,
    Column("date", Date, nullable=False, comment="UTC date on which the row was asked for"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("market_cap_rank", Integer, comment="rank by market cap without rehypothecated coins"),
    Column("market_cap_rank_with_rehypothecated", Integer, comment="rank by market cap among all coins"),
    Column("price_usd", Double, comment="price of one coin (US dollars)"),
    Column("market_cap_usd", Double, comment="market capitalisation (US dollars); 0 is CoinGecko's own"),
    Column("fully_diluted_valuation_usd", Double, comment="market cap, were all coins in circulation (US dollars)"),
    Column("volume_24h_usd", Double, comment="trading volume of the 24 hours before (US dollars)"),
    Column("high_24h_usd", Double, comment="highest price of the 24 hours before (US dollars)"),
    Column("low_24h_usd", Double, comment="lowest price of the 24 hours before (US dollars)"),
    Column("price_change_24h_usd", Double, comment="price less the one of 24 hours before (US dollars)"),
    Column("price_change_percentage_24h", Double, comment="the same (percent)"),
    Column("market_cap_change_24h_usd", Double, comment="market cap less the one of 24 hours before (US dollars)"),
    Column("market_cap_change_percentage_24h", Double, comment="the same (percent)"),
    Column("circulating_supply", Double, comment="coins in circulation (coins)"),
    Column("total_supply", Double, comment="coins that there are (coins)"),
    Column("max_supply", Double, comment="coins that there can be (coins)"),
    Column("ath_usd", Double, comment="highest price ever (US dollars)"),
    Column("ath_change_percentage", Double, comment="price against it, less 1 (percent)"),
    Column("ath_at", UtcDateTime, comment="moment of the highest price (UTC)"),
    Column("atl_usd", Double, comment="lowest price ever (US dollars)"),
    Column("atl_change_percentage", Double, comment="price against it, less 1 (percent)"),
    Column("atl_at", UtcDateTime, comment="moment of the lowest price (UTC)"),
    Column("roi_times", Double, comment="gain since the coin was first sold (times what was paid)"),
    Column("roi_percentage", Double, comment="the same (percent)"),
    Column("roi_currency", ExactText(CURRENCY_LENGTH), comment="currency in which it was sold"),
    Column("last_updated_at", UtcDateTime, comment="the coin's own last update (UTC)"),
    Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer that held the row (UTC)"),
    PrimaryKeyConstraint("date", "asset_id"),
    Index("ix_market_snapshots_asset_id_date", "asset_id", "date"),
    comment="One coin on one date: every number and date of its row of the markets, as received",
    mysql_charset="utf8mb4",
    info={"guard": Guard(Lowest("answered_at"))},
)

market_pages = Table(
    "market_pages",
    metadata,
    Column("page_id", counted_id(), nullable=False, comment="number of the page, ascending as they were stored"),
    Column("date", Date, nullable=False, comment="UTC date on which it was asked for"),
    Column("what", ExactText(255), nullable=False, comment="what was asked for, such as page 3 of the markets"),
    Column("asked_at", UtcDateTime, nullable=False, comment="moment of asking (UTC)"),
    Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
    Column("body", compressed_body(), nullable=False, comment="as received, compressed"),
    PrimaryKeyConstraint("page_id"),
    Index("ix_market_pages_date", "date"),
    comment="One page of the markets, as received; kept for KEEP_PAGES_DAYS",
    mysql_charset="utf8mb4",
    sqlite_autoincrement=True,
)

rehypothecated_assets = Table(
    "rehypothecated_assets",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("first_on", Date, nullable=False, comment="first date; 1970-01-01 where no snapshot tells otherwise"),
    Column("last_on", Date, nullable=False, comment="last date; 9999-12-31 where no snapshot tells otherwise"),
    PrimaryKeyConstraint("asset_id", "first_on"),
    comment="Dates on which a coin stands for others that are counted already: wrapped, staked or bridged",
    mysql_charset="utf8mb4",
)

NOT_SERVED = "not_served"
"""`missing_coins.reason` of a coin that the markets did not have, also when it was asked for by its id."""
NOT_ASKED = "not_asked"
"""`missing_coins.reason` of a coin that no call was left for."""
TOO_LATE = "too_late"
"""`missing_coins.reason` of a coin whose page would have been one of the next day."""

missing_coins = Table(
    "missing_coins",
    metadata,
    Column("date", Date, nullable=False, comment="UTC date of the snapshot"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("reason", ExactText(16), nullable=False, comment="not_served, not_asked or too_late"),
    PrimaryKeyConstraint("date", "asset_id"),
    comment="A coin of the list that the snapshot of a date did not bring, and why",
    mysql_charset="utf8mb4",
)

ticker_snapshots = Table(
    "ticker_snapshots",
    metadata,
    Column("date", Date, nullable=False, comment="UTC date on which the row was asked for"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinPaprika's id, byte for byte"),
    Column("market_cap_rank", Integer, comment="rank by market cap; 0 where CoinPaprika ranks it not"),
    Column("price_usd", Double, comment="price of one coin (US dollars)"),
    Column("market_cap_usd", Double, comment="market capitalisation (US dollars)"),
    Column("volume_24h_usd", Double, comment="trading volume of the 24 hours before (US dollars)"),
    Column("volume_change_percentage_24h", Double, comment="volume against the one of 24 hours before (percent)"),
    Column("market_cap_change_percentage_24h", Double, comment="market cap against 24 hours before (percent)"),
    Column("price_change_percentage_15m", Double, comment="price against 15 minutes before (percent)"),
    Column("price_change_percentage_30m", Double, comment="price against 30 minutes before (percent)"),
    Column("price_change_percentage_1h", Double, comment="price against 1 hour before (percent)"),
    Column("price_change_percentage_6h", Double, comment="price against 6 hours before (percent)"),
    Column("price_change_percentage_12h", Double, comment="price against 12 hours before (percent)"),
    Column("price_change_percentage_24h", Double, comment="price against 24 hours before (percent)"),
    Column("price_change_percentage_7d", Double, comment="price against 7 days before (percent)"),
    Column("price_change_percentage_30d", Double, comment="price against 30 days before (percent)"),
    Column("price_change_percentage_1y", Double, comment="price against 1 year before (percent)"),
    Column("total_supply", Double, comment="coins that there are (coins)"),
    Column("max_supply", Double, comment="coins that there can be (coins); 0 is CoinPaprika's own"),
    Column("beta_value", Double, comment="beta of the coin's returns, as CoinPaprika tells it"),
    Column("ath_usd", Double, comment="highest price ever (US dollars)"),
    Column("ath_change_percentage", Double, comment="price against it, less 1 (percent)"),
    Column("ath_at", UtcDateTime, comment="moment of the highest price (UTC)"),
    Column("first_data_at", UtcDateTime, comment="moment of the coin's first data (UTC)"),
    Column("last_updated_at", UtcDateTime, comment="the coin's own last update (UTC)"),
    Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer that held the row (UTC)"),
    PrimaryKeyConstraint("date", "asset_id"),
    comment="One coin on one date: every number and date of its ticker, as received",
    mysql_charset="utf8mb4",
    info={"guard": Guard(Lowest("answered_at"))},
)
"""In the schema of CoinPaprika alone."""
