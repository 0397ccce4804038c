"""The list of coins as received, the coins ever seen, and what happened to them."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
from sqlalchemy import select

from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.assets.failures import COINGECKO_POOL, RETRIES, permanent_failures
from coingecko_pipeline.assets.list_changes import Asset, AssetChange, apply_list
from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.warehouse import Database, column_schema, tables

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

GROUP = "coins"
OWNERS = ["team:market-data"]

LARGEST_LOSS = 0.2
"""Share of the previous list's coins that a list may lack: in the lists recorded from 2020 to 2026 one day lost at
most some hundreds of 17,000, so a fifth is a broken answer."""

SHRINKAGE_ACCEPTED = "shrinkage_accepted"
"""The metadata entry that tells the check of the list what the config said."""


class AssetListConfig(dg.Config):
    """How the asset list is taken."""

    accept_shrunken_list: bool = False
    """Take a list that lacks more than a fifth of the previous one's coins."""


@dg.asset(
    key=["coingecko", "raw_asset_list"],
    group_name=GROUP,
    kinds={"coingecko", "mysql", "table"},
    owners=OWNERS,
    pool=COINGECKO_POOL,
    retry_policy=RETRIES,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)),
    metadata={"dagster/column_schema": column_schema(tables.raw_asset_list), "write_mode": "replace_table"},
    io_manager_key="warehouse_io_manager",
)
def raw_asset_list(
    context: dg.AssetExecutionContext,
    config: AssetListConfig,
    coingecko: dg.ResourceParam[CoinGecko],
    warehouse: dg.ResourceParam[Database],
) -> dg.Output[pd.DataFrame]:
    """The latest list of all coins that CoinGecko lists, as received.

    **One row** is one entry of `/coins/list` with its contract addresses (1 call). **Complete** after each
    materialization: the list comes in one answer. A list that is empty, or that lacks more than a fifth of the coins
    that the table holds, is refused and changes nothing; `accept_shrunken_list` in the launchpad takes it anyway.

    **Known gaps:** coins that CoinGecko no longer lists are not in it; `coingecko/assets` keeps those.
    """
    with permanent_failures():
        ledger = UsageLedger(warehouse, coingecko)
        try:
            fetched_at = coingecko.now()
            entries = coingecko.asset_list()
        finally:
            ledger.record()
        previous = set(
            warehouse.run_reading(lambda connection: connection.scalars(select(tables.raw_asset_list.c.asset_id)).all())
        )
    refuse_broken_list(previous, {entry["id"] for entry in entries}, config.accept_shrunken_list)
    context.log.info("The list has %d coins; the table had %d.", len(entries), len(previous))
    frame = pd.DataFrame(
        {
            "asset_id": [entry["id"] for entry in entries],
            "symbol": [entry.get("symbol") for entry in entries],
            "name": [entry.get("name") for entry in entries],
            "platforms": [
                json.dumps(entry["platforms"], ensure_ascii=False) if "platforms" in entry else None
                for entry in entries
            ],
        },
        dtype="object",
    ).assign(fetched_at=pd.Timestamp(fetched_at).as_unit("us"))
    spent = ledger.spent
    return dg.Output(
        frame,
        metadata={
            "coins": len(entries),
            "calls": spent.calls,
            "credits": spent.credits,
            SHRINKAGE_ACCEPTED: config.accept_shrunken_list,
        },
    )


def refuse_broken_list(previous: set[str], listed: set[str], accept_shrunken: bool) -> None:
    """Refuse a list that cannot be right.

    Raises:
        dagster.Failure: The list is empty, or it lacks more than a fifth of the previous one's coins and that was
            not accepted.
    """
    if not listed:
        raise dg.Failure(
            "CoinGecko answered the asset list with no coin; nothing was changed. Materialize it again later.",
            allow_retries=False,
        )
    lost = len(previous - listed)
    if lost > LARGEST_LOSS * len(previous) and not accept_shrunken:
        raise dg.Failure(
            f"The asset list lacks {lost:,} of the previous {len(previous):,} coins, more than a fifth; nothing was "
            "changed. If CoinGecko really dropped them, materialize coingecko/raw_asset_list with the config "
            "accept_shrunken_list: true.",
            metadata={"coins_before": len(previous), "coins_now": len(listed), "coins_lost": lost},
            allow_retries=False,
        )


@dg.multi_asset(
    name="assets",
    outs={
        "asset_changes": dg.AssetOut(
            key=["coingecko", "asset_changes"],
            description="""What happened to a coin between two lists.

**One row** is one change that the list of `seen_on` showed: listed, delisted, relisted, renamed or symbol_changed,
with the old and the new name or symbol. The very first list makes no changes. Costs no call. **Known gaps:** a coin
that came and went between two lists leaves no trace; two changes of one kind on one day show as the last one.""",
            io_manager_key="warehouse_io_manager",
            kinds={"mysql", "table"},
            group_name=GROUP,
            owners=OWNERS,
            metadata={
                "dagster/column_schema": column_schema(tables.asset_changes),
                "write_mode": "upsert",
                "allow_empty": True,
            },
        ),
        "assets": dg.AssetOut(
            key=["coingecko", "assets"],
            description="""Every coin ever seen in a list.

**One row** is one coin: its latest symbol and name, the dates of the first and the latest list that had it, and
whether the latest list has it. Coins that are gone stay, with `is_active` false, so a study of the past can be free of
survivorship bias from the first list on. Costs no call. **Complete** after each materialization. **Known gaps:** coins
that left before the first list.""",
            io_manager_key="warehouse_io_manager",
            kinds={"mysql", "table"},
            group_name=GROUP,
            owners=OWNERS,
            metadata={"dagster/column_schema": column_schema(tables.assets), "write_mode": "upsert"},
            freshness_policy=dg.FreshnessPolicy.time_window(
                fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)
            ),
        ),
    },
    retry_policy=RETRIES,
    ins={"raw_asset_list": dg.AssetIn(key=["coingecko", "raw_asset_list"], input_manager_key="warehouse_io_manager")},
)
def assets_and_changes(
    raw_asset_list: pd.DataFrame, warehouse: dg.ResourceParam[Database]
) -> Iterator[dg.Output[pd.DataFrame]]:
    """Compare the list with the coins ever seen.

    The changes are written before the coins, and a list compared twice gives the same changes: a run that ends
    between the two loses none.
    """
    with permanent_failures():
        known = {asset.asset_id: asset for asset in stored_assets(warehouse)}
        if raw_asset_list.empty:
            raise dg.Failure(
                "The table raw_asset_list is empty; materialize coingecko/raw_asset_list first.", allow_retries=False
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


def stored_assets(warehouse: Database) -> list[Asset]:
    """Every coin of the table assets."""
    table = tables.assets
    query = select(*(table.c[field.name] for field in fields(Asset)))
    return warehouse.run_reading(lambda connection: [Asset(*row) for row in connection.execute(query)])


def _frame(records: Sequence[Any], kind: type["DataclassInstance"]) -> pd.DataFrame:
    return pd.DataFrame(
        [asdict(record) for record in records], columns=[field.name for field in fields(kind)], dtype="object"
    )
