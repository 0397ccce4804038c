"""What workspace.yaml loads: everything that Dagster knows of this project, built by one function."""

from collections.abc import Mapping

import dagster as dg

from coingecko_pipeline.assets import assets_and_changes, daily_market, market_report, raw_asset_list
from coingecko_pipeline.checks import ALL_CHECKS
from coingecko_pipeline.jobs import asset_list_job, daily_market_job, market_history_job, market_report_job
from coingecko_pipeline.resources import build_resources
from coingecko_pipeline.schedules import daily_market_schedule, history_completion_schedule
from coingecko_pipeline.sensors import new_coins_sensor, report_sensor


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Everything, with other resources in the place of those of the same name.

    Args:
        resources: For a test or the command line: for example a client with a fake clock as ``coingecko``.
    """
    return dg.Definitions(
        assets=[raw_asset_list, assets_and_changes, daily_market, market_report],
        asset_checks=list(ALL_CHECKS),
        jobs=[daily_market_job, asset_list_job, market_history_job, market_report_job],
        schedules=[daily_market_schedule, history_completion_schedule],
        sensors=[new_coins_sensor, report_sensor],
        resources={**build_resources(), **(resources or {})},
    )


defs = build_definitions()
