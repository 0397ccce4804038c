"""The catalog of the lake: which files its tables are made of."""

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.tables.migrations.steps import drop_what_the_source_does_not_use
from coingecko_pipeline.warehouse.types import ExactText

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the schema of another source than the main one has none."""
    op.create_table(
        "iceberg_tables",
        sa.Column("catalog_name", ExactText(255), nullable=False, comment="always lake"),
        sa.Column("table_namespace", ExactText(255), nullable=False, comment="whose data it holds, such as coingecko"),
        sa.Column("table_name", ExactText(255), nullable=False, comment="the table"),
        sa.Column("metadata_location", ExactText(1000), comment="address of the file that tells its current files"),
        sa.Column("previous_metadata_location", ExactText(1000), comment="the same before the latest change"),
        sa.Column("iceberg_type", ExactText(5), comment="TABLE; VIEW for what another program made"),
        sa.PrimaryKeyConstraint("catalog_name", "table_namespace", "table_name"),
        comment="One table of the lake with the address of its metadata; a change of the lake is a change of this row",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "iceberg_namespace_properties",
        sa.Column("catalog_name", ExactText(255), nullable=False, comment="always lake"),
        sa.Column("namespace", ExactText(255), nullable=False, comment="whose data the lake holds, such as coingecko"),
        sa.Column("property_key", ExactText(255), nullable=False, comment="a property of it"),
        sa.Column("property_value", ExactText(1000), nullable=False, comment="its value"),
        sa.PrimaryKeyConstraint("catalog_name", "namespace", "property_key"),
        comment="One property of a namespace of the lake",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    drop_what_the_source_does_not_use()
