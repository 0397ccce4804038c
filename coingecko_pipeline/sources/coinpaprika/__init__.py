"""CoinPaprika's API: its calls, errors and answers, and how the platform shows it. No Dagster, no SQL."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from coingecko_pipeline.sources import SnapshotSource

if TYPE_CHECKING:
    from coingecko_pipeline.sources import Opening
    from coingecko_pipeline.sources.coinpaprika.client import CoinPaprika


def __getattr__(name: str) -> Any:
    """The client, at its first use: who makes no call needs no HTTP library."""
    if name != "CoinPaprika":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.client").CoinPaprika


def _open(opening: "Opening") -> "CoinPaprika":
    client: CoinPaprika = __getattr__("CoinPaprika")(opening)
    return client


COINPAPRIKA = SnapshotSource(
    name="coinpaprika",
    title="CoinPaprika",
    domain="coinpaprika.com",
    list_call="`/v1/coins`, those with `is_active`",
    list_gaps="CoinPaprika's list has no contract addresses: `platforms` is NULL, and they are in `asset_contracts`",
    market_call="`/v1/tickers`, which brings all of them in one call",
    market_gaps="the free plan's call brings the 2,000 largest coins only",
    no_history=(
        "CoinPaprika is read as it is now. Its past costs a call for each coin, and its pages disagree on whether the "
        "free plan has it; materialize each day's partition on its day (coinpaprika_daily_schedule does)."
    ),
    open=_open,
)
"""The source, as `sources/registry.py` lists it."""

__all__ = ["COINPAPRIKA", "CoinPaprika"]
