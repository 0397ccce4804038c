"""What every source of market data has in common, so that another one is a folder and a line.

The HTTP session with its limit, retries and counts, errors that say what may be tried again, a market's rows, and the
shape of a source and its client.
It knows no source, no Dagster and no SQL; docs/adding-a-source.md shows its use.
"""

from coingecko_pipeline.sources.market_page import MarketPage
from coingecko_pipeline.sources.session import Opening, SourceSession
from coingecko_pipeline.sources.source import AssetList, SnapshotClient, SnapshotSource, Source, SourceClient

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
