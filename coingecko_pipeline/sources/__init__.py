"""What every source of market data has in common, so that another one is a folder and a line.

The HTTP session with its limit, retries and counts, errors that say what may be tried again, a market's rows, and the
shape of a source and its client.
It knows no source, no Dagster and no SQL; docs/adding-a-source.md shows its use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from coingecko_pipeline.sources.source import AssetList, SnapshotClient, SnapshotSource, Source, SourceClient

if TYPE_CHECKING:
    from coingecko_pipeline.sources.market_page import MarketPage
    from coingecko_pipeline.sources.session import Opening, SourceSession

__all__ = [
    "AssetList",
    "MarketPage",
    "Opening",
    "SnapshotClient",
    "SnapshotSource",
    "Source",
    "SourceClient",
    "SourceSession",
]

_FOR_CALLS = {"MarketPage": "market_page", "Opening": "session", "SourceSession": "session"}
"""Names whose module imports the HTTP or the Arrow library: at their first use, which not every command has."""


def __getattr__(name: str) -> Any:
    if name not in _FOR_CALLS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FOR_CALLS[name]}"), name)
