"""Checks of the list of coins and of the coins ever seen, the same for every source."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg
from sqlalchemy import case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.asset_list.acceptance import LIST_TAKEN, Acceptance
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.orchestration.checks.in_one_step import Check
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.markdown import escaped

NOTHING_RECORDED = "No attempt to take the list is recorded in this Dagster instance."


@cache
def list_checks(source: Source) -> tuple[Check, ...]:
    """The checks of a source's list: that it was taken whole, its ids, and that the coins ever seen follow it."""
    raw_asset_list = key_in(source, "raw_asset_list")

    def the_list_was_taken(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The latest attempt brought a list that was taken; else the coins and the snapshot are those known before."""
        facts = _latest_facts(context.instance, raw_asset_list)
        return dg.AssetCheckResult(
            passed=bool(facts.get(LIST_TAKEN, True)),
            metadata={name: facts[name] for name in ("reason", "coins_before", "coins", "coins_lost") if name in facts},
            # Dagster renders it as Markdown, and a reason repeats the words of the server.
            description=escaped(facts.get("reason", "")) if facts else NOTHING_RECORDED,
        )

    def the_list_did_not_shrink(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The latest list has at least four fifths of the coins that were active before it, or a user accepted it.

        Warns also of one that was taken because the next list agreed with it: so many coins are no longer active.
        """
        facts = _latest_facts(context.instance, raw_asset_list)
        said = facts.get("acceptance")
        return dg.AssetCheckResult(
            passed=said not in (Acceptance.SHRUNKEN, Acceptance.EMPTY, Acceptance.CONFIRMED),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                name: facts[name] for name in ("acceptance", "coins_before", "coins", "coins_lost") if name in facts
            },
            description=None if said else "The latest attempt brought no list.",
        )

    def every_entry_of_the_list_could_be_kept(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """No entry of the latest list was set aside, and no name, symbol or platforms had to be mended."""
        facts = _latest_facts(context.instance, raw_asset_list)
        broken = {
            name: value for name, value in facts.items() if name.startswith(("entries_set_aside", "values_mended"))
        }
        return dg.AssetCheckResult(
            passed=not (broken.get("entries_set_aside") or broken.get("values_mended")),
            severity=dg.AssetCheckSeverity.WARN,
            metadata=broken,
        )

    def asset_ids_are_unique(warehouse: Database) -> dg.AssetCheckResult:
        """Each coin stands in the list once, and none has an empty id."""
        ids = tables.raw_asset_list.c.asset_id
        query = select(func.count(), func.count(ids.distinct()), func.count(case((ids == "", 1))))
        database = database_of(source, warehouse)
        rows, distinct, empty = database.run_reading(lambda connection: connection.execute(query).one())
        return dg.AssetCheckResult(
            passed=rows == distinct and not empty,
            metadata={"entries": rows, "distinct_ids": distinct, "empty_ids": empty},
        )

    def every_listed_asset_is_present(warehouse: Database) -> dg.AssetCheckResult:
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

    return (
        the_list_was_taken,
        the_list_did_not_shrink,
        every_entry_of_the_list_could_be_kept,
        asset_ids_are_unique,
        every_listed_asset_is_present,
    )


def _latest_facts(instance: dg.DagsterInstance, raw_asset_list: dg.AssetKey) -> Mapping[str, Any]:
    """The metadata of the latest attempt to take the list; empty where none is recorded."""
    event = instance.get_latest_materialization_event(raw_asset_list)
    materialization = event.asset_materialization if event else None
    return {name: value.value for name, value in materialization.metadata.items()} if materialization else {}


(
    the_list_was_taken,
    the_list_did_not_shrink,
    every_entry_of_the_list_could_be_kept,
    asset_ids_are_unique,
    every_listed_asset_is_present,
) = list_checks(COINGECKO)
