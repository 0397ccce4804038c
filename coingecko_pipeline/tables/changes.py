"""The change log of the market tables, how far each derived table has followed it, and what CoinGecko revised."""

from sqlalchemy import BigInteger, Column, Date, Double, Index, PrimaryKeyConstraint, SmallInteger, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

TABLE_NAME_LENGTH = 64
"""The longest name that MySQL gives a table."""

market_changes = Table(
    "market_changes",
    metadata,
    Column(
        "number",
        BigInteger,
        nullable=False,
        autoincrement=False,
        comment="ascending as the changes were committed, without gaps",
    ),
    Column("table_name", ExactText(TABLE_NAME_LENGTH), nullable=False, comment="the table whose rows changed"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), comment="the coin whose rows changed; NULL for all coins"),
    Column("first_on", Date, nullable=False, comment="first date whose rows changed"),
    Column("last_on", Date, nullable=False, comment="last date whose rows changed"),
    Column("changed_at", UtcDateTime, nullable=False, comment="moment of the change (UTC)"),
    PrimaryKeyConstraint("number"),
    Index("ix_market_changes_table_name_number", "table_name", "number"),
    comment="One thing that changed in a market table: a date for all coins, or a coin's dates",
    mysql_charset="utf8mb4",
)

market_change_counter = Table(
    "market_change_counter",
    metadata,
    Column(
        "one_row",
        SmallInteger,
        nullable=False,
        autoincrement=False,
        comment="always 1: the key that lets there be one row only",
    ),
    Column("number", BigInteger, nullable=False, comment="number of the latest change"),
    PrimaryKeyConstraint("one_row"),
    comment="The number of the latest change; locked by who adds one, so that numbers ascend as they are committed",
    mysql_charset="utf8mb4",
)

followed_changes = Table(
    "followed_changes",
    metadata,
    Column("table_name", ExactText(TABLE_NAME_LENGTH), nullable=False, comment="the derived table"),
    Column("source", ExactText(32), nullable=False, comment="whose change log it follows, such as coingecko"),
    Column("number", BigInteger, nullable=False, comment="number of the latest change that its rows have followed"),
    Column("computed_at", UtcDateTime, nullable=False, comment="moment at which it did (UTC)"),
    PrimaryKeyConstraint("table_name", "source"),
    comment="How far each derived table has followed the changes",
    mysql_charset="utf8mb4",
)

market_revisions = Table(
    "market_revisions",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("date", Date, nullable=False, comment="the date whose value was changed"),
    Column("column_name", ExactText(TABLE_NAME_LENGTH), nullable=False, comment="column of daily_market"),
    Column("seen_at", UtcDateTime, nullable=False, comment="moment of the answer that has the new value (UTC)"),
    Column("old_value", Double, nullable=False, comment="what an earlier answer said (US dollars)"),
    Column("new_value", Double, nullable=False, comment="what the later one says (US dollars)"),
    PrimaryKeyConstraint("asset_id", "date", "column_name", "seen_at"),
    Index("ix_market_revisions_seen_at", "seen_at"),
    comment="A value of a day that was over and that CoinGecko changed afterwards",
    mysql_charset="utf8mb4",
)
