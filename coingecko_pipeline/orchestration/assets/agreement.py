"""Which coin of one source is which of the other, and how far the two agree on it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.agreement.comparison import follow_agreement
from coingecko_pipeline.agreement.pairs import CONTRACT_PRICE_TOLERANCE, PRICE_TOLERANCE
from coingecko_pipeline.agreement.storing import Pairing, latest_common_date, pair_coins
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.market.changes import forget_followed, read_followed
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, derived_asset, tell_followed
from coingecko_pipeline.orchestration.derived_tables import followers_of
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.tables.agreement import asset_pairs as pairs_table
from coingecko_pipeline.tables.agreement import source_agreement as agreement_table
from coingecko_pipeline.warehouse import Database, table_name
from coingecko_pipeline.warehouse.markdown import LEFT, markdown_table

PAIRS = key_in(COINGECKO, "asset_pairs")
SHOWN = 50
"""Ambiguous coins, and pairs that contracts contradict, that the metadata lists."""


@dg.asset(
    key=PAIRS,
    deps=[
        key_in(source, table)
        for source in (COINGECKO, COINPAPRIKA)
        for table in ("assets", "asset_contracts", "daily_market")
    ],
    group_name=Domain.AGREEMENT.value,
    tags=Domain.AGREEMENT.tags,
    retry_policy=RETRIES,
)
def asset_pairs(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Database]) -> dg.MaterializeResult[None]:
    """Which coin of CoinGecko is which of CoinPaprika.

    **One row** is one coin of CoinGecko. `how` says who decided: `contract`, where both sources have the same contract
    of both coins, and no contract of either is another coin's as well; `proposed`, where the symbol, the name (without
    case, punctuation and spaces) and the price (within 10 % on the latest date that both have) fit one coin on either
    side only; `ambiguous`, where they fit several, which are in `candidates`: it has no pair until a person decides;
    `manual`, a person's decision, where a NULL says that the coin has no pair.

    A contract makes a pair whatever the coins are called, unless their prices are more than 50 % apart; where a price
    is missing, the symbol or the name must fit. A pair that contracts contradict is not proposed: another coin has the
    contract, or the two have different ones on one chain. One that is there already stays, and is told in the metadata.

    **Complete** after each materialization for the coins that are active. A pair stays once it is there, whatever the
    coin is called and costs later; only ambiguous coins are looked at again. Decide by hand as docs/second-source.md
    shows. Costs no call. **Known gaps:** coins without a contract that the sources name differently, coins whose
    contract one of the sources has wrong, and those that only one of them has, have no row.
    """
    with permanent_failures():
        other = database_of(COINPAPRIKA, warehouse)
        day = latest_common_date(warehouse, other)
        if day is None:
            raise dg.Failure(
                "There is no date on which both CoinGecko and CoinPaprika have a market; materialize today's partition "
                "of coingecko/daily_market and coinpaprika/daily_market first.",
                allow_retries=False,
            )
        pairing = pair_coins(warehouse, other, day)
    context.log.info("%d new pairs, %d ambiguous coins.", pairing.new, len(pairing.proposal.ambiguous))
    return dg.MaterializeResult(
        metadata={
            "dagster/table_name": table_name(warehouse, pairs_table),
            "compared_on": pairing.day.isoformat(),
            "pairs": pairing.pairs,
            "pairs_new": pairing.new,
            "pairs_new_by_contract": len(pairing.proposal.by_contract),
            "pairs_contradicted_by_contract": len(pairing.contradicted),
            "contradicted": dg.MetadataValue.json(dict(sorted(pairing.contradicted.items())[:SHOWN])),
            "chains": dg.MetadataValue.json(dict(sorted(pairing.platforms.items()))),
            "coins_ambiguous": len(pairing.proposal.ambiguous),
            "ambiguous": dg.MetadataValue.md(_show_ambiguous(pairing)),
            "price_tolerance": PRICE_TOLERANCE,
            "contract_price_tolerance": CONTRACT_PRICE_TOLERANCE,
        }
    )


@derived_asset(
    agreement_table,
    [PAIRS, key_in(COINGECKO, "daily_market"), key_in(COINPAPRIKA, "daily_market")],
    Domain.AGREEMENT,
)
def source_agreement(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
) -> dg.MaterializeResult[Any]:
    """How far CoinPaprika's numbers lie from CoinGecko's on each date.

    **One row** is one coin that has a pair in `asset_pairs`, on one date on which both sources have a row. Each
    difference is (CoinPaprika - CoinGecko) / CoinGecko, a fraction: 0.02 is 2 % more. It is NULL where either value is
    NULL, and where CoinGecko's is 0.

    Computed inside the database from what is stored, and as far as that has changed; costs no call. **Complete** when
    both sources' partitions of the date are: made again for the dates of either source that change, and for every date
    of a coin that `asset_pairs` has paired. After a decision by hand in `asset_pairs` rebuild the dates.

    **Known gaps:** dates on which CoinPaprika was not read. A date whose snapshot was read late (see the check
    the_snapshot_was_timely) compares two moments, and the prices differ by what happened between.
    """
    with permanent_failures():
        other, moment = database_of(COINPAPRIKA, warehouse), now()
        followed = follow_agreement(warehouse, COINPAPRIKA.name, moment, rebuild=config.span, megabytes=measures_memory)
        known = read_followed(warehouse)
        for database, source, table in (
            (warehouse, COINGECKO.name, pairs_table.name),
            (other, COINPAPRIKA.name, "daily_market"),
        ):
            forget_followed(database, table, followers_of(source, table, known), moment)
    return tell_followed(context, warehouse, agreement_table, followed)


def _show_ambiguous(pairing: Pairing) -> str:
    ambiguous = pairing.proposal.ambiguous
    if not ambiguous:
        return "none"
    return markdown_table(
        {"coin of CoinGecko": LEFT, "coins of CoinPaprika that would do": LEFT},
        ((coin, ", ".join(near)) for coin, near in sorted(ambiguous.items())[:SHOWN]),
    )
