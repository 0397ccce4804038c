"""The Dagster assets: what is materialized, from what, and when it is complete. How to fetch is acquisition's."""

import dagster as dg

from coingecko_pipeline.assets.agreement import asset_pairs, source_agreement
from coingecko_pipeline.assets.asset_list import (
    assets_and_changes,
    make_assets_and_changes,
    make_raw_asset_list,
    raw_asset_list,
)
from coingecko_pipeline.assets.daily_market import DailyMarketConfig, daily_market
from coingecko_pipeline.assets.market_asset import make_current_market
from coingecko_pipeline.assets.sources import SNAPSHOT_SOURCES

SNAPSHOT_ASSETS: dict[str, tuple[dg.AssetsDefinition, ...]] = {
    source.name: (make_raw_asset_list(source), make_assets_and_changes(source), make_current_market(source))
    for source in SNAPSHOT_SOURCES
}
"""The list, the coins and the market of each other source, by its name."""

__all__ = [
    "SNAPSHOT_ASSETS",
    "DailyMarketConfig",
    "asset_pairs",
    "assets_and_changes",
    "daily_market",
    "raw_asset_list",
    "source_agreement",
]
