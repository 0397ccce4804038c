"""The CoinGecko API: plans, limits, errors, calls and what their answers mean. Knows no Dagster and no SQL."""

from coingecko_pipeline.sources.coingecko.client import CoinGecko, MarketChart
from coingecko_pipeline.sources.coingecko.plans import Plan, choose_plan

__all__ = ["CoinGecko", "MarketChart", "Plan", "choose_plan"]
