"""The month's credits: what was spent, what the snapshots still need, and what is left for history."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import AcquisitionError
from coingecko_pipeline.acquisition.universe import count_active
from coingecko_pipeline.acquisition.usage import HOURLY_MARKETS, spent_between
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database

SPARE_CALLS = 1
"""Calls that each day's reserve holds beyond its list and pages: for the exchange rates. The list grows by some coins a
day, and by a page so seldom that a day of that is not the month's last."""

ENOUGH_ROWS = 0.9
"""Share of the active coins whose rows make a snapshot a whole one: the list has coins that the pages have not."""

HOURS = 24

LONGEST_MONTH = 31
"""Days for which a month's credits must bear the hourly snapshots, so that a setting that fits one month fits all."""


@dataclass(frozen=True)
class BillingMonth:
    """The days, both included (UTC), that one month's credits are for."""

    first: date
    last: date

    @classmethod
    def of(cls, day: date, billing_day: int) -> "BillingMonth":
        """The billing month that a day lies in.

        Args:
            day: The day.
            billing_day: Day of the month on which a billing month begins; a shorter month begins on its last.
        """
        first = _begin(day.year, day.month, billing_day)
        if day < first:
            before = day.replace(day=1) - timedelta(days=1)
            first = _begin(before.year, before.month, billing_day)
        after = first.replace(day=1) + timedelta(days=32)
        return cls(first, _begin(after.year, after.month, billing_day) - timedelta(days=1))

    def days_from(self, day: date) -> int:
        """Days from a day of the month to its end, both included."""
        return (self.last - day).days + 1


@dataclass(frozen=True)
class Budget:
    """What a billing month still bears, as counted at one moment.

    Attributes:
        plan: The plan's name.
        month: The billing month.
        today: The day for which it was counted (UTC).
        credits: The month's credits; None where the plan counts none.
        spent: Credits spent in the month so far.
        reserved_today: Credits that today's list and snapshot still need.
        reserved_later: Credits that those of the rest of the month need.
        reserved_hourly: Credits that the hourly snapshots of today and of the rest of the month need. Those of hours of
            today that were missed are given back with the day.
    """

    plan: str
    month: BillingMonth
    today: date
    credits: int | None
    spent: int
    reserved_today: int
    reserved_later: int
    reserved_hourly: int = 0

    @property
    def reserved_daily(self) -> int:
        """Credits that the month's daily snapshots still need; they come before everything else."""
        return self.reserved_today + self.reserved_later

    @property
    def reserved(self) -> int:
        """Credits that the month's daily and hourly snapshots still need."""
        return self.reserved_daily + self.reserved_hourly

    @property
    def left(self) -> int | None:
        """Credits that anything but the snapshots may use; None where none are counted."""
        return self._less(self.reserved)

    @property
    def left_for_hours(self) -> int | None:
        """Credits that the hourly snapshots may use; None where none are counted."""
        return self._less(self.reserved_daily)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left for anything but the snapshots, before the month's last day, whose share is all."""
        return self.left == 0 and self.today < self.month.last

    def _less(self, reserved: int) -> int | None:
        return None if self.credits is None else max(0, self.credits - self.spent - reserved)

    @property
    def share(self) -> int | None:
        """The part of what is left that falls on today, where each day of the rest of the month gets the same."""
        return None if self.left is None else self.left // self.month.days_from(self.today)

    def require(self, what: str, needed: int) -> None:
        """Do nothing where what is left bears so many credits.

        Args:
            what: What needs them, for the message.
            needed: Credits.

        Raises:
            BudgetExceeded: They are not left; with the figures and the ways out.
        """
        if self.left is not None and needed > self.left:
            raise BudgetExceeded(
                f"{what} needs {needed:,} credits and {self.left:,} are left: of the plan {self.plan}'s "
                f"{self.credits:,} from {self.month.first} to {self.month.last}, {self.spent:,} are spent and "
                f"{self.reserved:,} reserved for the snapshots to come. Ask for fewer coins (top, asset_ids), let it "
                "do the part that fits (fit_budget: true, on the command line --fit-budget), wait until "
                f"{self.month.last + timedelta(days=1)}, or let the schedule history_completion_schedule fill it day "
                "by day. If CoinGecko counts otherwise, set COINGECKO_BILLING_DAY or COINGECKO_CREDITS_PER_MONTH."
            )

    def require_snapshot(self, needed: int) -> None:
        """Do nothing where a snapshot of today may be taken: always until there is a whole one, then out of the rest.

        Args:
            needed: Credits.

        Raises:
            BudgetExceeded: There is one, and another would take what later ones need.
        """
        if self.reserved_today == 0:
            self.require("Another snapshot of today", needed)

    def require_hour(self, needed: int) -> None:
        """Do nothing where a snapshot of an hour may be taken: out of what the daily ones leave.

        Args:
            needed: Credits.

        Raises:
            BudgetExceeded: It would take what they need; with the figures and the ways out.
        """
        if self.left_for_hours is not None and needed > self.left_for_hours:
            raise BudgetExceeded(
                f"The market of an hour needs {needed:,} credits and {self.left_for_hours:,} are left for it: of the "
                f"plan {self.plan}'s {self.credits:,} from {self.month.first} to {self.month.last}, {self.spent:,} "
                f"are spent and {self.reserved_daily:,} reserved for the daily snapshots. Set HOURLY_TOP to fewer "
                f"coins, or wait until {self.month.last + timedelta(days=1)}."
            )


