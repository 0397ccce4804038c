"""The largest coins' market of an hour: what it costs, and whether it can still be taken."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pandas as pd

from coingecko_pipeline.acquisition.budget import (
    HOURS,
    LONGEST_MONTH,
    BudgetExceeded,
    hour_cost,
    most_each_hour,
    read_budget,
)
from coingecko_pipeline.acquisition.history import COINS_ASKED
from coingecko_pipeline.acquisition.planning import (
    NO_COINS,
    AcquisitionError,
    Request,
    SnapshotPlan,
    plan_snapshot,
)
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.snapshot import SnapshotAcquisition, market_frames
from coingecko_pipeline.acquisition.snapshot_result import SnapshotResult
from coingecko_pipeline.acquisition.universe import count_active
from coingecko_pipeline.acquisition.usage import HOURLY_MARKETS, MARKETS, UsageLedger
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

HOURLY_OFF = (
    "The hourly market is off. To turn it on, set HOURLY_TOP to how many of the largest coins are wanted each hour: "
    "250 coins are one call an hour, 720 credits in 30 days."
)


def plan_hour(hour: datetime, top: int | None, database: Database, plan: Plan, now: datetime) -> SnapshotPlan:
    """The market pages of an hour, if it can be taken now and the month's credits bear it.

    Args:
        hour: The hour asked for, as the moment at which it begins (UTC, aware).
        top: How many of the largest coins; None for as many as the settings say.
        database: Where the coins and the usage are.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.

    Raises:
        AcquisitionError: The hour is over or has not begun, the hourly market is off, or there are no coins yet.
        BudgetExceeded: The month's credits do not bear it; nothing was spent.
    """
    if top is None and not plan.hourly_top:
        raise AcquisitionError(HOURLY_OFF)
    if not hour <= now < hour + timedelta(hours=1):
        raise AcquisitionError(_not_now(hour, now))
    active = count_active(database)
    if not active:
        raise AcquisitionError(NO_COINS)
    if top is None:
        _require_each_hour(plan, active)
    day = now.date()
    pages = plan_snapshot(Request(DateRange(day, day), top=top or plan.hourly_top), active, plan)
    read_budget(database, plan, day).require_hour(pages.calls)
    return pages


def acquire_hour(
    hour: datetime, top: int | None, database: Database, client: CoinGecko, progress: Progress
) -> SnapshotAcquisition:
    """Plan the rows of hourly_market for an hour; the arguments are those of `plan_hour`.

    Args:
        hour: The hour asked for.
        top: How many of the largest coins; None for as many as the settings say.
        database: Where everything is kept.
        client: CoinGecko.
        progress: Told of each page.

    Raises:
        AcquisitionError: It cannot be taken, or the budget does not bear it; nothing was spent.
    """
    plan = plan_hour(hour, top, database, client.plan, client.now())
    ledger = UsageLedger(database, client, {MARKETS: HOURLY_MARKETS})
    what = f"The market of {hour:%Y-%m-%d %H:%M} UTC"
    result = SnapshotResult(COINGECKO.title)
    pages = client.market_pages(largest=plan.largest)

    def frames() -> Iterator[pd.DataFrame]:
        for frame in market_frames(pages, plan, what, ledger, progress, result):
            frame.insert(0, "hour_at", pd.Timestamp(hour).as_unit("us"))
            yield frame

    return SnapshotAcquisition(
        f"{what}: the {plan.coins:,} largest coins, about {plan.calls} calls.",
        frames(),
        result.latest,
        lambda: {COINS_ASKED: plan.coins, **result.facts(), **ledger.facts()},
    )


def _not_now(hour: datetime, now: datetime) -> str:
    if now < hour:
        return f"The hour {hour:%Y-%m-%d %H:%M} UTC has not begun; it is {now:%Y-%m-%d %H:%M}."
    return (
        f"The hour {hour:%Y-%m-%d %H:%M} UTC is over (it is {now:%Y-%m-%d %H:%M}), and /coins/markets tells current "
        "prices only, so it stays without rows. CoinGecko keeps hourly points of the last 90 days in its charts, at a "
        "call for each coin, which are not asked for here; the exact value of each midnight is in daily_market "
        f"(coingecko-pipeline backfill --from {hour:%Y-%m-%d} --to {hour:%Y-%m-%d})."
    )


def _require_each_hour(plan: Plan, active: int) -> None:
    most = most_each_hour(plan, active)
    each = hour_cost(plan.hourly_top, active)
    if most is not None and each * PAGE_SIZE > most:
        raise BudgetExceeded(
            f"HOURLY_TOP is {plan.hourly_top:,}, which takes {each:,} credits an hour and "
            f"{each * HOURS * LONGEST_MONTH:,} in a month of {LONGEST_MONTH} days; of the plan {plan.name}'s "
            f"{plan.credits_per_month:,}, what the daily snapshots leave bears the {most:,} largest coins. Set "
            f"HOURLY_TOP to at most {most:,}."
        )
