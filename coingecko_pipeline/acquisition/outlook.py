"""How complete the history is, what is to be done for it today, and when it will be complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.completion import CompletionWork, calls_in_time, calls_today, complete_on, work_of
from coingecko_pipeline.acquisition.universe import active_coins, count_active, gone_coins
from coingecko_pipeline.archive.coverage import Coverage, read_coverage
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database


def read_work(
    database: Database, plan: Plan, now: datetime, coverage: Mapping[str, Coverage] | None = None
) -> CompletionWork:
    """What completing the history takes, from the coins and their coverage alone: no row of the market is counted.

    Args:
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.
        coverage: Of all coins, where it was read before.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    gone = gone_coins(database)
    return work_of(
        universe=[*active_coins(database), *gone],
        left_on=gone,
        coverage=read_coverage(database) if coverage is None else coverage,
        plan=plan,
        latest=latest_complete_date(now),
        today=now.date(),
    )


@dataclass(frozen=True)
class TodaysCompletion:
    """What is to be done for the history on a day.

    Attributes:
        calls: Calls to make.
        reason: Why nothing is to be done, where the calls are 0.
        is_used_up: Whether coins wait for credits that the month has no more of.
    """

    calls: int
    reason: str
    is_used_up: bool


def plan_of_today(
    database: Database, plan: Plan, now: datetime, coverage: Mapping[str, Coverage] | None = None
) -> TodaysCompletion:
    """What is to be done for the history now.

    Args:
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.
        coverage: Of all coins, where it was read before.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    work = read_work(database, plan, now, coverage)
    budget = read_budget(database, plan, now.date())
    reason = "Every coin's history is complete."
    if work.in_order:
        reason = f"{len(work.in_order):,} of {work.coins:,} coins wait for their history, and today has no "
        has_time = budget.left is not None and calls_in_time(plan, now) > 0
        reason += f"credit for it: {budget.left:,} are left until {budget.month.last}." if has_time else "time for it."
    return TodaysCompletion(calls_today(work, budget, plan, now), reason, bool(work.in_order) and budget.is_used_up)


@dataclass(frozen=True)
class Outlook:
    """How complete the history is, and when it will be.

    Attributes:
        completeness: The share of the coins that lack no day which the plan serves; of 1.
        coins_never_fetched: Coins of which no answer has spoken yet.
        coins_missing_days: Coins with days that have neither been spoken for nor a snapshot.
        coins_with_snapshots: Coins whose newest rows are snapshots until their chart is asked for again.
        coins_without_news: Coins whose last chart brought nothing new.
        coins_not_served: Coins that left the list with days missing; the plan does not serve them.
        earliest: The first date that the plan serves.
        complete_on: The day on which no day will be missing any more at this pace; None where the credits never
            suffice.
    """

    completeness: float
    coins_never_fetched: int
    coins_missing_days: int
    coins_with_snapshots: int
    coins_without_news: int
    coins_not_served: int
    earliest: date
    complete_on: date | None


def read_outlook(
    database: Database, plan: Plan, now: datetime, coverage: Mapping[str, Coverage] | None = None
) -> Outlook:
    """How complete the history is, and when it will be.

    Args:
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.
        coverage: Of all coins, where it was read before.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    work = read_work(database, plan, now, coverage)
    budget = read_budget(database, plan, now.date())
    return Outlook(
        completeness=work.completeness,
        coins_never_fetched=len(work.never),
        coins_missing_days=len(work.missing),
        coins_with_snapshots=len(work.stale),
        coins_without_news=len(work.waiting),
        coins_not_served=len(work.unserved),
        earliest=work.earliest,
        complete_on=complete_on(work, budget, plan, count_active(database), now),
    )