class BudgetExceeded(AcquisitionError):
    """The month's credits do not bear what was asked for; nothing was spent."""


def daily_cost(active_coins: int) -> int:
    """Credits that one day's list and snapshot need at most."""
    return 1 + _pages(active_coins) + SPARE_CALLS


def hour_cost(largest: int, active_coins: int) -> int:
    """Credits that a snapshot of the largest coins needs: one for each 250."""
    return min(-(-largest // PAGE_SIZE), _pages(active_coins))


def most_each_hour(plan: Plan, active_coins: int) -> int | None:
    """How many of the largest coins any month's credits bear in each hour, beside the daily snapshots.

    Args:
        plan: The CoinGecko plan.
        active_coins: Coins of the latest list.

    Returns:
        A multiple of 250; None where the plan counts no credits.
    """
    if plan.credits_per_month is None:
        return None
    left = plan.credits_per_month - LONGEST_MONTH * daily_cost(active_coins)
    return max(0, left // (LONGEST_MONTH * HOURS)) * PAGE_SIZE


def hours_cost(plan: Plan, active_coins: int) -> int:
    """Credits that a day's hourly snapshots need: none where they are off, or where a month does not bear them."""
    each = hour_cost(plan.hourly_top, active_coins)
    most = most_each_hour(plan, active_coins)
    return HOURS * each if most is None or each * PAGE_SIZE <= most else 0


def read_budget(database: Database, plan: Plan, today: date) -> Budget:
    """Count what the billing month of a day still bears.

    Args:
        database: Where the usage is counted.
        plan: The CoinGecko plan.
        today: The current UTC day.
    """
    month = BillingMonth.of(today, plan.billing_day)
    spent = spent_between(database, plan.name, month.first, month.last).credits
    if plan.credits_per_month is None:
        return Budget(plan.name, month, today, None, spent, 0, 0)
    active = count_active(database)
    each = daily_cost(active)
    hours = hours_cost(plan, active)
    hourly = spent_between(database, plan.name, today, today, (HOURLY_MARKETS,)).credits
    days_later = month.days_from(today) - 1
    return Budget(
        plan=plan.name,
        month=month,
        today=today,
        credits=plan.credits_per_month,
        spent=spent,
        reserved_today=_reserved_today(database, today, active),
        reserved_later=each * days_later,
        reserved_hourly=max(0, hours - hourly) + hours * days_later,
    )


def has_whole_snapshot(database: Database, day: date) -> bool:
    """Whether a snapshot of a day is stored and has nearly every coin of the latest list."""
    active = count_active(database)
    return active > 0 and _rows_of_snapshot(database, day) >= ENOUGH_ROWS * active


def _reserved_today(database: Database, today: date, active: int) -> int:
    """Credits that today's list and snapshot still need: told by what is stored, whatever was called."""
    fetched = select(func.max(tables.raw_asset_list.c.fetched_at))
    fetched_at = database.run_reading(lambda connection: connection.scalar(fetched))
    rows = _rows_of_snapshot(database, today)
    needed = 0 if fetched_at is not None and fetched_at.date() >= today else 1
    if rows < ENOUGH_ROWS * active or not active:
        needed += _pages(max(0, active - rows)) + SPARE_CALLS
    return needed


def _rows_of_snapshot(database: Database, day: date) -> int:
    """How many coins a day's snapshot has.

    A chart's row of the day is a snapshot's only where the coin was in one: it replaces it, and can be there without.
    """
    market, coverage = tables.daily_market, tables.chart_coverage
    stored = (
        select(func.count())
        .select_from(market.outerjoin(coverage, coverage.c.asset_id == market.c.asset_id))
        .where(market.c.date == day, or_(market.c.source != tables.CHART, coverage.c.snapshots_to >= day))
    )
    return database.run_reading(lambda connection: connection.execute(stored).scalar_one())


def _pages(active_coins: int) -> int:
    # A last page that is full is followed by an empty one.
    return active_coins // PAGE_SIZE + 1


def _begin(year: int, month: int, billing_day: int) -> date:
    return date(year, month, min(billing_day, calendar.monthrange(year, month)[1]))
