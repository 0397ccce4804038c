"""The sources, listed in this one place.

One whose market is read as it is now is one more entry of `SNAPSHOT_SOURCES`: docs/adding-a-source.md.
"""

from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.source import SnapshotSource, Source

COINGECKO = Source(
    name="coingecko",
    title="CoinGecko",
    domain="coingecko.com",
    list_call="`/coins/list` with its contract addresses",
    list_gaps="",
)
"""The main source: its tables are in the main database, and it has the past as well."""

SNAPSHOT_SOURCES: tuple[SnapshotSource, ...] = (COINPAPRIKA,)
"""The other sources."""

SOURCES: tuple[Source, ...] = (COINGECKO, *SNAPSHOT_SOURCES)
