"""The daily market: made of what was received, by the modules of this room, and read by the functions named here.

`from coingecko_pipeline import market` is how an analyst begins; the functions live in the room `analysis`, above this
one, and are imported when they are first used (`docs/decisions/0038-one-name-for-the-market.md`). Knows no Dagster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coingecko_pipeline.analysis import (
        AnalysisError,
        Price,
        at,
        candles,
        caps,
        price,
        prices,
        supply,
        universe,
        volumes,
    )

__all__ = ["AnalysisError", "Price", "at", "candles", "caps", "price", "prices", "supply", "universe", "volumes"]


def __getattr__(name: str) -> Any:
    """A function of the room `analysis`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("coingecko_pipeline.analysis"), name)


def __dir__() -> list[str]:
    """What an interpreter offers to complete."""
    return sorted({*globals(), *__all__})
