"""Where two sources meet: the pairs of their coins, and how far their numbers agree.

As in the first migration, each step can be taken again after an interruption.
"""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.warehouse.types import ExactText

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the pairs and the agreement."""
    op.create_table(
        "asset_pairs",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("coinpaprika_id", ExactText(191), comment="CoinPaprika's id; NULL where the coin has no pair"),
        sa.Column("how", ExactText(16), nullable=False, comment="proposed, ambiguous or manual: who decided"),
        sa.Column(
            "matched_on", sa.Date, nullable=False, comment="UTC date whose prices were compared, or of the decision"
        ),
        sa.Column(
            "candidates", ExactText(), comment="CoinPaprika's ids that would do, as JSON; of an ambiguous coin only"
        ),
        sa.PrimaryKeyConstraint("asset_id"),
        sa.UniqueConstraint("coinpaprika_id", name="uq_asset_pairs_coinpaprika_id"),
        comment="Which coin of CoinGecko is which of CoinPaprika",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "source_agreement",
        sa.Column(
            "date", sa.Date, nullable=False, comment="the values compared are those of 00:00:00 UTC of this date"
        ),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "price_difference", sa.Double, comment="(CoinPaprika - CoinGecko) / CoinGecko of the price (fraction)"
        ),
        sa.Column("volume_difference", sa.Double, comment="the same of the 24-hour volume (fraction)"),
        sa.Column("market_cap_difference", sa.Double, comment="the same of the market cap (fraction)"),
        sa.PrimaryKeyConstraint("date", "asset_id"),
        comment="How far the two sources differ on one coin on one date",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
