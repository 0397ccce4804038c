"""What workspace.yaml loads: everything that Dagster knows of this project, built by one function."""

from collections.abc import Mapping
from functools import cache

import dagster as dg

from coingecko_pipeline.orchestration.assets import ALL_ASSETS
from coingecko_pipeline.orchestration.catalogue import Assets, catalogued
from coingecko_pipeline.orchestration.checks import ALL_CHECKS
from coingecko_pipeline.orchestration.jobs import ALL_JOBS
from coingecko_pipeline.orchestration.maintenance import maintenance_job
from coingecko_pipeline.orchestration.resources import build_resources
from coingecko_pipeline.orchestration.schedules import ALL_SCHEDULES
from coingecko_pipeline.orchestration.sensors import ALL_SENSORS
from coingecko_pipeline.settings import CatalogueSettings, load_catalogue_settings


def build_definitions(
    resources: Mapping[str, object] | None = None, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Everything, with other resources in the place of those of the same name.

    Args:
        resources: For a test or the command line: for example a client with a fake clock as ``coingecko``.
        loggers: Who hears of the runs beside Dagster itself.
    """
    return dg.Definitions(
        assets=list(_catalogue(load_catalogue_settings())),
        asset_checks=list(ALL_CHECKS),
        jobs=[*ALL_JOBS, maintenance_job],
        schedules=list(ALL_SCHEDULES),
        sensors=list(ALL_SENSORS),
        resources=build_resources(resources),
        loggers=loggers,
        # docs/decisions/0020: a step is a second of work, and a process for it is five of imports.
        executor=dg.in_process_executor,
    )


@cache
def _catalogue(settings: CatalogueSettings) -> Assets:
    return catalogued(ALL_ASSETS, settings)


defs = build_definitions()
