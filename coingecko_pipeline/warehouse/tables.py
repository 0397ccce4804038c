"""Every table of the warehouse, declared once as data.

SQL, checks, column schemas and documents come from these declarations; the migrations state the same tables as DDL,
and a test proves that they agree. **The row of date D is the value at 00:00:00 UTC of D**, its volume that of the 24
hours before. A value that was not given is NULL, never 0. All times are UTC.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
)

from coingecko_pipeline.warehouse.guard import Guard, Ranked
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body

# The longest id seen in six years of lists has 72 characters. 191 is the most whose four-byte characters fit the 767
# bytes that the strictest InnoDB row format allows an index column.
ASSET_ID_LENGTH = 191
# The longest symbol seen has 50 characters, the longest name 88: one over-long newcomer must not stop a day.
SYMBOL_LENGTH = 255
NAME_LENGTH = 1000

SNAPSHOT = "snapshot"
"""`daily_market.source` of a row read from the current prices in the first minutes of its date."""
CHART = "chart"
"""`daily_market.source` of a row that is the exact 00:00:00 UTC point of a chart."""

metadata = MetaData()
"""All tables, those of `measure_tables` too; the name of each is the last part of its Dagster asset's key."""

raw_asset_list = Table(
    "raw_asset_list",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("symbol", ExactText(SYMBOL_LENGTH), comment="ticker symbol as received; not unique, can be empty"),
    Column("name", ExactText(NAME_LENGTH), comment="name as received"),
    Column("platforms", ExactText(), comment="contract addresses by chain: the JSON text as received"),
    Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer that held the list (UTC)"),
    PrimaryKeyConstraint("asset_id"),
    comment="The latest list of all coins, as received",
    mysql_charset="utf8mb4",
)

assets = Table(
    "assets",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("symbol", ExactText(SYMBOL_LENGTH), nullable=False, comment="latest ticker symbol; not unique"),
    Column("name", ExactText(NAME_LENGTH), nullable=False, comment="latest name"),
    Column("first_seen_on", Date, nullable=False, comment="UTC date of the first list that had the coin"),
    Column("last_seen_on", Date, nullable=False, comment="UTC date of the latest list that had the coin"),
    Column("is_active", Boolean, nullable=False, comment="whether the latest list has the coin"),
    PrimaryKeyConstraint("asset_id"),
    comment="Every coin ever seen in a list",
    mysql_charset="utf8mb4",
)

asset_changes = Table(
    "asset_changes",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("seen_on", Date, nullable=False, comment="UTC date on which the list that shows the change was fetched"),
    Column(
        "change",
        ExactText(32),
        nullable=False,
        comment="listed, delisted, relisted, renamed or symbol_changed",
    ),
    Column("old_value", ExactText(NAME_LENGTH), comment="name or symbol before the change"),
    Column("new_value", ExactText(NAME_LENGTH), comment="name or symbol after the change"),
    PrimaryKeyConstraint("asset_id", "seen_on", "change"),
    comment="What happened to a coin between two lists",
    mysql_charset="utf8mb4",
)

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
        comment="chart: the exact point of 00:00:00 UTC; snapshot: the current value minutes after it",
    ),
    Column("observed_at", UtcDateTime, comment="moment of the value (UTC): a snapshot's own last update"),
    PrimaryKeyConstraint("date", "asset_id"),
    Index("ix_daily_market_asset_id_date", "asset_id", "date"),
    comment="One coin on one date: price, volume and market cap",
    mysql_charset="utf8mb4",
    info={"guard": Guard(Ranked("source", (SNAPSHOT, CHART)), "observed_at")},
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

warehouse_origin = Table(
    "warehouse_origin",
    metadata,
    Column(
        "one_row",
        SmallInteger,
        nullable=False,
        autoincrement=False,
        comment="always 1: the key that lets there be one row only",
    ),
    Column("origin", ExactText(16), nullable=False, comment="live or sandbox: the only data allowed in this database"),
    Column("claimed_at", UtcDateTime, nullable=False, comment="moment of the first data (UTC)"),
    PrimaryKeyConstraint("one_row"),
    comment="Whether this database holds live or sandbox data",
    mysql_charset="utf8mb4",
)
