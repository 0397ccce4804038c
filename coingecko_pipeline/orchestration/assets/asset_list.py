"""The list of coins as received, the coins ever seen, and what happened to them: the same for every source."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.orchestration.assets.list_changes import Asset, AssetChange, apply_list
from coingecko_pipeline.orchestration.failures import RETRIES, permanent_failures
from coingecko_pipeline.orchestration.source_assets import database_of, group_in, io_manager_of, key_in, tables_of
from coingecko_pipeline.sources import Source, SourceClient
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, column_schema

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


def make_raw_asset_list(source: Source) -> dg.AssetsDefinition:
    """The Dagster asset of a source's list as received."""
    own = tables_of(source).tables

    @dg.asset(
        key=key_in(source, "raw_asset_list"),
        description=f"""The latest list of all coins that {source.title} lists, as received.

**One row** is one entry of {source.list_call} (1 call). **Complete** after each materialization: the list comes in one
answer. A list that is empty, or that lacks more than a fifth of the coins that the table holds, is refused and changes
nothing; `accept_shrunken_list` in the launchpad takes it anyway.

**Known gaps:** coins that {source.title} no longer lists are not in it; `{source.name}/assets` keeps those.
{source.list_gaps}""",
        group_name=group_in(source, GROUP),
        kinds={source.name, "mysql", "table"},
        owners=OWNERS,
        pool=source.pool,
        retry_policy=RETRIES,
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)
        ),
        metadata={"dagster/column_schema": column_schema(own["raw_asset_list"]), "write_mode": "replace_table"},
        io_manager_key=io_manager_of(source),
        required_resource_keys={source.name, "warehouse"},
    )
    def raw_asset_list(context: dg.AssetExecutionContext, config: AssetListConfig) -> dg.Output[pd.DataFrame]:
        client: SourceClient = getattr(context.resources, source.name)
        warehouse: Database = context.resources.warehouse
        with permanent_failures():
            ledger = UsageLedger(warehouse, client)
            try:
                listed = client.asset_list()
            finally:
                ledger.record()
            known = select(tables.raw_asset_list.c.asset_id)
            database = database_of(source, warehouse)
            previous = set(database.run_reading(lambda connection: connection.scalars(known).all()))
        entries = listed.entries
        refuse_broken_list(source, previous, {entry["id"] for entry in entries}, config.accept_shrunken_list)
        context.log.info("The list has %d coins; the table had %d.", len(entries), len(previous))
        spent = ledger.spent
        return dg.Output(
            list_frame(entries, listed.answered_at),
            metadata={
                "coins": len(entries),
                "calls": spent.calls,
                "credits": spent.credits,
                SHRINKAGE_ACCEPTED: config.accept_shrunken_list,
            },
        )

    return raw_asset_list


def list_frame(entries: Sequence[Mapping[str, Any]], fetched_at: datetime) -> pd.DataFrame:
    """The entries of a list as rows of raw_asset_list.

    Args:
        entries: Each with an id, and with symbol, name and platforms where the source gives them.
        fetched_at: The moment of the answer (UTC, aware).
    """
    return pd.DataFrame(
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


def refuse_broken_list(source: Source, previous: set[str], listed: set[str], accept_shrunken: bool) -> None:
    """Refuse a list that cannot be right.

    Raises:
        dagster.Failure: The list is empty, or it lacks more than a fifth of the previous one's coins and that was
            not accepted.
    """
    if not listed:
        raise dg.Failure(
            f"{source.title} answered the asset list with no coin; nothing was changed. Materialize it again later.",
            allow_retries=False,
        )
    lost = len(previous - listed)
    if lost > LARGEST_LOSS * len(previous) and not accept_shrunken:
        raise dg.Failure(
            f"The asset list lacks {lost:,} of the previous {len(previous):,} coins, more than a fifth; nothing was "
            f"changed. If {source.title} really dropped them, materialize {source.name}/raw_asset_list with the config "
            "accept_shrunken_list: true.",
            metadata={"coins_before": len(previous), "coins_now": len(listed), "coins_lost": lost},
            allow_retries=False,
        )


def make_assets_and_changes(source: Source) -> dg.AssetsDefinition:
    """The Dagster assets of the coins of a source ever seen, and of what happened to them."""
    own = tables_of(source).tables
    common: dict[str, Any] = {
        "io_manager_key": io_manager_of(source),
        "kinds": {"mysql", "table"},
        "group_name": group_in(source, GROUP),
        "owners": OWNERS,
    }

    @dg.multi_asset(
        # The main source's op keeps the name that it had when there was no other.
        name="assets" if source is COINGECKO else f"{source.name}_assets",
        outs={
            "asset_changes": dg.AssetOut(
                key=key_in(source, "asset_changes"),
                description="""What happened to a coin between two lists.

**One row** is one change that the list of `seen_on` showed: listed, delisted, relisted, renamed or symbol_changed,
with the old and the new name or symbol. The very first list makes no changes. Costs no call. **Known gaps:** a coin
that came and went between two lists leaves no trace; two changes of one kind on one day show as the last one.""",
                metadata={
                    "dagster/column_schema": column_schema(own["asset_changes"]),
                    "write_mode": "upsert",
                    "allow_empty": True,
                },
                **common,
            ),
            "assets": dg.AssetOut(
                key=key_in(source, "assets"),
                description="""Every coin ever seen in a list.

**One row** is one coin: its latest symbol and name, the dates of the first and the latest list that had it, and
whether the latest list has it. Coins that are gone stay, with `is_active` false, so a study of the past can be free of
survivorship bias from the first list on. Costs no call. **Complete** after each materialization. **Known gaps:** coins
that left before the first list.""",
                metadata={"dagster/column_schema": column_schema(own["assets"]), "write_mode": "upsert"},
                freshness_policy=dg.FreshnessPolicy.time_window(
                    fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)
                ),
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


raw_asset_list = make_raw_asset_list(COINGECKO)
assets_and_changes = make_assets_and_changes(COINGECKO)
