"""What is read of the market by people: frames of coins and dates, and the price of a coin at a date. It only reads.

`from coingecko_pipeline import market` offers the same names. It imports no Dagster, and pandas only for a frame, so
that a fresh interpreter has its first row in less than a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from coingecko_pipeline.analysis.errors import (
    AmbiguousCoin,
    AnalysisError,
    InvalidQuestion,
    NoDatabase,
    NoPrice,
    NoRate,
    NothingStored,
    UnknownCoin,
    UnknownCurrency,
)
from coingecko_pipeline.analysis.lookup import Price, price

if TYPE_CHECKING:
    from coingecko_pipeline.analysis.dates import at, universe
    from coingecko_pipeline.analysis.ohlc import candles
    from coingecko_pipeline.analysis.series import caps, prices, supply, volumes

__all__ = [
    "AmbiguousCoin",
    "AnalysisError",
    "InvalidQuestion",
    "NoDatabase",
    "NoPrice",
    "NoRate",
    "NothingStored",
    "Price",
    "UnknownCoin",
    "UnknownCurrency",
    "at",
    "candles",
    "caps",
    "price",
    "prices",
    "supply",
    "universe",
    "volumes",
]

_MODULE_OF = {
    "at": "dates",
    "candles": "ohlc",
    "caps": "series",
    "prices": "series",
    "supply": "series",
    "universe": "dates",
    "volumes": "series",
}


def __getattr__(name: str) -> Any:
    """A function that makes frames, imported at its first use, since pandas takes longer than a price."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
