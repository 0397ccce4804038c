"""What the checks of the tables found, so that it can be read without Dagster."""

from sqlalchemy import Boolean, Column, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

CHECK_DETAIL_LENGTH = 1000

check_results = Table(
    "check_results",
    metadata,
    Column("asset", ExactText(191), nullable=False, comment="key of the Dagster asset, such as coingecko/daily_market"),
    Column("check_name", ExactText(191), nullable=False, comment="the statement that holds when the check passes"),
    Column("is_passed", Boolean, nullable=False, comment="whether it holds"),
    Column("is_error", Boolean, nullable=False, comment="an error, where it does not hold, or a warning"),
    Column("detail", ExactText(CHECK_DETAIL_LENGTH), nullable=False, comment="the figures that it was told from"),
    Column("evaluated_at", UtcDateTime, nullable=False, comment="moment of the evaluation (UTC)"),
    PrimaryKeyConstraint("asset", "check_name"),
    comment="The latest outcome of each check",
    mysql_charset="utf8mb4",
)
