"""The tables in which two sources meet: which coin of one is which of the other, and how far their numbers agree."""

from sqlalchemy import Column, Date, Double, PrimaryKeyConstraint, Table, UniqueConstraint

from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, metadata
from coingecko_pipeline.warehouse.types import ExactText

PROPOSED = "proposed"
"""`asset_pairs.how` of a pair that symbol, name and price told; it stays, whatever they are later."""
CONTRACT = "contract"
"""`asset_pairs.how` of a pair that a contract told, the one that both sources have of these coins; it stays as well."""
AMBIGUOUS = "ambiguous"
"""`asset_pairs.how` of a coin for which several pairs would do: it has none until a person decides."""
MANUAL = "manual"
"""`asset_pairs.how` of what a person decided, a pair or that there is none; never changed by a run."""

asset_pairs = Table(
    "asset_pairs",
    metadata,
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("coinpaprika_id", ExactText(ASSET_ID_LENGTH), comment="CoinPaprika's id; NULL where the coin has no pair"),
    Column("how", ExactText(16), nullable=False, comment="contract, proposed, ambiguous or manual: who decided"),
    Column("matched_on", Date, nullable=False, comment="UTC date whose prices were compared, or of the decision"),
    Column("candidates", ExactText(), comment="CoinPaprika's ids that would do, as JSON; of an ambiguous coin only"),
    PrimaryKeyConstraint("asset_id"),
    UniqueConstraint("coinpaprika_id", name="uq_asset_pairs_coinpaprika_id"),
    comment="Which coin of CoinGecko is which of CoinPaprika",
    mysql_charset="utf8mb4",
)

source_agreement = Table(
    "source_agreement",
    metadata,
    Column("date", Date, nullable=False, comment="the values compared are those of 00:00:00 UTC of this date"),
    Column("asset_id", ExactText(ASSET_ID_LENGTH), nullable=False, comment="CoinGecko's id, byte for byte"),
    Column("price_difference", Double, comment="(CoinPaprika - CoinGecko) / CoinGecko of the price (fraction)"),
    Column("volume_difference", Double, comment="the same of the 24-hour volume (fraction)"),
    Column("market_cap_difference", Double, comment="the same of the market cap (fraction)"),
    PrimaryKeyConstraint("date", "asset_id"),
    comment="How far the two sources differ on one coin on one date",
    mysql_charset="utf8mb4",
)
