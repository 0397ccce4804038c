"""Which coins' history to complete first, and when it will be complete: pure functions.

The order: coins that were never fetched, by market cap; then those with missing days; then those whose newest rows are
only snapshots, stalest first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from coingecko_pipeline.acquisition.budget import BillingMonth, Budget, daily_cost, hours_cost
from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko.plans import Plan

COMPLETION_BEGINS = time(1)
DAY_ENDS = time(23, 30)
RATE_SHARE = 0.5
"""A day's calls are at most what half the plan's rate makes until half an hour before midnight, so that no run is still
under way when the next snapshot is due, even where the server answers fewer calls than the plan promises."""


@dataclass(frozen=True)
class CompletionWork:
    """What completing the history takes, each group in its order.

    Attributes:
        never: Coins of which no answer has spoken yet.
        missing: Coins with dates that have neither been spoken for nor a snapshot.
        stale: Coins whose dates since their chart are snapshots.
        waiting: Coins whose last chart brought nothing new, until it is time to ask again.
        unserved: Coins that left the list, with dates missing, which the plan does not serve.
        first_missing: For each coin to ask for, the first date that its call must reach.
        coins: Coins that count, the unserved ones left out.
        earliest: The first date that the plan serves.
        latest: The last date whose midnight a chart holds.
    """

    never: tuple[str, ...]
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    waiting: tuple[str, ...]
    unserved: tuple[str, ...]
    first_missing: Mapping[str, date]
    coins: int
    earliest: date
    latest: date

    @property
    def urgent(self) -> int:
        """Calls until no day is missing."""
        return len(self.never) + len(self.missing)

    @property
    def in_order(self) -> tuple[str, ...]:
        """The coins to ask for, most important first."""
        return self.never + self.missing + self.stale

    @property
    def completeness(self) -> float:
        """The share of the coins that lack no day."""
        return 1 - self.urgent / self.coins if self.coins else 0.0


def work_of(
    universe: Sequence[str],
    left_on: Mapping[str, date],
    coverage: Mapping[str, Coverage],
    plan: Plan,
    latest: date,
    today: date,
) -> CompletionWork:
    """Sort the coins by what their history lacks.

    Args:
        universe: Every coin ever seen, most important first.
        left_on: The date of the latest list that had it, for each coin that left the list.
        coverage: What the archived answers have spoken for, by coin.
        plan: The CoinGecko plan.
        latest: The last date whose midnight a chart holds.
        today: The current UTC day.
    """
    earliest = plan.earliest_date(today)
    groups: dict[str, list[str]] = {name: [] for name in ("never", "missing", "stale", "waiting", "unserved")}
    first_missing: dict[str, date] = {}
    for coin in universe:
        last = min(latest, left_on.get(coin, latest))
        if last < earliest:
            continue
        known = coverage.get(coin)
        lacking = earliest if known is None else known.missing(DateRange(earliest, last)).first
        if lacking is None:
            continue
        group = _group(known, DateRange(earliest, last))
        if coin in left_on and not plan.paid:
            group = "unserved"
        elif known is not None and known.waits(today, lacking):
            group = "waiting"
        else:
            first_missing[coin] = lacking
        groups[group].append(coin)
    groups["stale"].sort(key=lambda coin: first_missing[coin])
    return CompletionWork(
        **{name: tuple(coins) for name, coins in groups.items()},
        first_missing=first_missing,
        coins=len(universe) - len(groups["unserved"]),
        earliest=earliest,
        latest=latest,
    )


def _group(coverage: Coverage | None, dates: DateRange) -> str:
    """What a coin lacks that lacks some of the dates."""
    if coverage is None or not coverage.covered:
        return "never"
    return "missing" if coverage.missing_without_snapshots(dates) else "stale"


def calls_today(work: CompletionWork, budget: Budget, plan: Plan, now: datetime) -> int:
    """Calls to spend on the history today.

    Missing history is fetched at once where what is left of the month pays for all of it. Otherwise, and for making
    snapshots exact, each day of the rest of the month gets the same share, so that new coins and a user's own
    backfills find credits on any day.

    Args:
        work: What is to be done.
        budget: What is left.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.
    """
    wanted = len(work.in_order)
    if budget.left is not None and budget.share is not None:
        wanted = min(wanted, max(work.urgent, budget.share) if work.urgent <= budget.left else budget.share)
    return min(wanted, calls_in_time(plan, now))


def calls_in_time(plan: Plan, now: datetime) -> int:
    """Calls that the rest of the day has time for."""
    until = datetime.combine(now.date(), DAY_ENDS, now.tzinfo)
    return int(plan.calls_per_minute * max(0.0, (until - now).total_seconds()) / 60 * RATE_SHARE)


def complete_on(work: CompletionWork, budget: Budget, plan: Plan, active_coins: int, now: datetime) -> date | None:
    """The day on which no day will be missing any more at this pace; None where the credits never suffice.

    Args:
        work: What is to be done.
        budget: What is left of the running month.
        plan: The CoinGecko plan.
        active_coins: Coins of the latest list, for the snapshots of the months to come.
        now: The current UTC time, aware.
    """
    if budget.left is None or plan.credits_per_month is None:
        a_day = calls_in_time(plan, datetime.combine(now.date(), COMPLETION_BEGINS, now.tzinfo))
        return budget.today + timedelta(days=max(0, -(-(work.urgent - calls_in_time(plan, now)) // a_day)))
    if work.urgent <= budget.left:
        return budget.today
    to_do = work.urgent - budget.left
    a_day = daily_cost(active_coins) + hours_cost(plan, active_coins)
    for month in _months_after(budget.month, plan.billing_day):
        bears = plan.credits_per_month - a_day * month.days_from(month.first)
        if bears <= 0:
            return None
        if to_do <= bears:
            return month.first
        to_do -= bears
    return None


def _months_after(month: BillingMonth, billing_day: int) -> Iterator[BillingMonth]:
    """The billing months that follow, for as far as a plan can be relied on: ten years."""
    for _ in range(120):
        month = BillingMonth.of(month.last + timedelta(days=1), billing_day)
        yield month
