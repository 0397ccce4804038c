"""What every source of market data has in common, so that another one is a folder and a line.

Errors that say what may be tried again, the retries, the count of calls, and the shape of a source and its client.
It knows no source, no Dagster and no SQL; docs/adding-a-source.md shows its use.
"""

from coingecko_pipeline.sources.source import Opening, SnapshotClient, SnapshotSource, Source, SourceClient

__all__ = ["Opening", "SnapshotClient", "SnapshotSource", "Source", "SourceClient"]
