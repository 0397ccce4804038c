"""The Dagster assets: what is materialized, from what, and when it is complete. How to fetch is acquisition's."""

import dagster as dg

from coingecko_pipeline.orchestration.assets.agreement import asset_pairs, source_agreement
from coingecko_pipeline.orchestration.assets.asset_list import make_raw_asset_list, raw_asset_list
from coingecko_pipeline.orchestration.assets.beside_the_market import BESIDE_THE_MARKET
from coingecko_pipeline.orchestration.assets.contracts import asset_contracts, platforms
from coingecko_pipeline.orchestration.assets.currencies import CurrencyChartsConfig, currency_charts, fx_rates
from coingecko_pipeline.orchestration.assets.daily_candles import daily_candles
from coingecko_pipeline.orchestration.assets.daily_market import DailyMarketConfig, daily_market
from coingecko_pipeline.orchestration.assets.daily_ohlc import daily_ohlc
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, RebuildRange
from coingecko_pipeline.orchestration.assets.endpoints import ENDPOINTS
from coingecko_pipeline.orchestration.assets.hourly_market import HourlyMarketConfig, hourly_market
from coingecko_pipeline.orchestration.assets.known_assets import assets_and_changes, make_assets_and_changes
from coingecko_pipeline.orchestration.assets.lake import LakeConfig, lake
from coingecko_pipeline.orchestration.assets.market_asset import make_current_market
from coingecko_pipeline.orchestration.assets.market_changes import CHANGE_LOGS
from coingecko_pipeline.orchestration.assets.market_charts import MarketChartsConfig, market_charts
from coingecko_pipeline.orchestration.assets.market_flags import market_flags
from coingecko_pipeline.orchestration.assets.market_report import MarketReportConfig, market_report
from coingecko_pipeline.orchestration.assets.market_views import MARKET_VIEWS
from coingecko_pipeline.orchestration.assets.measures import daily_returns, global_market_daily
from coingecko_pipeline.orchestration.assets.paprika_contracts import paprika_contracts
from coingecko_pipeline.orchestration.assets.rollups import monthly_market, weekly_market
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES

CONTRACT_ASSETS: dict[str, tuple[dg.AssetsDefinition, ...]] = {COINPAPRIKA.name: (paprika_contracts,)}
"""The contracts of the other sources that are asked for them, by its name."""

SNAPSHOT_ASSETS: dict[str, tuple[dg.AssetsDefinition, ...]] = {
    source.name: (
        make_raw_asset_list(source),
        make_assets_and_changes(source),
        make_current_market(source),
        *CONTRACT_ASSETS.get(source.name, ()),
    )
    for source in SNAPSHOT_SOURCES
}
"""The list, the coins, the market and the contracts of each other source, by its name."""

MEASURE_ASSETS: tuple[dg.AssetsDefinition, ...] = (
    weekly_market,
    monthly_market,
    daily_returns,
    global_market_daily,
    daily_ohlc,
    daily_candles,
    market_flags,
)
"""What is computed from a market of CoinGecko's inside the database."""

DERIVED_ASSETS: tuple[dg.AssetsDefinition, ...] = (*MEASURE_ASSETS, source_agreement, market_report)
"""What follows the changes of the markets, in the order in which it is made."""

ALL_ASSETS: tuple[dg.AssetsDefinition | dg.AssetSpec, ...] = (
    raw_asset_list,
    assets_and_changes,
    asset_contracts,
    platforms,
    fx_rates,
    currency_charts,
    market_charts,
    daily_market,
    hourly_market,
    *(asset for assets in SNAPSHOT_ASSETS.values() for asset in assets),
    asset_pairs,
    *DERIVED_ASSETS,
    lake,
    *ENDPOINTS,
    *CHANGE_LOGS,
    *BESIDE_THE_MARKET,
    *MARKET_VIEWS,
)
"""Every asset, in this one place."""

__all__ = [
    "ALL_ASSETS",
    "DERIVED_ASSETS",
    "MEASURE_ASSETS",
    "SNAPSHOT_ASSETS",
    "CurrencyChartsConfig",
    "DailyMarketConfig",
    "DerivedTableConfig",
    "HourlyMarketConfig",
    "LakeConfig",
    "MarketChartsConfig",
    "MarketReportConfig",
    "RebuildRange",
    "asset_contracts",
    "asset_pairs",
    "assets_and_changes",
    "currency_charts",
    "daily_candles",
    "daily_market",
    "daily_ohlc",
    "daily_returns",
    "fx_rates",
    "global_market_daily",
    "hourly_market",
    "lake",
    "market_charts",
    "market_flags",
    "market_report",
    "monthly_market",
    "platforms",
    "raw_asset_list",
    "source_agreement",
    "weekly_market",
]
