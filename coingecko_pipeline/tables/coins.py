"""The list of coins as received, the coins ever seen, and what happened to them."""

from sqlalchemy import Boolean, Column, Date, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, NAME_LENGTH, SYMBOL_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

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

refused_asset_list = Table(
    "refused_asset_list",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer that held the list (UTC)"),
    PrimaryKeyConstraint("asset_id"),
    comment="The ids of the latest list that was refused; one that agrees with it is accepted",
    mysql_charset="utf8mb4",
)
