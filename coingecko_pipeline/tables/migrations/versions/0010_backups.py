"""The dumps that were taken, so that `status` can tell the age of the latest one."""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.tables.migrations.steps import drop_what_the_source_does_not_use
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; the schema of another source than the main one has none."""
    op.create_table(
        "backups",
        sa.Column("taken_at", UtcDateTime, nullable=False, comment="moment at which the dump was complete (UTC)"),
        sa.Column("file", ExactText(255), nullable=False, comment="its file's name, without a folder"),
        sa.Column("bytes", sa.BigInteger, nullable=False, comment="its size (bytes)"),
        sa.Column("databases_dumped", ExactText(255), nullable=False, comment="the databases that it holds"),
        sa.PrimaryKeyConstraint("taken_at", "file"),
        comment="One dump of the databases by make backup",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    drop_what_the_source_does_not_use()
