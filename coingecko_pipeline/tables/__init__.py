"""This project's tables, declared as data by subject, their migrations, and whose data a database holds."""

from collections.abc import Collection

from coingecko_pipeline.tables.agreement import AMBIGUOUS, CONTRACT, MANUAL, PROPOSED, asset_pairs, source_agreement
from coingecko_pipeline.tables.archive import chart_coverage, market_charts
from coingecko_pipeline.tables.backups import backups
from coingecko_pipeline.tables.candles import daily_candles, market_flags
from coingecko_pipeline.tables.changes import (
    followed_changes,
    market_change_counter,
    market_changes,
    market_revisions,
)
from coingecko_pipeline.tables.checks import CHECK_DETAIL_LENGTH, check_results
from coingecko_pipeline.tables.coins import asset_changes, assets, raw_asset_list, refused_asset_list
from coingecko_pipeline.tables.contracts import asset_contracts, platforms
from coingecko_pipeline.tables.currencies import CURRENT_RATE, RATE_OF_CHARTS, currency_charts, fx_rates
from coingecko_pipeline.tables.lake import iceberg_namespace_properties, iceberg_tables
from coingecko_pipeline.tables.market import CHART, SNAPSHOT, STALE, daily_market, hourly_market
from coingecko_pipeline.tables.market_views import daily_close, daily_market_clean, universe
from coingecko_pipeline.tables.measures import (
    ALL,
    daily_ohlc,
    daily_returns,
    global_market_daily,
    monthly_market,
    weekly_market,
)
from coingecko_pipeline.tables.metadata import ASSET_ID_LENGTH, NAME_LENGTH, SYMBOL_LENGTH, metadata
from coingecko_pipeline.tables.origin import (
    Origin,
    OriginError,
    assert_origin,
    claim_origin,
    stored_origin,
    warehouse_origin,
)
from coingecko_pipeline.tables.snapshots import (
    NOT_ASKED,
    NOT_SERVED,
    TOO_LATE,
    market_pages,
    market_snapshots,
    missing_coins,
    rehypothecated_assets,
    ticker_snapshots,
)
from coingecko_pipeline.tables.usage import api_rate, api_recent_calls, api_usage, usage_writers
from coingecko_pipeline.tables.views import VIEWS, daily_market_in, declared_views, view_metadata
from coingecko_pipeline.warehouse.database import Database
from coingecko_pipeline.warehouse.migrating import Migrations

__all__ = [
    "ALL",
    "AMBIGUOUS",
    "ASSET_ID_LENGTH",
    "CHART",
    "CHECK_DETAIL_LENGTH",
    "CONTRACT",
    "CURRENT_RATE",
    "MAIN_TABLES",
    "MANUAL",
    "MIGRATIONS",
    "NAME_LENGTH",
    "NOT_ASKED",
    "NOT_SERVED",
    "OWN_TABLES",
    "PROPOSED",
    "RATE_OF_CHARTS",
    "SNAPSHOT",
    "SOURCE_TABLES",
    "STALE",
    "SYMBOL_LENGTH",
    "TOO_LATE",
    "VIEWS",
    "Origin",
    "OriginError",
    "api_rate",
    "api_recent_calls",
    "api_usage",
    "assert_origin",
    "asset_changes",
    "asset_contracts",
    "asset_pairs",
    "assets",
    "backups",
    "chart_coverage",
    "check_results",
    "claim_origin",
    "currency_charts",
    "daily_candles",
    "daily_close",
    "daily_market",
    "daily_market_clean",
    "daily_market_in",
    "daily_ohlc",
    "daily_returns",
    "declared_views",
    "followed_changes",
    "fx_rates",
    "global_market_daily",
    "hourly_market",
    "iceberg_namespace_properties",
    "iceberg_tables",
    "market_change_counter",
    "market_changes",
    "market_charts",
    "market_flags",
    "market_pages",
    "market_revisions",
    "market_snapshots",
    "metadata",
    "migrate",
    "missing_coins",
    "monthly_market",
    "open_database",
    "platforms",
    "prepare",
    "raw_asset_list",
    "refused_asset_list",
    "rehypothecated_assets",
    "source_agreement",
    "stored_origin",
    "ticker_snapshots",
    "universe",
    "usage_writers",
    "view_metadata",
    "warehouse_origin",
    "weekly_market",
]

MIGRATIONS = Migrations(
    "coingecko_pipeline.tables:migrations",
    version_table="warehouse_version",
    program="coingecko-pipeline",
    views=VIEWS,
    tables=metadata,
)
"""The changes of these tables from version to version."""


SOURCE_TABLES = frozenset(
    table.name
    for table in (
        *(raw_asset_list, refused_asset_list, assets, asset_changes),
        *(daily_market, market_changes, market_change_counter),
        *(ticker_snapshots, asset_contracts, platforms, warehouse_origin),
    )
)
"""The tables that the schema of another source than the main one has: its coins with their contracts, its market
and whose data it holds. A migration that makes another table has to leave it out there, as 0006 does."""

MAIN_TABLES = frozenset(metadata.tables) - {ticker_snapshots.name}
"""The tables that the main database has."""

OWN_TABLES = frozenset(
    table.name
    for table in (api_usage, api_rate, api_recent_calls, usage_writers, market_change_counter, declared_views, backups)
)
"""The tables that hold nothing of a source: what was asked for and how often, how many changes there were, which views
were made, and which dumps were taken."""


def open_database(url: str, *, known: bool = False) -> Database:
    """The database of these tables; nothing is connected to before the first statement.

    Args:
        url: Of the main database. Beside one named `coingecko` another source's schema has its plain name.
        known: Whether its server was reached before and is worth waiting for.

    Raises:
        DatabaseUrlError: The URL cannot be used.
    """
    return Database(url, known=known, unprefixed="coingecko")


def migrate(database: Database, only: Collection[str] | None = None) -> str:
    """Bring the tables to this program's version and return that version; see `Migrations.migrate`.

    Args:
        database: Where they are.
        only: The tables that it has; None for all. An unused one that holds rows stays.
    """
    return MIGRATIONS.migrate(database, _attributes(only))


def prepare(database: Database, only: Collection[str] | None = None) -> None:
    """Make sure that the tables can be used; see `Migrations.prepare`.

    Args:
        database: Where they are.
        only: The tables that it has; None for all.
    """
    MIGRATIONS.prepare(database, _attributes(only))


def _attributes(only: Collection[str] | None) -> dict[str, Collection[str]] | None:
    return None if only is None else {"tables": only}
