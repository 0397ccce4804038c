"""The whole row of the markets, contracts, currencies, candles and flags; whose sums leave rehypothecated coins out.

The rows that are there stay as they are: snapshots that were rounded until now are replaced by charts as before. As in
the first migration, each step can be taken again after an interruption.
"""

import sqlalchemy as sa
from alembic import context, op

from coingecko_pipeline.tables.migrations.steps import create_index, drop_what_the_source_does_not_use
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body, counted_id

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new; the global market is made anew, since its sums mean something else from now on."""
    for create in (_create_snapshots, _create_contracts, _create_currencies, _create_candles, _create_views):
        create()
    if context.config.attributes.get("tables") is not None:
        _create_ticker_snapshots()
    _add_sums()
    _say_how_pairs_are_found()
    drop_what_the_source_does_not_use()


def _create_snapshots() -> None:
    op.create_table(
        "market_snapshots",
        sa.Column("date", sa.Date, nullable=False, comment="UTC date on which the row was asked for"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("market_cap_rank", sa.Integer, comment="rank by market cap without rehypothecated coins"),
        sa.Column("market_cap_rank_with_rehypothecated", sa.Integer, comment="rank by market cap among all coins"),
        sa.Column("price_usd", sa.Double, comment="price of one coin (US dollars)"),
        sa.Column("market_cap_usd", sa.Double, comment="market capitalisation (US dollars); 0 is CoinGecko's own"),
        sa.Column(
            "fully_diluted_valuation_usd", sa.Double, comment="market cap, were all coins in circulation (US dollars)"
        ),
        sa.Column("volume_24h_usd", sa.Double, comment="trading volume of the 24 hours before (US dollars)"),
        sa.Column("high_24h_usd", sa.Double, comment="highest price of the 24 hours before (US dollars)"),
        sa.Column("low_24h_usd", sa.Double, comment="lowest price of the 24 hours before (US dollars)"),
        sa.Column("price_change_24h_usd", sa.Double, comment="price less the one of 24 hours before (US dollars)"),
        sa.Column("price_change_percentage_24h", sa.Double, comment="the same (percent)"),
        sa.Column(
            "market_cap_change_24h_usd", sa.Double, comment="market cap less the one of 24 hours before (US dollars)"
        ),
        sa.Column("market_cap_change_percentage_24h", sa.Double, comment="the same (percent)"),
        sa.Column("circulating_supply", sa.Double, comment="coins in circulation (coins)"),
        sa.Column("total_supply", sa.Double, comment="coins that there are (coins)"),
        sa.Column("max_supply", sa.Double, comment="coins that there can be (coins)"),
        sa.Column("ath_usd", sa.Double, comment="highest price ever (US dollars)"),
        sa.Column("ath_change_percentage", sa.Double, comment="price against it, less 1 (percent)"),
        sa.Column("ath_at", UtcDateTime, comment="moment of the highest price (UTC)"),
        sa.Column("atl_usd", sa.Double, comment="lowest price ever (US dollars)"),
        sa.Column("atl_change_percentage", sa.Double, comment="price against it, less 1 (percent)"),
        sa.Column("atl_at", UtcDateTime, comment="moment of the lowest price (UTC)"),
        sa.Column("roi_times", sa.Double, comment="gain since the coin was first sold (times what was paid)"),
        sa.Column("roi_percentage", sa.Double, comment="the same (percent)"),
        sa.Column("roi_currency", ExactText(16), comment="currency in which it was sold"),
        sa.Column("last_updated_at", UtcDateTime, comment="the coin's own last update (UTC)"),
        sa.Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer that held the row (UTC)"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="One coin on one date: every number and date of its row of the markets, as received",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("market_snapshots", ["asset_id", "date"])
    op.create_table(
        "market_pages",
        sa.Column("page_id", counted_id(), nullable=False, comment="number of the page, ascending as they were stored"),
        sa.Column("date", sa.Date, nullable=False, comment="UTC date on which it was asked for"),
        sa.Column("what", ExactText(255), nullable=False, comment="what was asked for, such as page 3 of the markets"),
        sa.Column("asked_at", UtcDateTime, nullable=False, comment="moment of asking (UTC)"),
        sa.Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
        sa.Column("body", compressed_body(), nullable=False, comment="as received, compressed"),
        sa.PrimaryKeyConstraint("page_id"),
        comment="One page of the markets, as received; kept for KEEP_PAGES_DAYS",
        mysql_charset="utf8mb4",
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    create_index("market_pages", ["date"])
    op.create_table(
        "rehypothecated_assets",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "first_on", sa.Date, nullable=False, comment="first date; 1970-01-01 where no snapshot tells otherwise"
        ),
        sa.Column(
            "last_on", sa.Date, nullable=False, comment="last date; 9999-12-31 where no snapshot tells otherwise"
        ),
        sa.PrimaryKeyConstraint("asset_id", "first_on"),
        comment="Dates on which a coin stands for others that are counted already: wrapped, staked or bridged",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "missing_coins",
        sa.Column("date", sa.Date, nullable=False, comment="UTC date of the snapshot"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("reason", ExactText(16), nullable=False, comment="not_served, not_asked or too_late"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="A coin of the list that the snapshot of a date did not bring, and why",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


def _create_contracts() -> None:
    op.create_table(
        "asset_contracts",
        sa.Column("platform", ExactText(128), nullable=False, comment="CoinGecko's id of the chain; can be empty"),
        sa.Column("address", ExactText(400), nullable=False, comment="as the chain compares it: EVM in lower case"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("first_seen_on", sa.Date, nullable=False, comment="UTC date of the first list that had it"),
        sa.Column("last_seen_on", sa.Date, nullable=False, comment="UTC date of the latest list that had it"),
        sa.Column("is_active", sa.Boolean, nullable=False, comment="whether the latest list has it"),
        sa.PrimaryKeyConstraint("platform", "address", "asset_id"),
        comment="A coin's contract on a chain, in whichever list it was",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("asset_contracts", ["asset_id"])
    op.create_table(
        "platforms",
        sa.Column("platform", ExactText(128), nullable=False, comment="CoinGecko's id of the chain"),
        sa.Column("name", ExactText(1000), comment="name as received"),
        sa.Column("short_name", ExactText(1000), comment="short name as received; can be empty"),
        sa.Column("chain_id", sa.BigInteger, comment="the chain's number among EVM chains; NULL where it is none"),
        sa.Column("native_asset_id", ExactText(191), comment="CoinGecko's id of the chain's own coin"),
        sa.Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
        sa.PrimaryKeyConstraint("platform"),
        comment="The chains on which coins are",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


def _create_currencies() -> None:
    op.create_table(
        "fx_rates",
        sa.Column("date", sa.Date, nullable=False, comment="the rate is the one of 00:00:00 UTC of this date"),
        sa.Column("currency", ExactText(16), nullable=False, comment="code in lower case, such as eur"),
        sa.Column("usd_per_unit", sa.Double, nullable=False, comment="price of one unit (US dollars)"),
        sa.Column(
            "source",
            ExactText(16),
            nullable=False,
            comment="chart: bitcoin's price in dollars by its price in the currency; current: as told on this date",
        ),
        sa.PrimaryKeyConstraint("date", "currency"),
        comment="One currency on one date",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("fx_rates", ["currency", "date"])
    op.create_table(
        "currency_charts",
        sa.Column(
            "answer_id", counted_id(), nullable=False, comment="number of the answer, ascending as they were stored"
        ),
        sa.Column("currency", ExactText(16), nullable=False, comment="code in lower case, such as eur"),
        sa.Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
        sa.Column(
            "days", sa.Integer, nullable=False, comment="midnights that were asked for, that day's included (days)"
        ),
        sa.Column(
            "outcome",
            ExactText(16),
            nullable=False,
            comment="values, empty, not_found, refused or unreadable: what the answer was",
        ),
        sa.Column("body", compressed_body(), comment="as received, compressed"),
        sa.Column(
            "first_on", sa.Date, comment="date of the first midnight that was asked for; NULL where there is no value"
        ),
        sa.Column("last_on", sa.Date, comment="date of the last midnight that it tells; NULL where there is no value"),
        sa.Column("is_written", sa.Boolean, nullable=False, comment="whether fx_rates has all that it gives"),
        sa.PrimaryKeyConstraint("answer_id"),
        comment="One answer to a call for bitcoin's chart in a currency, as received",
        mysql_charset="utf8mb4",
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    create_index("currency_charts", ["currency", "answer_id"])


def _create_candles() -> None:
    op.create_table(
        "daily_candles",
        sa.Column("date", sa.Date, nullable=False, comment="the UTC day, from its 00:00 to its 24:00"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("open_usd", sa.Double, comment="price at the midnight that begins the day (US dollars)"),
        sa.Column("high_usd", sa.Double, nullable=False, comment="highest price of the day (US dollars)"),
        sa.Column("low_usd", sa.Double, nullable=False, comment="lowest price of the day (US dollars)"),
        sa.Column("close_usd", sa.Double, comment="price at the midnight that ends the day (US dollars)"),
        sa.Column(
            "quality",
            ExactText(16),
            nullable=False,
            comment="inside, or which of open and close lies outside of low to high, or is not there",
        ),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="One coin on one day: open, high, low and close, from the snapshot at the midnight that ends it",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("daily_candles", ["asset_id", "date"])
    op.create_table(
        "market_flags",
        sa.Column("date", sa.Date, nullable=False, comment="date of the row of daily_market"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "flag",
            ExactText(32),
            nullable=False,
            comment="stale, spike, cap_not_supply, volume_above_cap, revised or candle_outside",
        ),
        sa.Column("detail", ExactText(255), comment="the figures that it was told from"),
        sa.PrimaryKeyConstraint("date", "asset_id", "flag"),
        comment="What is odd about one row of daily_market, which stays as it is",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("market_flags", ["asset_id", "date"])


def _create_ticker_snapshots() -> None:
    """Of the schema of another source than the main one."""
    op.create_table(
        "ticker_snapshots",
        sa.Column("date", sa.Date, nullable=False, comment="UTC date on which the row was asked for"),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinPaprika's id, byte for byte"),
        sa.Column("market_cap_rank", sa.Integer, comment="rank by market cap; 0 where CoinPaprika ranks it not"),
        sa.Column("price_usd", sa.Double, comment="price of one coin (US dollars)"),
        sa.Column("market_cap_usd", sa.Double, comment="market capitalisation (US dollars)"),
        sa.Column("volume_24h_usd", sa.Double, comment="trading volume of the 24 hours before (US dollars)"),
        sa.Column(
            "volume_change_percentage_24h", sa.Double, comment="volume against the one of 24 hours before (percent)"
        ),
        sa.Column(
            "market_cap_change_percentage_24h", sa.Double, comment="market cap against 24 hours before (percent)"
        ),
        sa.Column("price_change_percentage_15m", sa.Double, comment="price against 15 minutes before (percent)"),
        sa.Column("price_change_percentage_30m", sa.Double, comment="price against 30 minutes before (percent)"),
        sa.Column("price_change_percentage_1h", sa.Double, comment="price against 1 hour before (percent)"),
        sa.Column("price_change_percentage_6h", sa.Double, comment="price against 6 hours before (percent)"),
        sa.Column("price_change_percentage_12h", sa.Double, comment="price against 12 hours before (percent)"),
        sa.Column("price_change_percentage_24h", sa.Double, comment="price against 24 hours before (percent)"),
        sa.Column("price_change_percentage_7d", sa.Double, comment="price against 7 days before (percent)"),
        sa.Column("price_change_percentage_30d", sa.Double, comment="price against 30 days before (percent)"),
        sa.Column("price_change_percentage_1y", sa.Double, comment="price against 1 year before (percent)"),
        sa.Column("total_supply", sa.Double, comment="coins that there are (coins)"),
        sa.Column("max_supply", sa.Double, comment="coins that there can be (coins); 0 is CoinPaprika's own"),
        sa.Column("beta_value", sa.Double, comment="beta of the coin's returns, as CoinPaprika tells it"),
        sa.Column("ath_usd", sa.Double, comment="highest price ever (US dollars)"),
        sa.Column("ath_change_percentage", sa.Double, comment="price against it, less 1 (percent)"),
        sa.Column("ath_at", UtcDateTime, comment="moment of the highest price (UTC)"),
        sa.Column("first_data_at", UtcDateTime, comment="moment of the coin's first data (UTC)"),
        sa.Column("last_updated_at", UtcDateTime, comment="the coin's own last update (UTC)"),
        sa.Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer that held the row (UTC)"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="One coin on one date: every number and date of its ticker, as received",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


def _create_views() -> None:
    op.create_table(
        "declared_views",
        sa.Column("view_name", ExactText(64), nullable=False, comment="the view"),
        sa.Column("digest", ExactText(64), nullable=False, comment="SHA-256 of the statement that made it"),
        sa.PrimaryKeyConstraint("view_name"),
        comment="The views that were made by the program, which replaces and drops no others",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


def _say_how_pairs_are_found() -> None:
    bind = op.get_bind()
    # SQLite keeps no comments, and the schema of another source than the main one has no pairs.
    if bind.dialect.name == "sqlite" or not sa.inspect(bind).has_table("asset_pairs"):
        return
    op.alter_column(
        "asset_pairs",
        "how",
        existing_type=ExactText(16),
        existing_nullable=False,
        comment="contract, proposed, ambiguous or manual: who decided",
    )


def _add_sums() -> None:
    kinds = {
        "market_cap_usd": (sa.Double, "US dollars"),
        "volume_24h_usd": (sa.Double, "US dollars"),
        "coins_with_price": (sa.Integer, "coins"),
        "share_of_largest": (sa.Double, "fraction"),
        "share_of_ten": (sa.Double, "fraction"),
        "share_of_hundred": (sa.Double, "fraction"),
        "coins_up": (sa.Integer, "coins"),
        "coins_down": (sa.Integer, "coins"),
        "coins": (sa.Integer, "coins"),
        "coins_exact": (sa.Integer, "coins"),
    }
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    # The schema of another source than the main one has no global market.
    if not inspector.has_table("global_market_daily"):
        return
    there = {column["name"] for column in inspector.get_columns("global_market_daily")}
    for name, (kind, unit) in kinds.items():
        if f"all_{name}" not in there:
            comment = f"{name} with rehypothecated coins ({unit})"
            op.add_column("global_market_daily", sa.Column(f"all_{name}", kind, comment=comment))
    followed = sa.table("followed_changes", sa.column("table_name"))
    bind.execute(sa.delete(followed).where(followed.c.table_name == "global_market_daily"))
