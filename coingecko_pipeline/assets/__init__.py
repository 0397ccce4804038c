"""The Dagster assets: what is materialized, from what, and when it is complete. How to fetch is acquisition's."""

from coingecko_pipeline.assets.asset_list import assets_and_changes, raw_asset_list
from coingecko_pipeline.assets.daily_market import DailyMarketConfig, daily_market
from coingecko_pipeline.assets.market_report import MarketReportConfig, market_report

__all__ = [
    "DailyMarketConfig",
    "MarketReportConfig",
    "assets_and_changes",
    "daily_market",
    "market_report",
    "raw_asset_list",
]
