"""The CoinGecko API: plans, limits, errors, calls and what their answers mean. Knows no Dagster and no SQL."""

from coingecko_pipeline.coingecko.client import CoinGecko, MarketChart
from coingecko_pipeline.coingecko.plans import Plan, choose_plan

__all__ = ["CoinGecko", "MarketChart", "Plan", "choose_plan"]
