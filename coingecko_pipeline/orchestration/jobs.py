"""The jobs: what is materialized together."""

from collections.abc import Mapping

import dagster as dg

from coingecko_pipeline.orchestration.assets import (
    DERIVED_ASSETS,
    MEASURE_ASSETS,
    SNAPSHOT_ASSETS,
    asset_contracts,
    asset_pairs,
    assets_and_changes,
    currency_charts,
    daily_market,
    fx_rates,
    hourly_market,
    lake,
    market_charts,
    market_report,
    platforms,
    raw_asset_list,
    source_agreement,
)
from coingecko_pipeline.orchestration.checks.in_one_step import FAILS_WITH_ITS_CHECKS
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO, SNAPSHOT_SOURCES


def at_most(*, hours: int) -> Mapping[str, str]:
    """The tags of a job whose run the daemon ends after so many hours, a multiple of what it takes on a slow machine.

    A run that fetches charts has no such end but the instance's: without a key every coin takes days.
    """
    return {"dagster/max_runtime": str(hours * 3600)}


LIST_ASSETS = dg.AssetSelection.assets(raw_asset_list, assets_and_changes, asset_contracts, platforms)

daily_market_job = dg.define_asset_job(
    "daily_market_job",
    # Before whatever else waits in the queue: its moment passes.
    tags={**at_most(hours=3), "dagster/priority": "1"},
    # Of a run with a partition Dagster plans each check for the partition, and evaluates it for none: the checks have
    # a run of their own, after this one.
    selection=(LIST_ASSETS | dg.AssetSelection.assets(daily_market, fx_rates)).without_checks(),
    description="The list, the coins, their contracts, the market of one date and the day's exchange rates. The checks "
    "follow in a run of their own.",
)


def _checks_of(source: Source) -> dg.AssetSelection:
    return dg.AssetSelection.checks_for_assets(
        *(key_in(source, table) for table in ("raw_asset_list", "assets", "market_changes"))
    )


market_checks_job = dg.define_asset_job(
    "market_checks_job",
    tags={**at_most(hours=1), **FAILS_WITH_ITS_CHECKS},
    selection=_checks_of(COINGECKO),
    description="All checks of the list, the coins and the market tables, of the latest dates: no call. It fails where "
    "one of them fails as an error.",
)

asset_list_job = dg.define_asset_job(
    "asset_list_job",
    tags=at_most(hours=2),
    selection=LIST_ASSETS,
    description="The list, the coins and their contracts, with their checks: one call, and once a week one for the "
    "chains.",
)

market_charts_job = dg.define_asset_job(
    "market_charts_job",
    selection=dg.AssetSelection.assets(market_charts),
    description="The charts that coins lack, and their rows of the daily market: one call for each coin.",
)

currency_charts_job = dg.define_asset_job(
    "currency_charts_job",
    tags=at_most(hours=6),
    selection=dg.AssetSelection.assets(currency_charts),
    description="The charts of bitcoin that currencies lack, and their rates: one call for each currency, and one for "
    "bitcoin's dollars where they are missing.",
)

hourly_market_job = dg.define_asset_job(
    "hourly_market_job",
    tags=at_most(hours=1),
    selection=dg.AssetSelection.assets(hourly_market).without_checks(),
    description="The current market of the largest coins: one call for each 250 of them.",
)

derived_tables_job = dg.define_asset_job(
    "derived_tables_job",
    tags={**at_most(hours=12), **FAILS_WITH_ITS_CHECKS},
    selection=dg.AssetSelection.assets(*DERIVED_ASSETS) | _checks_of(COINGECKO),
    description="Everything that is computed from the stored markets, as far as that has changed, with the checks of "
    "the markets too, and then the report: no call. The sensor derived_tables_sensor asks for what lags. It fails "
    "where a check fails as an error; what is computed is made all the same.",
)

measures_job = dg.define_asset_job(
    "measures_job",
    tags={**at_most(hours=12), **FAILS_WITH_ITS_CHECKS},
    selection=dg.AssetSelection.assets(*MEASURE_ASSETS),
    description="The roll-ups, the returns, the global market, the bars of hours, the candles and the flags, as far as "
    "the markets have changed, with their checks: no call. It fails where one of them fails as an error.",
)

market_report_job = dg.define_asset_job(
    "market_report_job",
    tags=at_most(hours=1),
    selection=dg.AssetSelection.assets(market_report),
    description="The report as one HTML file: no call.",
)

lake_job = dg.define_asset_job(
    "lake_job",
    tags=at_most(hours=12),
    selection=dg.AssetSelection.assets(lake),
    description="The lake at LAKE_URI, as far as the database has changed: no call.",
)

SNAPSHOT_JOBS = {
    name: dg.define_asset_job(
        f"{name}_daily_job",
        tags=at_most(hours=2),
        selection=dg.AssetSelection.assets(*assets).without_checks(),
        description=f"The list, the coins and today's market of {name}, and the contracts that are due. The checks "
        "follow in a run of their own.",
    )
    for name, assets in SNAPSHOT_ASSETS.items()
}
"""The daily job of each other source, by its name."""

CHECKS_JOBS = {
    source.name: dg.define_asset_job(
        f"{source.name}_checks_job",
        tags={**at_most(hours=1), **FAILS_WITH_ITS_CHECKS},
        selection=_checks_of(source),
        description=f"All checks of the list, the coins and the daily market of {source.title}: no call. It fails "
        "where one of them fails as an error.",
    )
    for source in SNAPSHOT_SOURCES
}
"""The checks of each other source, by its name: nothing else needs its database."""

source_agreement_job = dg.define_asset_job(
    "source_agreement_job",
    tags={**at_most(hours=3), **FAILS_WITH_ITS_CHECKS},
    selection=dg.AssetSelection.assets(asset_pairs, source_agreement),
    description="The pairs of coins, and how far the sources agree, as far as one of them has changed, with the check: "
    "no call.",
)

ALL_JOBS = (
    daily_market_job,
    asset_list_job,
    market_charts_job,
    market_checks_job,
    currency_charts_job,
    hourly_market_job,
    *SNAPSHOT_JOBS.values(),
    *CHECKS_JOBS.values(),
    derived_tables_job,
    measures_job,
    source_agreement_job,
    market_report_job,
    lake_job,
)
"""Every job of assets and checks, in this one place."""
