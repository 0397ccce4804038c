"""The index of the daily market by coin has the price too, so that a coin's prices are read from it alone.

As in the first migration, each step can be taken again after an interruption. The old index goes last: a coin's rows
are found by an index all the time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW, OLD = "ix_daily_market_asset_id_date_price", "ix_daily_market_asset_id_date"


def upgrade() -> None:
    """Create the index with the price, then drop the one without."""
    there = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("daily_market")}
    if NEW not in there:
        op.create_index(NEW, "daily_market", ["asset_id", "date", "price_usd"])
    if OLD in there:
        op.drop_index(OLD, "daily_market")
