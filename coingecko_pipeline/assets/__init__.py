"""The Dagster assets: what is materialized, from what, and when it is complete. How to fetch is acquisition's."""

from coingecko_pipeline.assets.asset_list import assets_and_changes, raw_asset_list
from coingecko_pipeline.assets.daily_market import DailyMarketConfig, daily_market
from coingecko_pipeline.assets.daily_ohlc import daily_ohlc
from coingecko_pipeline.assets.hourly_market import HourlyMarketConfig, hourly_market
from coingecko_pipeline.assets.market_report import MarketReportConfig, market_report
from coingecko_pipeline.assets.measures import daily_returns, global_market_daily
from coingecko_pipeline.assets.rollups import monthly_market, weekly_market

__all__ = [
    "DailyMarketConfig",
    "HourlyMarketConfig",
    "MarketReportConfig",
    "assets_and_changes",
    "daily_market",
    "daily_ohlc",
    "daily_returns",
    "global_market_daily",
    "hourly_market",
    "market_report",
    "monthly_market",
    "raw_asset_list",
    "weekly_market",
]
