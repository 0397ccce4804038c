"""The database: its tables, transactions and migrations, and the MySQL IO manager for Dagster.

It knows nothing of CoinGecko's API; `docs/mysql-io-manager.md` shows its use in another Dagster project.
"""

from coingecko_pipeline.warehouse import agreement_tables, measure_tables, tables
from coingecko_pipeline.warehouse.asset_metadata import column_schema, table_name
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import (
    DatabaseUnavailable,
    DatabaseUrlError,
    DeclarationError,
    InvalidFrameError,
    OriginError,
    RowsRefusedError,
    SchemaVersionError,
    StorageFull,
    WarehouseError,
)
from coingecko_pipeline.warehouse.guard import Guard, Ranked
from coingecko_pipeline.warehouse.io_manager import Frames, MySQLIOManager
from coingecko_pipeline.warehouse.migrations import assert_current, current_revision, migrate, prepare
from coingecko_pipeline.warehouse.origin import assert_origin, claim_origin, stored_origin
from coingecko_pipeline.warehouse.reading import Between, OneOf, read_frame
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

__all__ = [
    "Between",
    "Database",
    "DatabaseUnavailable",
    "DatabaseUrlError",
    "DeclarationError",
    "ExactText",
    "Frames",
    "Guard",
    "InvalidFrameError",
    "MySQLIOManager",
    "OneOf",
    "OriginError",
    "Ranked",
    "RowsRefusedError",
    "SchemaVersionError",
    "StorageFull",
    "UtcDateTime",
    "WarehouseError",
    "agreement_tables",
    "assert_current",
    "assert_origin",
    "claim_origin",
    "column_schema",
    "current_revision",
    "measure_tables",
    "migrate",
    "prepare",
    "read_frame",
    "stored_origin",
    "table_name",
    "tables",
]
