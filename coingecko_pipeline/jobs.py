"""The jobs: what is materialized together."""

import dagster as dg

from coingecko_pipeline.assets import (
    SNAPSHOT_ASSETS,
    asset_pairs,
    assets_and_changes,
    daily_market,
    hourly_market,
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
    description="The pairs of coins, and how far the sources agree on one date, with the check: no call.",
)
