"""What runs when something happens."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import dagster as dg
from sqlalchemy import exists, select

from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.planning import USUAL_CHART_DAYS
from coingecko_pipeline.assets import DailyMarketConfig, market_report
from coingecko_pipeline.coingecko.client import latest_complete_date
from coingecko_pipeline.coingecko.plans import Plan
from coingecko_pipeline.jobs import market_history_job
from coingecko_pipeline.partitions import range_tags
from coingecko_pipeline.warehouse import Database, tables

report_sensor = dg.AutomationConditionSensorDefinition(
    "report_sensor",
    target=dg.AssetSelection.assets(market_report),
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes the report again when the runs that changed what it shows have ended.",
)

RECENT = timedelta(days=30)
"""A coin that was listed longer ago and was not fetched yet is the completion schedule's."""


@dg.sensor(
    job=market_history_job,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for the history of newly listed coins (from asset_changes) as soon as a list shows them, as far "
    "as the month's credits go: one call a coin.",
)
def new_coins_sensor(
    _context: dg.SensorEvaluationContext,
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
) -> dg.RunRequest | dg.SkipReason:
    """Ask once for each set of coins; those that the budget has no room for are the completion schedule's."""
    moment = now()
    coins = unfetched_new_coins(warehouse, moment)
    if not coins:
        return dg.SkipReason("No newly listed coin lacks its history.")
    budget = read_budget(warehouse, plan, moment.date())
    if budget.left == 0:
        return dg.SkipReason(
            f"{len(coins)} newly listed coin(s) lack their history, and the month's credits are used up until "
            f"{budget.month.last + timedelta(days=1)}, less what the daily snapshots need."
        )
    latest = latest_complete_date(moment)
    first = max(plan.earliest_date(moment.date()), latest - timedelta(days=USUAL_CHART_DAYS - 1))
    return dg.RunRequest(
        run_key=hashlib.sha256("\n".join(coins).encode()).hexdigest(),
        tags=range_tags(first, latest),
        run_config=dg.RunConfig({"coingecko__daily_market": DailyMarketConfig(asset_ids=list(coins), fit_budget=True)}),
    )


def unfetched_new_coins(warehouse: Database, now: datetime) -> Sequence[str]:
    """The active coins that were listed lately and whose chart was never asked for, by id."""
    changes, assets = tables.asset_changes, tables.assets
    charts, misses = tables.raw_market_charts, tables.chart_misses
    query = (
        select(changes.c.asset_id)
        .distinct()
        .join(assets, assets.c.asset_id == changes.c.asset_id)
        .where(
            changes.c.change == "listed",
            changes.c.seen_on >= (now - RECENT).date(),
            assets.c.is_active,
            ~exists().where(charts.c.asset_id == changes.c.asset_id),
            ~exists().where(misses.c.asset_id == changes.c.asset_id),
        )
        .order_by(changes.c.asset_id)
    )
    return warehouse.run_reading(lambda connection: connection.scalars(query).all())
