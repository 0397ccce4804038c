"""What each source's Dagster assets are called, and by which IO manager they are kept."""

import dagster as dg

from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO


def key_in(source: Source, table: str) -> dg.AssetKey:
    """The key of the Dagster asset that fills a source's table."""
    return dg.AssetKey([source.name, table])


DAILY_MARKET = key_in(COINGECKO, "daily_market")
"""The market that most derived tables are made from."""


def group_in(source: Source, group: str) -> str:
    """The group of a source's Dagster asset: the main source's go by subject, another's are together."""
    return group if source is COINGECKO else source.name


def io_manager_of(source: Source) -> str:
    """The key of the IO manager of a source's tables."""
    return "warehouse_io_manager" if source is COINGECKO else f"{source.name}_io_manager"
