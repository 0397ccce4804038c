"""What the stored history lacks: the database's side of completing it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.completion import CoinHistory, HistoryWork, calls_today, complete_on, work_of
from coingecko_pipeline.acquisition.misses import ChartMisses
from coingecko_pipeline.acquisition.planning import DateRange
from coingecko_pipeline.acquisition.universe import active_coins, count_active, gone_coins
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database


def read_work(database: Database, plan: Plan, now: datetime) -> HistoryWork:
    """What completing the history takes, as it is stored.

    Args:
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    today, latest = now.date(), latest_complete_date(now)
    gone = gone_coins(database)
    return work_of(
        universe=[*active_coins(database), *gone],
        left_on=gone,
        histories=_histories(database, plan, now),
        waiting=ChartMisses(database).waiting(today),
        plan=plan,
        latest=latest,
        today=today,
    )


@dataclass(frozen=True)
class TodaysHistory:
    """What is to be done for the history on a day.

    Attributes:
        calls: Calls to make.
        dates: The dates that they fill; None where nothing is to be done.
        reason: Why nothing is to be done.
    """

    calls: int
    dates: DateRange | None
    reason: str


def plan_of_today(database: Database, plan: Plan, now: datetime) -> TodaysHistory:
    """What is to be done for the history now.

    Args:
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    work = read_work(database, plan, now)
    budget = read_budget(database, plan, now.date())
    calls = calls_today(work, budget, plan, now)
    reason = "Every coin's history is complete."
    if work.in_order:
        reason = f"{len(work.in_order):,} of {work.coins:,} coins wait for their history, and today has no credit for "
        reason += f"it: {budget.left:,} are left until {budget.month.last}." if budget.left is not None else "it."
    return TodaysHistory(calls, work.dates(calls), reason)


@dataclass(frozen=True)
class Outlook:
    """How complete the history is, and when it will be.

    Attributes:
        completeness: The share of the coins that lack no day which the plan serves; of 1.
        coins_never_fetched: Coins without a chart.
        coins_missing_days: Coins with days that have neither a row nor a chart.
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


def read_outlook(database: Database, plan: Plan, now: datetime) -> Outlook:
    """How complete the history is, and when it will be.

    Args:
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    work = read_work(database, plan, now)
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


def _histories(database: Database, plan: Plan, now: datetime) -> dict[str, CoinHistory]:
    """What is stored of each coin with an archived chart; reads the index (asset_id, date) from end to end."""
    charts, market = tables.raw_market_charts, tables.daily_market
    earliest, latest = plan.earliest_date(now.date()), latest_complete_date(now)
    rows = (
        select(
            charts.c.asset_id,
            func.count(case((market.c.date <= charts.c.covers_to, 1))).label("rows_covered"),
            func.count(case((market.c.date > charts.c.covers_to, 1))).label("rows_after"),
        )
        .join_from(
            charts,
            market,
            and_(market.c.asset_id == charts.c.asset_id, market.c.date.between(earliest, latest)),
            isouter=True,
        )
        .group_by(charts.c.asset_id)
        .subquery()
    )
    query = select(
        charts.c.asset_id,
        charts.c.covers_from,
        charts.c.covers_to,
        charts.c.first_on,
        charts.c.last_on,
        func.coalesce(charts.c.midnights, 0),
        rows.c.rows_covered,
        rows.c.rows_after,
    ).join(rows, rows.c.asset_id == charts.c.asset_id)
    found = database.run_reading(lambda connection: connection.execute(query).all())
    return {coin_id: CoinHistory(*values) for coin_id, *values in found}
