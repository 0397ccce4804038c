"""The CoinGecko API: plans, errors, calls and what their answers mean. Knows no Dagster and no SQL."""

from coingecko_pipeline.sources.coingecko.client import ChartAnswer, CoinGecko
from coingecko_pipeline.sources.coingecko.plans import Plan, choose_plan

__all__ = ["ChartAnswer", "CoinGecko", "Plan", "choose_plan"]
