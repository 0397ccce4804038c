"""The latest outcome of each check, which is read without Dagster."""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.tables.migrations.steps import drop_what_the_source_does_not_use
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; the schema of another source than the main one has none."""
    op.create_table(
        "check_results",
        sa.Column(
            "asset", ExactText(191), nullable=False, comment="key of the Dagster asset, such as coingecko/daily_market"
        ),
        sa.Column(
            "check_name", ExactText(191), nullable=False, comment="the statement that holds when the check passes"
        ),
        sa.Column("is_passed", sa.Boolean, nullable=False, comment="whether it holds"),
        sa.Column(
            "is_error",
            sa.Boolean,
            nullable=False,
            comment="an error, where it does not hold, or a warning",
        ),
        sa.Column("detail", ExactText(1000), nullable=False, comment="the figures that it was told from"),
        sa.Column("evaluated_at", UtcDateTime, nullable=False, comment="moment of the evaluation (UTC)"),
        sa.PrimaryKeyConstraint("asset", "check_name"),
        comment="The latest outcome of each check",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    drop_what_the_source_does_not_use()
