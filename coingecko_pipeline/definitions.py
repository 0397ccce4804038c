"""What workspace.yaml loads: everything that Dagster knows of this project, built by one function."""

from collections.abc import Mapping

import dagster as dg

from coingecko_pipeline.orchestration.assets import (
    SNAPSHOT_ASSETS,
    asset_pairs,
    assets_and_changes,
    daily_market,
    daily_ohlc,
    daily_returns,
    global_market_daily,
    hourly_market,
    market_charts,
    market_report,
    monthly_market,
    raw_asset_list,
    source_agreement,
    weekly_market,
)
from coingecko_pipeline.orchestration.assets.endpoints import ENDPOINTS
from coingecko_pipeline.orchestration.assets.market_changes import CHANGE_LOGS
from coingecko_pipeline.orchestration.checks import ALL_CHECKS
from coingecko_pipeline.orchestration.jobs import (
    CHECKS_JOBS,
    MEASURES_JOBS,
    SNAPSHOT_JOBS,
    asset_list_job,
    daily_market_job,
    hourly_market_job,
    market_charts_job,
    market_checks_job,
    market_report_job,
    source_agreement_job,
)
from coingecko_pipeline.orchestration.resources import build_resources
from coingecko_pipeline.orchestration.schedules import (
    SNAPSHOT_SCHEDULES,
    daily_market_schedule,
    history_completion_schedule,
    hourly_market_schedule,
    source_agreement_schedule,
)
from coingecko_pipeline.orchestration.sensors import (
    failed_check_alert_sensor,
    measures_sensor,
    new_coins_sensor,
    report_sensor,
    run_failure_alert_sensor,
)


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Everything, with other resources in the place of those of the same name.

    Args:
        resources: For a test or the command line: for example a client with a fake clock as ``coingecko``.
    """
    return dg.Definitions(
        assets=[
            raw_asset_list,
            assets_and_changes,
            market_charts,
            daily_market,
            hourly_market,
            daily_ohlc,
            weekly_market,
            monthly_market,
            daily_returns,
            global_market_daily,
            *(asset for assets in SNAPSHOT_ASSETS.values() for asset in assets),
            asset_pairs,
            source_agreement,
            market_report,
            *ENDPOINTS,
            *CHANGE_LOGS,
        ],
        asset_checks=list(ALL_CHECKS),
        jobs=[
            daily_market_job,
            asset_list_job,
            market_charts_job,
            market_checks_job,
            hourly_market_job,
            *MEASURES_JOBS,
            *SNAPSHOT_JOBS.values(),
            *CHECKS_JOBS.values(),
            source_agreement_job,
            market_report_job,
        ],
        schedules=[
            daily_market_schedule,
            history_completion_schedule,
            hourly_market_schedule,
            *SNAPSHOT_SCHEDULES,
            source_agreement_schedule,
        ],
        sensors=[new_coins_sensor, measures_sensor, report_sensor, run_failure_alert_sensor, failed_check_alert_sensor],
        resources=build_resources(resources),
        # docs/decisions/0020: a step is a second of work, and a process for it is five of imports.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
