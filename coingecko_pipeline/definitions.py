"""What workspace.yaml loads: everything that Dagster knows of this project, built by one function."""

from collections.abc import Mapping

import dagster as dg

from coingecko_pipeline.assets import (
    SNAPSHOT_ASSETS,
    asset_pairs,
    assets_and_changes,
    daily_market,
    raw_asset_list,
    source_agreement,
)
from coingecko_pipeline.checks import ALL_CHECKS
from coingecko_pipeline.jobs import (
    SNAPSHOT_JOBS,
    asset_list_job,
    daily_market_job,
    market_history_job,
    source_agreement_job,
)
from coingecko_pipeline.resources import build_resources
from coingecko_pipeline.schedules import (
    SNAPSHOT_SCHEDULES,
    daily_market_schedule,
    history_completion_schedule,
    source_agreement_schedule,
)
from coingecko_pipeline.sensors import new_coins_sensor


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Everything, with other resources in the place of those of the same name.

    Args:
        resources: For a test or the command line: for example a client with a fake clock as ``coingecko``.
    """
    return dg.Definitions(
        assets=[
            raw_asset_list,
            assets_and_changes,
            daily_market,
            *(asset for assets in SNAPSHOT_ASSETS.values() for asset in assets),
            asset_pairs,
            source_agreement,
        ],
        asset_checks=list(ALL_CHECKS),
        jobs=[daily_market_job, asset_list_job, market_history_job, *SNAPSHOT_JOBS.values(), source_agreement_job],
        schedules=[
            daily_market_schedule,
            history_completion_schedule,
            *SNAPSHOT_SCHEDULES,
            source_agreement_schedule,
        ],
        sensors=[new_coins_sensor],
        resources={**build_resources(), **(resources or {})},
    )


defs = build_definitions()
