"""Checks of the list of coins and of the coins ever seen, the same for every source."""

from functools import cache

import dagster as dg
from sqlalchemy import case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.orchestration.assets.asset_list import LARGEST_LOSS, SHRINKAGE_ACCEPTED
from coingecko_pipeline.orchestration.source_assets import database_of, key_in
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database


@cache
def list_checks(source: Source) -> tuple[dg.AssetChecksDefinition, ...]:
    """The checks of a source's list: its ids, its size, and that the coins ever seen are up to date with it."""

    @dg.asset_check(asset=key_in(source, "raw_asset_list"), blocking=True)
    def asset_ids_are_unique(warehouse: dg.ResourceParam[Database]) -> dg.AssetCheckResult:
        """Each coin stands in the list once, and none has an empty id."""
        ids = tables.raw_asset_list.c.asset_id
        query = select(func.count(), func.count(ids.distinct()), func.count(case((ids == "", 1))))
        database = database_of(source, warehouse)
        rows, distinct, empty = database.run_reading(lambda connection: connection.execute(query).one())
        return dg.AssetCheckResult(
            passed=rows == distinct and not empty,
            metadata={"entries": rows, "distinct_ids": distinct, "empty_ids": empty},
        )

    @dg.asset_check(asset=key_in(source, "raw_asset_list"), blocking=True)
    def the_list_did_not_shrink(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
    ) -> dg.AssetCheckResult:
        """The list has at least four fifths of the coins that were active before it, or was accepted without them."""
        listed, assets = tables.raw_asset_list, tables.assets
        count_listed = select(func.count()).select_from(listed).scalar_subquery()
        count_active = select(func.count()).select_from(assets).where(assets.c.is_active).scalar_subquery()
        database = database_of(source, warehouse)
        now, before = database.run_reading(
            lambda connection: connection.execute(select(count_listed, count_active)).one()
        )
        event = context.instance.get_latest_materialization_event(key_in(source, "raw_asset_list"))
        materialization = event.asset_materialization if event else None
        said = materialization.metadata.get(SHRINKAGE_ACCEPTED) if materialization else None
        accepted = said is not None and said.value is True
        return dg.AssetCheckResult(
            passed=now > 0 and (accepted or now >= (1 - LARGEST_LOSS) * before),
            metadata={"coins_before": before, "coins_now": now, SHRINKAGE_ACCEPTED: accepted},
            description="" if now else "The table raw_asset_list is empty.",
        )

    @dg.asset_check(asset=key_in(source, "assets"), blocking=True)
    def every_listed_asset_is_present(warehouse: dg.ResourceParam[Database]) -> dg.AssetCheckResult:
        """Each coin of the latest list is in the table and active, and no other coin is active."""
        listed, assets = tables.raw_asset_list, tables.assets
        active = select(assets.c.asset_id).where(assets.c.is_active)
        missing = select(listed.c.asset_id).where(listed.c.asset_id.not_in(active))
        surplus = active.where(assets.c.asset_id.not_in(select(listed.c.asset_id)))
        absent, extra = database_of(source, warehouse).run_reading(
            lambda connection: (connection.scalars(missing).all(), connection.scalars(surplus).all())
        )
        return dg.AssetCheckResult(
            passed=not absent and not extra,
            metadata={
                "missing": len(absent),
                "active_but_not_listed": len(extra),
                "examples": dg.MetadataValue.json([*absent[:5], *extra[:5]]),
            },
        )

    return asset_ids_are_unique, the_list_did_not_shrink, every_listed_asset_is_present


asset_ids_are_unique, the_list_did_not_shrink, every_listed_asset_is_present = list_checks(COINGECKO)
