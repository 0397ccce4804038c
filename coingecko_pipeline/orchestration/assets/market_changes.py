"""The change log as an asset of Dagster: what the derived tables follow, and where the market's checks stand."""

import dagster as dg

from coingecko_pipeline.orchestration.source_assets import Domain, group_in, key_in
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES
from coingecko_pipeline.sources.source import Source


def changes_key(source: Source) -> dg.AssetKey:
    """The key of a source's change log."""
    return key_in(source, "market_changes")


def _change_log(source: Source) -> dg.AssetSpec:
    written_by = ["daily_market", *(["market_charts", "hourly_market"] if source is COINGECKO else [])]
    return dg.AssetSpec(
        changes_key(source),
        deps=[key_in(source, table) for table in written_by],
        group_name=group_in(source, Domain.MARKET),
        tags=Domain.MARKET.tags,
        description=f"""What changed in {source.title}'s market tables, numbered in the order in which it was committed.

**One row** is one thing that changed: a date for all coins (a snapshot), or the dates of one coin (a chart). It is
written in the transaction that changes the rows, by whatever run that is; nothing materializes it. Every derived table
keeps the number up to which it has followed (`followed_changes`), so it costs what has changed and not what is stored.

**The checks of the daily market stand here**, since they are about what changed and not about one run's partitions:
they look at the latest dates, in a run of their own, and can be executed alone at any time.""",
    )


CHANGE_LOGS = tuple(_change_log(source) for source in SOURCES)
"""The change log of each source."""
