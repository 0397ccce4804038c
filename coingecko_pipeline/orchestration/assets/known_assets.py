"""The coins ever seen in a list, and what happened to them, the same for every source."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.asset_list.changes import Asset, AssetChange, apply_list
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.freshness import policy_of
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, group_in, io_manager_of, key_in
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def make_assets_and_changes(source: Source) -> dg.AssetsDefinition:
    """The Dagster assets of the coins of a source ever seen, and of what happened to them."""
    common: dict[str, Any] = {
        "io_manager_key": io_manager_of(source),
        "group_name": group_in(source, Domain.COINS),
        "tags": Domain.COINS.tags,
    }

    @dg.multi_asset(
        # The main source's op keeps the name that it had when there was no other.
        name="assets" if source is COINGECKO else f"{source.name}_assets",
        outs={
            "asset_changes": dg.AssetOut(
                key=key_in(source, "asset_changes"),
                description="""What happened to a coin between two lists.

**One row** is one change that the list of `seen_on` showed: listed, delisted, relisted, renamed or symbol_changed,
with the old and the new name or symbol. The very first list makes no changes, nor does a run that took none. Costs no
call. **Known gaps:** a coin
that came and went between two lists leaves no trace; two changes of one kind on one day show as the last one.""",
                metadata={"write_mode": "upsert", "allow_empty": True},
                **common,
            ),
            "assets": dg.AssetOut(
                key=key_in(source, "assets"),
                description="""Every coin ever seen in a list.

**One row** is one coin: its latest symbol and name, the dates of the first and the latest list that had it, and
whether the latest list has it. Coins that are gone stay, with `is_active` false, so a study of the past can be free of
survivorship bias from the first list on. Costs no call. **Complete** after each materialization. **Known gaps:** coins
that left before the first list.""",
                metadata={"write_mode": "upsert"},
                freshness_policy=policy_of(source, "assets"),
                **common,
            ),
        },
        retry_policy=RETRIES,
        ins={
            "raw_asset_list": dg.AssetIn(key=key_in(source, "raw_asset_list"), input_manager_key=io_manager_of(source))
        },
    )
    def assets_and_changes(
        raw_asset_list: pd.DataFrame, warehouse: dg.ResourceParam[Database]
    ) -> Iterator[dg.Output[pd.DataFrame]]:
        """Compare the list with the coins ever seen.

        The changes are written before the coins, and a list compared twice gives the same changes: a run that ends
        between the two loses none.
        """
        with permanent_failures():
            known = {asset.asset_id: asset for asset in stored_assets(database_of(source, warehouse))}
            if raw_asset_list.empty:
                raise dg.Failure(
                    f"The table raw_asset_list is empty; materialize {source.name}/raw_asset_list first.",
                    allow_retries=False,
                )
        seen_on = raw_asset_list["fetched_at"].max().date()
        listed = zip(
            raw_asset_list["asset_id"],
            raw_asset_list["symbol"].fillna(""),
            raw_asset_list["name"].fillna(""),
            strict=True,
        )
        assets, changes = apply_list(known, listed, seen_on)
        counts = Counter(change.change for change in changes)
        yield dg.Output(
            _frame(changes, AssetChange),
            output_name="asset_changes",
            metadata={str(change): count for change, count in counts.items()},
        )
        active = sum(asset.is_active for asset in assets)
        yield dg.Output(
            _frame(assets, Asset),
            output_name="assets",
            metadata={"coins_active": active, "coins_gone": len(assets) - active},
        )

    return assets_and_changes


def stored_assets(warehouse: Database) -> list[Asset]:
    """Every coin of the table assets."""
    table = tables.assets
    query = select(*(table.c[field.name] for field in fields(Asset)))
    return warehouse.run_reading(lambda connection: [Asset(*row) for row in connection.execute(query)])


def _frame(records: Sequence[Any], kind: type["DataclassInstance"]) -> pd.DataFrame:
    return pd.DataFrame(
        [asdict(record) for record in records], columns=[field.name for field in fields(kind)], dtype="object"
    )


assets_and_changes = make_assets_and_changes(COINGECKO)
