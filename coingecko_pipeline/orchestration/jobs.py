"""The jobs: what is materialized together."""

import dagster as dg

from coingecko_pipeline.orchestration.assets import (
    DERIVED_ASSETS,
    MEASURE_ASSETS,
    SNAPSHOT_ASSETS,
    asset_pairs,
    assets_and_changes,
    daily_market,
    hourly_market,
    market_report,
    raw_asset_list,
    source_agreement,
)

daily_market_job = dg.define_asset_job(
    "daily_market_job",
    selection=dg.AssetSelection.assets(raw_asset_list, assets_and_changes, daily_market),
    description="The list, the coins, the market of one date, and all checks.",
)

asset_list_job = dg.define_asset_job(
    "asset_list_job",
    selection=dg.AssetSelection.assets(raw_asset_list, assets_and_changes),
    description="The list and the coins, with their checks: one call.",
)

market_history_job = dg.define_asset_job(
    "market_history_job",
    selection=dg.AssetSelection.assets(daily_market),
    description="The market of past dates from charts, with its checks: one call for each coin not yet archived.",
)

hourly_market_job = dg.define_asset_job(
    "hourly_market_job",
    selection=dg.AssetSelection.assets(hourly_market),
    description="The current market of the largest coins, with its checks: one call for each 250 of them.",
)

derived_tables_job = dg.define_asset_job(
    "derived_tables_job",
    selection=dg.AssetSelection.assets(*DERIVED_ASSETS),
    description="Everything that is computed from the stored markets, as far as that has changed, with the checks, and "
    "then the report: no call. The sensor derived_tables_sensor asks for what lags.",
)

measures_job = dg.define_asset_job(
    "measures_job",
    selection=dg.AssetSelection.assets(*MEASURE_ASSETS),
    description="The roll-ups, the returns, the global market and the bars of hours, as far as the markets have "
    "changed, with their checks: no call.",
)

market_report_job = dg.define_asset_job(
    "market_report_job",
    selection=dg.AssetSelection.assets(market_report),
    description="The report as one HTML file: no call.",
)

SNAPSHOT_JOBS = {
    name: dg.define_asset_job(
        f"{name}_daily_job",
        selection=dg.AssetSelection.assets(*assets),
        description=f"The list, the coins and today's market of {name}, and all checks.",
    )
    for name, assets in SNAPSHOT_ASSETS.items()
}
"""The daily job of each other source, by its name."""

source_agreement_job = dg.define_asset_job(
    "source_agreement_job",
    selection=dg.AssetSelection.assets(asset_pairs, source_agreement),
    description="The pairs of coins, and how far the sources agree, as far as one of them has changed, with the check: "
    "no call.",
)

ALL_JOBS = (
    daily_market_job,
    asset_list_job,
    market_history_job,
    hourly_market_job,
    *SNAPSHOT_JOBS.values(),
    derived_tables_job,
    measures_job,
    source_agreement_job,
    market_report_job,
)
"""Every job, in this one place."""
