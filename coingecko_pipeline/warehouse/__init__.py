"""A database of declared tables: transactions, frames, migrations, and the MySQL IO manager for Dagster.

It knows no table and no command of any project; `docs/mysql-io-manager.md` shows its use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from coingecko_pipeline.warehouse.column_inputs import Inputs, column_inputs, merged_inputs
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.errors import (
    DatabaseUnavailable,
    DatabaseUrlError,
    DeclarationError,
    InvalidFrameError,
    RowsRefusedError,
    SchemaVersionError,
    StatementRefused,
    StorageFull,
    StoredValueError,
    WarehouseError,
)
from coingecko_pipeline.warehouse.guard import Guard, Lowest, Ranked
from coingecko_pipeline.warehouse.migrating import Migrations
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime

if TYPE_CHECKING:
    from coingecko_pipeline.warehouse.asset_metadata import column_lineage, column_schema, table_name, table_uri
    from coingecko_pipeline.warehouse.io_manager import MySQLIOManager
    from coingecko_pipeline.warehouse.output import Frames
    from coingecko_pipeline.warehouse.reading import Between, OneOf, read_arrow, read_frame

__all__ = [
    "Between",
    "Database",
    "DatabaseUnavailable",
    "DatabaseUrlError",
    "DeclarationError",
    "ExactText",
    "Frames",
    "Guard",
    "Inputs",
    "InvalidFrameError",
    "Lowest",
    "Migrations",
    "MySQLIOManager",
    "OneOf",
    "Ranked",
    "RowsRefusedError",
    "SchemaVersionError",
    "StatementRefused",
    "StorageFull",
    "StoredValueError",
    "UtcDateTime",
    "WarehouseError",
    "column_inputs",
    "column_lineage",
    "column_schema",
    "merged_inputs",
    "read_arrow",
    "read_frame",
    "table_name",
    "table_uri",
]

_SLOW = {
    "Between": "reading",
    "Frames": "output",
    "MySQLIOManager": "io_manager",
    "OneOf": "reading",
    "column_lineage": "asset_metadata",
    "column_schema": "asset_metadata",
    "read_arrow": "reading",
    "read_frame": "reading",
    "table_name": "asset_metadata",
    "table_uri": "asset_metadata",
}
"""Names whose module imports Dagster or Arrow, which take long: at their first use, so that who needs none never waits.
"""


def __getattr__(name: str) -> Any:
    if name not in _SLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_SLOW[name]}"), name)
