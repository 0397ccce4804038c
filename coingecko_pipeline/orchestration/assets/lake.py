"""The lake: a copy of what is stored, for engines that read files."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from coingecko_pipeline.lake import checked_address
from coingecko_pipeline.lake.copied import COPIES, ByLog
from coingecko_pipeline.lake.errors import assert_extra
from coingecko_pipeline.market.changes import forget_followed, read_followed
from coingecko_pipeline.orchestration.derived_tables import followers_of
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

LAKE_POOL = "lake"
"""One such step at a time: a second one would wait for the first anyway."""
WITHOUT_AN_ASSET = {"market_snapshots", "market_revisions"}
"""Copied tables that daily_market and market_charts fill by the way."""


class LakeConfig(dg.Config):
    """What a run does beyond bringing the lake up to date."""

    anew: bool = Field(
        default=False,
        description="Copy everything again, also what has not changed: after rows were changed by hand.",
    )
    maintain: bool = Field(
        default=False,
        description="Then forget versions that are older than LAKE_KEEP_DAYS, join small files and delete those that "
        "no version refers to.",
    )


@dg.asset(
    key=key_in(COINGECKO, "lake"),
    deps=[key_in(COINGECKO, copied.name) for copied in COPIES if copied.name not in WITHOUT_AN_ASSET],
    group_name="lake",
    tags=Domain.MARKET.tags,
    kinds={"iceberg"},
    pool=LAKE_POOL,
)
def lake(
    context: dg.AssetExecutionContext,
    config: LakeConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    lake_uri: dg.ResourceParam[str],
    lake_keep_days: dg.ResourceParam[int],
) -> dg.MaterializeResult[None]:
    """A copy of what is stored as Apache Iceberg tables at LAKE_URI, which any engine reads; off until that is set.

    **One table** for each of `daily_market`, `market_snapshots`, `hourly_market`, the measures, `market_flags`,
    `daily_candles`, `market_revisions`, `market_changes` and `market_charts`, with the columns, units and keys of the
    database, in a file or more for each month. Which files are the current ones is kept in the database
    (`iceberg_tables`), so a change of some dates is seen whole or not at all, also by who reads meanwhile. It costs no
    call.

    It follows the change log: a run copies the dates and coins that have changed since the last one. **Complete** when
    each table has followed the latest change. **Known gaps:** rows that were changed by hand, until a run with `anew`;
    `market_charts` is as it was when it was copied, and keeps bodies that the database drops later.
    """
    with permanent_failures():
        address = checked_address(lake_uri)
        assert_extra()
        # pyiceberg takes a second to import, and is there only where it was asked for.
        from coingecko_pipeline.lake.maintaining import maintain
        from coingecko_pipeline.lake.mirroring import mirror
        from coingecko_pipeline.lake.opening import open_lake

        opened, moment = open_lake(warehouse, address), now()
        copied = mirror(opened, moment, anew=config.anew, begin=lambda name: context.log.debug("Copying %s.", name))
        for each in copied:
            if each.replaced.files:
                context.log.info(
                    "%s: %s rows read in %.1f s, %d files of %.1f MB written.",
                    *(each.name, f"{each.replaced.rows:,}", each.seconds),
                    *(each.replaced.files, each.replaced.bytes / 1e6),
                )
        _forget(warehouse, moment)
        maintained = maintain(opened, moment, timedelta(days=lake_keep_days)) if config.maintain else []
    facts: dict[str, Any] = {
        "rows_read": sum(each.replaced.rows for each in copied),
        "files_written": sum(each.replaced.files for each in copied),
        "bytes_written": sum(each.replaced.bytes for each in copied),
        "seconds": round(sum(each.seconds for each in copied), 2),
        "rows_read_by_table": {each.name: each.replaced.rows for each in copied if each.replaced.rows},
    }
    if config.maintain:
        facts |= {
            "versions_forgotten": sum(each.forgotten for each in maintained),
            "files_joined": sum(each.joined for each in maintained),
            "files_deleted": sum(each.deleted for each in maintained),
            "bytes_deleted": sum(each.bytes for each in maintained),
        }
    return dg.MaterializeResult(metadata={"address": address, **facts})


def _forget(warehouse: Database, now: datetime) -> None:
    """Delete the changes that nobody needs any more."""
    followed = read_followed(warehouse)
    for name in {copied.way.table_name for copied in COPIES if isinstance(copied.way, ByLog)}:
        forget_followed(warehouse, name, followers_of(COINGECKO.name, name, followed), now)
