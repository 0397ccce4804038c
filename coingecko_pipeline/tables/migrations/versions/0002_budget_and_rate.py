"""What the history needs to be completed: charts' contents, misses, and the rate that processes share.

As in the first migration, each step can be taken again after an interruption.
"""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what an archived chart holds, the misses, and the shared rate."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("raw_market_charts")}
    for column in (
        sa.Column("midnights", sa.Integer, comment="dates with a midnight point in the chart (dates)"),
        sa.Column("first_on", sa.Date, comment="date of the first midnight point; NULL where there is none"),
        sa.Column("last_on", sa.Date, comment="date of the last midnight point; NULL where there is none"),
    ):
        if column.name not in there:
            op.add_column("raw_market_charts", column)
    op.create_table(
        "chart_misses",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "reason", ExactText(16), nullable=False, comment="not_found, empty or ended: what the latest answer was"
        ),
        sa.Column("asked_on", sa.Date, nullable=False, comment="UTC date of the latest answer"),
        sa.Column(
            "ask_again_on", sa.Date, nullable=False, comment="UTC date before which the chart is not asked for again"
        ),
        sa.PrimaryKeyConstraint("asset_id"),
        comment="A coin whose latest chart brought nothing new",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "api_rate",
        sa.Column("plan", ExactText(32), nullable=False, comment="CoinGecko plan that the calls are made on"),
        sa.Column(
            "calls", sa.BigInteger, nullable=False, comment="calls begun so far; the latest one's number (calls)"
        ),
        sa.Column("paused_until", UtcDateTime, comment="moment until which the server asked to wait (UTC)"),
        sa.PrimaryKeyConstraint("plan"),
        comment="What all processes on one plan share of its rate",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "api_recent_calls",
        sa.Column("plan", ExactText(32), nullable=False, comment="CoinGecko plan that the call was made on"),
        sa.Column(
            "number", sa.BigInteger, nullable=False, autoincrement=False, comment="number of the call, ascending"
        ),
        sa.Column("called_at", UtcDateTime, nullable=False, comment="moment at which the call was let through (UTC)"),
        sa.PrimaryKeyConstraint("plan", "number"),
        comment="The calls of the latest minute, of all processes on one plan",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
