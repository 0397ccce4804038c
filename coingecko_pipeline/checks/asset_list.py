"""Checks of the list of coins and of the coins ever seen."""

import dagster as dg
from sqlalchemy import case, func, select

from coingecko_pipeline.assets.asset_list import LARGEST_LOSS, SHRINKAGE_ACCEPTED
from coingecko_pipeline.warehouse import Database, tables

RAW_ASSET_LIST = dg.AssetKey(["coingecko", "raw_asset_list"])
ASSETS = dg.AssetKey(["coingecko", "assets"])


@dg.asset_check(asset=RAW_ASSET_LIST, blocking=True)
def asset_ids_are_unique(warehouse: dg.ResourceParam[Database]) -> dg.AssetCheckResult:
    """Each coin stands in the list once, and none has an empty id."""
    ids = tables.raw_asset_list.c.asset_id
    query = select(func.count(), func.count(ids.distinct()), func.count(case((ids == "", 1))))
    rows, distinct, empty = warehouse.run_reading(lambda connection: connection.execute(query).one())
    return dg.AssetCheckResult(
        passed=rows == distinct and not empty,
        metadata={"entries": rows, "distinct_ids": distinct, "empty_ids": empty},
    )


@dg.asset_check(asset=RAW_ASSET_LIST, blocking=True)
def the_list_did_not_shrink(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.AssetCheckResult:
    """The list has at least four fifths of the coins that were active before it, or was accepted without them."""
    listed, assets = tables.raw_asset_list, tables.assets
    count_listed = select(func.count()).select_from(listed).scalar_subquery()
    count_active = select(func.count()).select_from(assets).where(assets.c.is_active).scalar_subquery()
    now, before = warehouse.run_reading(lambda connection: connection.execute(select(count_listed, count_active)).one())
    event = context.instance.get_latest_materialization_event(RAW_ASSET_LIST)
    materialization = event.asset_materialization if event else None
    said = materialization.metadata.get(SHRINKAGE_ACCEPTED) if materialization else None
    accepted = said is not None and said.value is True
    return dg.AssetCheckResult(
        passed=now > 0 and (accepted or now >= (1 - LARGEST_LOSS) * before),
        metadata={"coins_before": before, "coins_now": now, SHRINKAGE_ACCEPTED: accepted},
        description="" if now else "The table raw_asset_list is empty.",
    )


@dg.asset_check(asset=ASSETS, blocking=True)
def every_listed_asset_is_present(warehouse: dg.ResourceParam[Database]) -> dg.AssetCheckResult:
    """Each coin of the latest list is in the table and active, and no other coin is active."""
    listed, assets = tables.raw_asset_list, tables.assets
    active = select(assets.c.asset_id).where(assets.c.is_active)
    missing = select(listed.c.asset_id).where(listed.c.asset_id.not_in(active))
    surplus = active.where(assets.c.asset_id.not_in(select(listed.c.asset_id)))
    absent, extra = warehouse.run_reading(
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
