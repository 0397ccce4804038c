"""${message}."""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """State the DDL outright; do not import the declared tables, which later versions change."""
    ${upgrades if upgrades else "pass"}
