"""On which chains each coin of CoinPaprika is, under which address."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from coingecko_pipeline.asset_list.asked_contracts import take_contracts
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.orchestration.assets.asset_list import facts_of_defects
from coingecko_pipeline.orchestration.assets.contracts import AFTER_THE_SNAPSHOT
from coingecko_pipeline.orchestration.assets.endpoints import CONTRACTS
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.source_assets import Domain, group_in, io_manager_of, key_in
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA, CoinPaprika
from coingecko_pipeline.warehouse import Database

COMMON: dict[str, Any] = {
    "io_manager_key": io_manager_of(COINPAPRIKA),
    "group_name": group_in(COINPAPRIKA, Domain.COINS),
    "tags": Domain.COINS.tags,
    "kinds": {COINPAPRIKA.name},
    "metadata": {"write_mode": "upsert", "allow_empty": True},
    "is_required": False,
}


@dg.multi_asset(
    name="coinpaprika_contracts",
    # Where the list was refused, so would be every other call.
    deps=[CONTRACTS, key_in(COINPAPRIKA, "assets")],
    outs={
        "asset_contracts": dg.AssetOut(
            key=key_in(COINPAPRIKA, "asset_contracts"),
            description="""Every contract of a coin of CoinPaprika on a chain that was ever in a list.

**One row** is one address of one coin on one chain, from `/contracts/{platform}`, with the dates of the first and the
latest list that had it, and whether the latest list of its chain has it. No row is ever deleted. An EVM address is in
lower case, every other one is kept byte for byte. The chains' ids are CoinPaprika's, such as `eth-ethereum`.

One call for the chains, and one for each chain whose contracts are a week old. A chain that does not answer keeps its
rows, stops no other and no run, and is asked again by the next run. **Complete** after each materialization without
`chains_failed` and `chains_not_asked`.

**Known gaps:** contracts that CoinPaprika says are not active, and what cannot be stored (counted as `left_out`, with
the reason). A chain that CoinPaprika lists no longer keeps its rows as they were.""",
            **COMMON,
        ),
        "platforms": dg.AssetOut(
            key=key_in(COINPAPRIKA, "platforms"),
            description="""The chains on which coins of CoinPaprika are.

**One row** is one chain of `/contracts` whose contracts came, with the moment of that answer, from which the week until
the next call counts. **Known gaps:** `/contracts` gives ids alone, so all else is NULL.""",
            **COMMON,
        ),
    },
    pool=COINPAPRIKA.pool,
    op_tags=AFTER_THE_SNAPSHOT,
)
def paprika_contracts(
    context: dg.AssetExecutionContext, coinpaprika: dg.ResourceParam[CoinPaprika], warehouse: dg.ResourceParam[Database]
) -> Iterator[dg.Output[pd.DataFrame]]:
    """Ask for the contracts that are due.

    The contracts are written before the moments of their answers: a run that ends between the two asks again.
    """
    with permanent_failures():
        attempt = take_contracts(coinpaprika, database_of(COINPAPRIKA, warehouse), warehouse)
    if attempt.reason:
        context.log.warning("The contracts were not renewed, and a later run asks again. %s", attempt.reason)
    for platform, reason in attempt.failed.items():
        context.log.warning("The contracts on %s did not come, and a later run asks again. %s", platform, reason)
    if attempt.not_asked:
        context.log.warning("%d chains were not asked, since those before them failed.", attempt.not_asked)
    if attempt.contracts is None:
        return
    yield dg.Output(
        attempt.contracts,
        output_name="asset_contracts",
        metadata={
            "contracts": int(attempt.contracts["is_active"].sum()),
            "chains_asked": len(attempt.platforms),
            "chains_not_due": attempt.not_due,
            "chains_failed": dg.MetadataValue.json(dict(attempt.failed)),
            "chains_not_asked": attempt.not_asked,
            "without_address": attempt.without_address,
            **facts_of_defects("left_out", attempt.left_out),
        },
    )
    moments = pd.to_datetime(pd.Series(list(attempt.platforms.values())), utc=True).dt.as_unit("us")
    named = pd.DataFrame({"platform": list(attempt.platforms), "fetched_at": moments})
    yield dg.Output(
        named.assign(name=None, short_name=None, chain_id=None, native_asset_id=None), output_name="platforms"
    )
