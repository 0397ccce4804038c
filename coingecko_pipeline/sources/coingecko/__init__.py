"""The CoinGecko API: plans, errors, calls and what their answers mean. Knows no Dagster and no SQL."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from coingecko_pipeline.sources.coingecko.plans import Plan, choose_plan

if TYPE_CHECKING:
    from coingecko_pipeline.sources.coingecko.client import ChartAnswer, CoinGecko

__all__ = ["ChartAnswer", "CoinGecko", "Plan", "choose_plan"]


def __getattr__(name: str) -> Any:
    """The client, at its first use: who makes no call needs no HTTP library."""
    if name not in ("ChartAnswer", "CoinGecko"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.client"), name)
