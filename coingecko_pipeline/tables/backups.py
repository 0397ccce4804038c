"""The dumps that were taken of a deployment's databases."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

backups = Table(
    "backups",
    metadata,
    Column("taken_at", UtcDateTime, nullable=False, comment="moment at which the dump was complete (UTC)"),
    Column("file", ExactText(255), nullable=False, comment="its file's name, without a folder"),
    Column("bytes", BigInteger, nullable=False, comment="its size (bytes)"),
    Column("databases_dumped", ExactText(255), nullable=False, comment="the databases that it holds"),
    PrimaryKeyConstraint("taken_at", "file"),
    comment="One dump of the databases by make backup",
    mysql_charset="utf8mb4",
)
