"""Which coins' history to complete first, and when it will be complete: pure functions.

The order: coins that were never fetched, by market cap; then those with missing days; then those whose newest rows are
only snapshots, stalest first. A coin whose archived chart holds days that the table lacks costs nothing and comes with
each run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from coingecko_pipeline.acquisition.budget import BillingMonth, Budget, daily_cost, hours_cost
from coingecko_pipeline.acquisition.planning import DateRange
from coingecko_pipeline.sources.coingecko.plans import Plan

COMPLETION_BEGINS = time(1)
DAY_ENDS = time(23, 30)
RATE_SHARE = 0.5
"""A day's calls are at most what half the plan's rate makes until half an hour before midnight, so that no run is still
under way when the next snapshot is due, even where the server answers fewer calls than the plan promises."""


@dataclass(frozen=True)
class CoinHistory:
    """What is stored of one coin that has an archived chart.

    Attributes:
        covers_from: First date whose midnight the chart must contain.
        covers_to: Last such date.
        first_on: Date of its first midnight point; None where it has none, or where that is not known.
        last_on: Date of its last one.
        midnights: Its midnight points.
        rows_covered: Rows of daily_market from the first date that the plan serves to covers_to.
        rows_after: Rows of daily_market after covers_to.
    """

    covers_from: date
    covers_to: date
    first_on: date | None
    last_on: date | None
    midnights: int
    rows_covered: int
    rows_after: int

    def lacks_rows(self, earliest: date) -> bool:
        """Whether the table lacks rows that the chart holds, from the first date that the plan serves on."""
        if self.first_on is None or self.last_on is None or self.last_on < earliest:
            return False
        holes = (self.last_on - self.first_on).days + 1 - self.midnights
        return self.rows_covered < (self.last_on - max(self.first_on, earliest)).days + 1 - holes


@dataclass(frozen=True)
class HistoryWork:
    """What completing the history takes, each group in its order.

    Attributes:
        never: Coins without a chart.
        missing: Coins with days that have neither a row nor a chart.
        stale: Coins whose days since their chart are snapshots.
        unwritten: Coins whose chart holds days that the table lacks; no call.
        waiting: Coins whose last chart brought nothing new, until it is time to ask again.
        unserved: Coins that left the list, with days missing, which the plan does not serve.
        coins: Coins that count, the unserved ones left out.
        earliest: The first date that the plan serves.
        latest: The last date whose midnight a chart holds.
        stale_since: For the stale coins, the date after their chart's last one.
    """

    never: tuple[str, ...]
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    unwritten: tuple[str, ...]
    waiting: tuple[str, ...]
    unserved: tuple[str, ...]
    coins: int
    earliest: date
    latest: date
    stale_since: Mapping[str, date]

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

    def dates(self, calls: int) -> DateRange | None:
        """The dates that so many calls fill, and the archived rows with them; None where there is nothing to do."""
        chosen = self.in_order[:calls]
        if self.unwritten or any(coin not in self.stale_since for coin in chosen):
            return DateRange(self.earliest, self.latest)
        if not chosen:
            return None
        return DateRange(max(self.earliest, min(self.stale_since[coin] for coin in chosen)), self.latest)


def work_of(
    universe: Sequence[str],
    left_on: Mapping[str, date],
    histories: Mapping[str, CoinHistory],
    waiting: frozenset[str],
    plan: Plan,
    latest: date,
    today: date,
) -> HistoryWork:
    """Sort the coins by what their history lacks.

    Args:
        universe: Every coin ever seen, most important first.
        left_on: The date of the latest list that had it, for each coin that left the list.
        histories: What is stored, for each coin with an archived chart.
        waiting: Coins that are not to be asked for yet.
        plan: The CoinGecko plan.
        latest: The last date whose midnight a chart holds.
        today: The current UTC day.
    """
    earliest = plan.earliest_date(today)
    groups: dict[str, list[str]] = {
        name: [] for name in ("never", "missing", "stale", "waiting", "unserved", "unwritten")
    }
    for coin in universe:
        history = histories.get(coin)
        if history is not None and history.lacks_rows(earliest):
            groups["unwritten"].append(coin)
        group = _group(history, earliest, min(latest, left_on.get(coin, latest)))
        if group is None:
            continue
        if coin in left_on and not plan.paid:
            group = "unserved"
        elif coin in waiting and (history is None or history.covers_from <= earliest):
            group = "waiting"
        groups[group].append(coin)
    stale_since = {coin: histories[coin].covers_to + timedelta(days=1) for coin in groups["stale"]}
    groups["stale"].sort(key=lambda coin: stale_since[coin])
    return HistoryWork(
        **{name: tuple(coins) for name, coins in groups.items()},
        coins=len(universe) - len(groups["unserved"]),
        earliest=earliest,
        latest=latest,
        stale_since=stale_since,
    )


def _group(history: CoinHistory | None, earliest: date, latest: date) -> str | None:
    """What a coin's history lacks up to its latest date; None where it lacks nothing."""
    if history is None:
        return "never"
    if history.covers_from > earliest:
        return "missing"
    if history.covers_to >= latest:
        return None
    # The rows after the chart are counted from the first date that the plan serves.
    since = max(history.covers_to, earliest - timedelta(days=1))
    return "missing" if history.rows_after < (latest - since).days else "stale"


def calls_today(work: HistoryWork, budget: Budget, plan: Plan, now: datetime) -> int:
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
    return min(wanted, _calls_in_time(plan, now))


def _calls_in_time(plan: Plan, now: datetime) -> int:
    """Calls that the rest of the day has time for."""
    until = datetime.combine(now.date(), DAY_ENDS, now.tzinfo)
    return int(plan.calls_per_minute * max(0.0, (until - now).total_seconds()) / 60 * RATE_SHARE)


def complete_on(work: HistoryWork, budget: Budget, plan: Plan, active_coins: int, now: datetime) -> date | None:
    """The day on which no day will be missing any more at this pace; None where the credits never suffice.

    Args:
        work: What is to be done.
        budget: What is left of the running month.
        plan: The CoinGecko plan.
        active_coins: Coins of the latest list, for the snapshots of the months to come.
        now: The current UTC time, aware.
    """
    if budget.left is None or plan.credits_per_month is None:
        a_day = _calls_in_time(plan, datetime.combine(now.date(), COMPLETION_BEGINS, now.tzinfo))
        return budget.today + timedelta(days=max(0, -(-(work.urgent - _calls_in_time(plan, now)) // a_day)))
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
