"""What a warehouse holds, how complete it is, what was spent, what is due next, and what its last runs did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import has_whole_snapshot, read_budget
from coingecko_pipeline.acquisition.completeness import Completeness, completeness_of, last_year_of, years_of
from coingecko_pipeline.acquisition.outlook import Outlook, plan_of_today, read_outlook
from coingecko_pipeline.acquisition.universe import active_coins, gone_coins
from coingecko_pipeline.archive.coverage import Coverage, read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.dagster_storage import LastRun, read_dagster_bytes, read_last_runs
from coingecko_pipeline.market.check_results import StoredCheck, read_checks
from coingecko_pipeline.market.counts import count_by_date
from coingecko_pipeline.market.revisions import read_revisions
from coingecko_pipeline.market.verify import count_unwritten
from coingecko_pipeline.orchestration.derived_tables import read_lag
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES
from coingecko_pipeline.tables import stored_origin
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.size import read_bytes_each


@dataclass(frozen=True)
class Due:
    """What is to be done next.

    Attributes:
        snapshot_of: The date of the next snapshot: today where it has none yet.
        history_calls: Calls that the history is worth today.
        history_reason: Why there are none, where that is so.
        derived: The computed tables that lag behind the market.
    """

    snapshot_of: date
    history_calls: int
    history_reason: str
    derived: Sequence[str]


@dataclass(frozen=True)
class Status:
    """What a warehouse holds; dates are UTC, shares are of 1.

    Attributes:
        database: Its address without a password.
        origin: Whether the data are live or of the sandbox; None where there are none.
        plan: The CoinGecko plan of the settings.
        coins_active: Coins of the latest list.
        coins_gone: Coins that earlier lists had.
        first_date: The earliest date with rows.
        last_date: The latest date with rows.
        dates: Dates with rows.
        dates_missing: Dates between the first and the last without any row.
        rows: Rows of daily_market.
        chart_rows: Those of them with the exact values of 00:00 UTC.
        chart_share: The share of those.
        snapshot_rows: The others, which were read from the current market.
        latest_coverage: The share of the active coins that have a row on the latest date.
        charts_archived: Coins of which the archive has values.
        answers_to_write: Archived answers whose rows are still to be written.
        values_revised: Values of settled days that CoinGecko has changed since the first chart.
        revised_on: The day on which the latest of them was seen; None where there is none.
        month_first: The first day of the running billing month.
        month_last: Its last day.
        credits_per_month: What the plan includes; None where none are counted.
        credits_spent: Credits spent in it so far.
        credits_reserved: Credits that its daily and hourly snapshots still need.
        credits_left: What is left of it for history; None where none are counted.
        history: How complete the history is; None before the first list of coins.
        last_year: How complete the latest 365 days that the plan serves are; None before the first list.
        years: How complete each year is of which the plan serves days, the latest first.
        due: What is to be done next; None before the first list.
        last_runs: The latest runs that have begun, the latest first.
        failed_checks: The checks that did not hold when they were last evaluated, errors first.
        backup_at: When the latest dump by `make backup` was taken; None where none was.
        backup_bytes: Its size.
        bytes: What the tables of all sources take on disk.
        bytes_of: What those of each take, by the database's name.
        dagster_bytes: What Dagster's own database takes; None where that cannot be told.
    """

    database: str
    origin: str | None
    plan: str
    coins_active: int
    coins_gone: int
    first_date: date | None
    last_date: date | None
    dates: int
    dates_missing: int
    rows: int
    chart_rows: int
    chart_share: float
    snapshot_rows: int
    latest_coverage: float
    charts_archived: int
    answers_to_write: int
    values_revised: int
    revised_on: date | None
    month_first: date
    month_last: date
    credits_per_month: int | None
    credits_spent: int
    credits_reserved: int
    credits_left: int | None
    history: Outlook | None
    last_year: Completeness | None
    years: Sequence[Completeness]
    due: Due | None
    last_runs: Sequence[LastRun]
    failed_checks: Sequence[StoredCheck]
    backup_at: datetime | None
    backup_bytes: int | None
    bytes: int
    bytes_of: Mapping[str, int]
    dagster_bytes: int | None


def read_status(database: Database, plan: Plan, home: Path, now: datetime | None = None) -> Status:
    """Read what a warehouse holds.

    Args:
        database: The warehouse.
        plan: The CoinGecko plan of the settings.
        home: The folder with Dagster's settings.
        now: The current UTC time, aware.
    """
    now = now or datetime.now(UTC)
    assets = tables.assets
    coins = select(func.count(case((assets.c.is_active, 1))), func.count()).select_from(assets)
    active, ever = database.run_reading(lambda connection: connection.execute(coins).one())
    days = count_by_date(database)
    first, last = min(days, default=None), max(days, default=None)
    rows = sum(day.rows for day in days.values())
    exact = sum(day.exact for day in days.values())
    budget = read_budget(database, plan, now.date())
    revisions = read_revisions(database, limit=0)
    coverage = read_coverage(database)
    dumps = select(tables.backups).order_by(tables.backups.c.taken_at.desc()).limit(1)
    backup = database.run_reading(lambda connection: connection.execute(dumps).first())
    sizes = _sizes(database)
    last_year, *years = _completeness(database, plan, now, coverage) if active else [None]
    return Status(
        database=database.masked_url,
        origin=stored_origin(database),
        plan=plan.name,
        coins_active=active,
        coins_gone=ever - active,
        first_date=first,
        last_date=last,
        dates=len(days),
        dates_missing=(last - first).days + 1 - len(days) if first and last else 0,
        rows=rows,
        chart_rows=exact,
        chart_share=exact / rows if rows else 0.0,
        snapshot_rows=rows - exact,
        latest_coverage=_active_on(database, last) / active if active and last else 0.0,
        charts_archived=sum(bool(known.points) for known in coverage.values()),
        answers_to_write=count_unwritten(database),
        values_revised=revisions.values,
        revised_on=revisions.latest.date() if revisions.latest else None,
        month_first=budget.month.first,
        month_last=budget.month.last,
        credits_per_month=budget.credits,
        credits_spent=budget.spent,
        credits_reserved=budget.reserved,
        credits_left=budget.left,
        history=read_outlook(database, plan, now, coverage) if active else None,
        last_year=last_year,
        years=[year for year in years if year],
        due=_due(database, plan, now, coverage) if active else None,
        last_runs=read_last_runs(home),
        failed_checks=read_checks(database, failed=True),
        backup_at=backup.taken_at if backup else None,
        backup_bytes=backup.bytes if backup else None,
        bytes=sum(sizes.values()),
        bytes_of=sizes,
        dagster_bytes=read_dagster_bytes(home),
    )


def _active_on(database: Database, day: date) -> int:
    """Active coins with a row on a date: a coin that has left the list since has one too."""
    market, assets = tables.daily_market, tables.assets
    query = (
        select(func.count())
        .select_from(market)
        .join(assets, assets.c.asset_id == market.c.asset_id)
        .where(market.c.date == day, assets.c.is_active)
    )
    return database.run_reading(lambda connection: connection.execute(query).scalar_one())


def _completeness(
    database: Database, plan: Plan, now: datetime, coverage: Mapping[str, Coverage]
) -> list[Completeness | None]:
    """How complete the latest 365 days are, and after them each year."""
    latest = latest_complete_date(now)
    served = DateRange(min(plan.earliest_date(now.date()), latest), latest)
    gone = gone_coins(database)
    # Where the plan does not serve a coin that is gone, what it lacks can never be completed.
    coins = [*active_coins(database), *(gone if plan.paid else ())]
    return [*completeness_of([last_year_of(served), *years_of(served)], served, coins, gone, coverage)]


def _due(database: Database, plan: Plan, now: datetime, coverage: Mapping[str, Coverage]) -> Due:
    today = now.date()
    history = plan_of_today(database, plan, now, coverage)
    return Due(
        snapshot_of=today + timedelta(days=1) if has_whole_snapshot(database, today) else today,
        history_calls=history.calls,
        history_reason=history.reason,
        derived=list(read_lag(database, now).behind),
    )


def _sizes(database: Database) -> dict[str, int]:
    """The bytes of the tables of each source that has some, by the name of its database."""
    names = [source.name for source in SNAPSHOT_SOURCES]
    market, *others = read_bytes_each(database, *names)
    return {"market": market, **{name: size for name, size in zip(names, others, strict=True) if size}}
