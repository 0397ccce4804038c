"""The list of coins as received, the same for every source."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from coingecko_pipeline.asset_list.acceptance import LIST_TAKEN
from coingecko_pipeline.asset_list.entries import Defect, count_reasons
from coingecko_pipeline.asset_list.refused import forget_refused_list
from coingecko_pipeline.asset_list.taking import ListAttempt, take_list
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.orchestration.assets.endpoints import list_endpoint
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.freshness import policy_of
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, group_in, io_manager_of, key_in
from coingecko_pipeline.sources import Source, SourceClient
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

EXAMPLES = 20


class AssetListConfig(dg.Config):
    """How the asset list is taken."""

    accept_shrunken_list: bool = False
    """Take a list that lacks more than a fifth of the active coins."""


def make_raw_asset_list(source: Source) -> dg.AssetsDefinition:
    """The Dagster asset of a source's list as received."""

    @dg.asset(
        key=key_in(source, "raw_asset_list"),
        deps=[list_endpoint(source)],
        description=f"""The latest list of all coins that {source.title} lists, as received.

**One row** is one entry of {source.list_call} (1 call). **Complete** after each materialization whose metadata says
`list_taken: true`: the list comes in one answer.

Where no list comes, or one that is refused, the table keeps the earlier list, the run goes on with its coins, and the
check `the_list_was_taken` fails with the reason. Refused are a list without any coin, and one that lacks more than a
fifth of the active coins; the latter is taken with `accept_shrunken_list` in the launchpad, and by itself where the
next one agrees with it. An entry that cannot be a row is set aside and counted.

**Known gaps:** coins that {source.title} no longer lists are not in it; `{source.name}/assets` keeps those.
{source.list_gaps}""",
        group_name=group_in(source, Domain.COINS),
        tags=Domain.COINS.tags,
        kinds={source.name},
        pool=source.pool,
        retry_policy=RETRIES,
        freshness_policy=policy_of(source, "raw_asset_list"),
        metadata={"write_mode": "replace_table"},
        io_manager_key=io_manager_of(source),
        required_resource_keys={source.name, "warehouse"},
    )
    def raw_asset_list(
        context: dg.AssetExecutionContext, config: AssetListConfig
    ) -> Iterator[dg.Output[pd.DataFrame] | dg.MaterializeResult[Any]]:
        client: SourceClient = getattr(context.resources, source.name)
        warehouse: Database = context.resources.warehouse
        with permanent_failures():
            database = database_of(source, warehouse)
            attempt = take_list(source, client, database, warehouse, config.accept_shrunken_list)
        if attempt.listed is None or attempt.reason:
            context.log.warning("The list was not taken, and the run goes on with the earlier one. %s", attempt.reason)
            # Without a value the IO manager is not asked to store one, and what is downstream loads the earlier list.
            yield dg.MaterializeResult(metadata=facts_of(attempt))
            return
        context.log.info("The list has %d coins; %d were active.", len(attempt.listed.assets), attempt.coins_before)
        yield dg.Output(attempt.listed.frame(attempt.fetched_at), metadata=facts_of(attempt))
        # Not before the list is stored: until then a second try may need it.
        forget_refused_list(database)

    return raw_asset_list


def facts_of(attempt: ListAttempt) -> dict[str, Any]:
    """What an attempt came to, as metadata; the checks of the list read it."""
    facts: dict[str, Any] = {
        LIST_TAKEN: not attempt.reason,
        "calls": attempt.spent.calls,
        "credits": attempt.spent.credits,
        "coins_before": attempt.coins_before,
    }
    if attempt.reason:
        facts["reason"] = attempt.reason
    if attempt.listed is not None and attempt.acceptance is not None:
        facts |= {
            "coins": len(attempt.listed.assets),
            "coins_lost": attempt.coins_lost,
            "acceptance": attempt.acceptance.value,
            **facts_of_defects("entries_set_aside", attempt.listed.set_aside),
            **facts_of_defects("values_mended", attempt.listed.mended),
        }
    return facts


def facts_of_defects(name: str, defects: tuple[Defect, ...]) -> dict[str, Any]:
    """Their number and, where there are any, the number of each kind and examples."""
    if not defects:
        return {name: 0}
    return {
        name: len(defects),
        f"{name}_by_reason": dg.MetadataValue.json(count_reasons(defects)),
        f"{name}_examples": dg.MetadataValue.json([f"{each.example}: {each.reason}" for each in defects[:EXAMPLES]]),
    }


raw_asset_list = make_raw_asset_list(COINGECKO)
