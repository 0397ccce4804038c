"""On which chains each coin is, under which address, and what these chains are."""

from collections.abc import Iterator

import dagster as dg
import pandas as pd

from coingecko_pipeline import tables
from coingecko_pipeline.asset_list.contracts import contracts_after, read_contracts
from coingecko_pipeline.asset_list.platforms import take_platforms
from coingecko_pipeline.orchestration.assets.asset_list import facts_of_defects
from coingecko_pipeline.orchestration.assets.endpoints import ASSET_PLATFORMS
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, io_manager_of, key_in
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, read_frame

AFTER_THE_SNAPSHOT = {"dagster/priority": "-1"}
"""Of the steps that could run, those that a snapshot does not wait for come last: its moment is the midnight."""


@dg.asset(
    key=key_in(COINGECKO, "asset_contracts"),
    ins={
        "raw_asset_list": dg.AssetIn(
            key=key_in(COINGECKO, "raw_asset_list"),
            input_manager_key=io_manager_of(COINGECKO),
            metadata={"columns": ["asset_id", "platforms", "fetched_at"]},
        )
    },
    group_name=Domain.COINS.value,
    tags=Domain.COINS.tags,
    retry_policy=RETRIES,
    op_tags=AFTER_THE_SNAPSHOT,
    metadata={"write_mode": "upsert", "allow_empty": True},
    io_manager_key=io_manager_of(COINGECKO),
)
def asset_contracts(
    context: dg.AssetExecutionContext, raw_asset_list: pd.DataFrame, warehouse: dg.ResourceParam[Database]
) -> Iterator[dg.Output[pd.DataFrame]]:
    """Every contract of a coin on a chain that was ever in a list.

    **One row** is one address of one coin on one chain, from the `platforms` of `/coins/list` (no call of its own),
    with the dates of the first and the latest list that had it, and whether the latest list has it. No row is ever
    deleted. An EVM address (0x and 40 hexadecimal digits) is in lower case, as its chain compares it; every other one
    is kept byte for byte, free text included. Two coins can have one address. **Complete** after each materialization.

    **Known gaps:** contracts that left before the first list; chains that a coin is on without an address (counted as
    `without_address`); what cannot be stored (counted as `left_out`, with the reason).
    """
    with permanent_failures():
        if raw_asset_list.empty:
            raise dg.Failure(
                "The table raw_asset_list is empty; materialize coingecko/raw_asset_list first.", allow_retries=False
            )
        seen_on = raw_asset_list["fetched_at"].max().date()
        listed = read_contracts(zip(raw_asset_list["asset_id"], raw_asset_list["platforms"], strict=True))
        rows = contracts_after(read_frame(warehouse, tables.asset_contracts), listed.rows, seen_on)
        if listed.left_out:
            context.log.warning("%d contracts of the list cannot be stored.", len(listed.left_out))
    yield dg.Output(
        rows,
        metadata={
            "contracts": len(listed.rows),
            "contracts_gone": int((~rows["is_active"]).sum()),
            "without_address": listed.without_address,
            **facts_of_defects("left_out", listed.left_out),
        },
    )


@dg.asset(
    key=key_in(COINGECKO, "platforms"),
    # After the list: where the key is refused, no further call is made with it.
    deps=[ASSET_PLATFORMS, key_in(COINGECKO, "raw_asset_list")],
    group_name=Domain.COINS.value,
    tags=Domain.COINS.tags,
    kinds={"coingecko"},
    pool=COINGECKO.pool,
    op_tags=AFTER_THE_SNAPSHOT,
    output_required=False,
    metadata={"write_mode": "upsert"},
    io_manager_key=io_manager_of(COINGECKO),
)
def platforms(
    context: dg.AssetExecutionContext, coingecko: dg.ResourceParam[CoinGecko], warehouse: dg.ResourceParam[Database]
) -> Iterator[dg.Output[pd.DataFrame]]:
    """The chains on which coins are.

    **One row** is one chain of `/asset_platforms`: its names, its number among EVM chains where it has one, and its own
    coin. One call, at most once a week and where the month's credits leave one; otherwise, and where none comes, the
    run goes on and nothing is materialized. A chain that is no longer told stays, with the moment of its last answer.
    **Complete** after each materialization.

    **Known gaps:** chains that lists named and that CoinGecko told no longer when it was first asked.
    """
    with permanent_failures():
        attempt = take_platforms(coingecko, warehouse)
    if attempt.listed is None:
        (context.log.warning if attempt.failed else context.log.info)("The chains were not renewed. %s", attempt.reason)
        return
    yield dg.Output(
        attempt.listed.rows,
        metadata={**facts_of_defects("left_out", attempt.listed.left_out)},
    )
