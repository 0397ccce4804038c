"""On which chains a coin is, under which address, and what these chains are."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, NAME_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

PLATFORM_LENGTH = 128
"""The longest id of a chain in the recorded lists has 30 characters."""
ADDRESS_LENGTH = 400
"""The longest recorded address has 120 characters; with a chain and a coin it fits the 3,072 bytes of an InnoDB key."""

asset_contracts = Table(
    "asset_contracts",
    metadata,
    Column("platform", ExactText(PLATFORM_LENGTH), nullable=False, comment="CoinGecko's id of the chain; can be empty"),
    Column("address", ExactText(ADDRESS_LENGTH), nullable=False, comment="as the chain compares it: EVM in lower case"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("first_seen_on", Date, nullable=False, comment="UTC date of the first list that had it"),
    Column("last_seen_on", Date, nullable=False, comment="UTC date of the latest list that had it"),
    Column("is_active", Boolean, nullable=False, comment="whether the latest list has it"),
    PrimaryKeyConstraint("platform", "address", "asset_id"),
    Index("ix_asset_contracts_asset_id", "asset_id"),
    comment="A coin's contract on a chain, in whichever list it was",
    mysql_charset="utf8mb4",
)

platforms = Table(
    "platforms",
    metadata,
    Column("platform", ExactText(PLATFORM_LENGTH), nullable=False, comment="CoinGecko's id of the chain"),
    Column("name", ExactText(NAME_LENGTH), comment="name as received"),
    Column("short_name", ExactText(NAME_LENGTH), comment="short name as received; can be empty"),
    Column("chain_id", BigInteger, comment="the chain's number among EVM chains; NULL where it is none"),
    Column("native_asset_id", ExactText(ASSET_ID_LENGTH), comment="CoinGecko's id of the chain's own coin"),
    Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
    PrimaryKeyConstraint("platform"),
    comment="The chains on which coins are",
    mysql_charset="utf8mb4",
)
