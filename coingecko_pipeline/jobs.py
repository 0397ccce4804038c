"""The jobs: what is materialized together."""

import dagster as dg

from coingecko_pipeline.assets import assets_and_changes, daily_market, market_report, raw_asset_list

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

market_report_job = dg.define_asset_job(
    "market_report_job",
    selection=dg.AssetSelection.assets(market_report),
    description="The report as one HTML file: no call.",
)
