"""From what is asked for to the calls to make: pure functions, so a plan can be read and tested before a call is made.

The scarce resource is the call. Today alone costs a call for each 250 coins; any other range costs one chart for each
coin that the archive does not cover, and that chart brings every day that the plan allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE, latest_complete_date
from coingecko_pipeline.sources.coingecko.plans import Plan

USUAL_CHART_DAYS = 365
"""Days that a chart is asked for at least: one call costs the same for a day and for a year."""


QUICK_MINUTES = 5
"""A snapshot that takes longer than this begins with the largest coins, whose order moves least meanwhile."""

SNAPSHOT_CALLS = 200
"""Calls that a run of today's snapshot may make: enough for the pages of 50,000 coins. One that waits in the queue past
the next midnight finds its date in the past, where each coin costs a call; this keeps it from spending the month."""

NO_COINS = (
    "The table assets has no active coin yet; materialize coingecko/raw_asset_list and coingecko/assets first "
    "(the command coingecko-pipeline daily does)."
)


class AcquisitionError(Exception):
    """What was asked for cannot be fetched; nothing was spent. The message says what to ask for instead."""


@dataclass(frozen=True)
class Request:
    """What a run is asked for.

    Attributes:
        dates: The dates to fill.
        asset_ids: The coins; empty for all active ones.
        top: Only so many coins, the largest by market cap; None for all.
        max_calls: Calls that the run may make at most; None for as many as it takes.
        fit_budget: Whether to do the part that the month's credits bear, where they do not bear the whole.
        complete_history: Whether to choose the coins by what their history lacks, and to spend today's share on it.
        again: Whether a snapshot of today replaces one that was taken nearer to midnight.
    """

    dates: DateRange
    asset_ids: tuple[str, ...] = ()
    top: int | None = None
    max_calls: int | None = None
    fit_budget: bool = False
    complete_history: bool = False
    again: bool = False

    def __post_init__(self) -> None:
        if self.complete_history and (self.asset_ids or self.top is not None):
            raise AcquisitionError("complete_history chooses the coins itself; leave asset_ids and top out.")
        if self.asset_ids and self.top is not None:
            raise AcquisitionError("Both asset_ids and top are set; choose the coins one way.")
        for name, value in (("top", self.top), ("max_calls", self.max_calls)):
            if value is not None and value < 1:
                raise AcquisitionError(f"{name} is {value}; it must be at least 1.")

    def is_snapshot(self, now: datetime) -> bool:
        """Whether the current market pages answer it: today alone, at any hour. Everything else is charts."""
        return self.dates.first == self.dates.last == now.date() and not self.complete_history


@dataclass(frozen=True)
class ChartCall:
    """One chart to ask for.

    Attributes:
        coin_id: The coin.
        first: The first date that it must reach.
    """

    coin_id: str
    first: date

    def days(self, plan: Plan, today: date) -> int:
        """Midnights to ask for, today's included: a year at least, which costs the same, and no more than are served.

        Told when the call is made, since a run can go on past midnight.

        Args:
            plan: The CoinGecko plan.
            today: The current UTC day.
        """
        reach = min(self.first, today - timedelta(days=USUAL_CHART_DAYS - 1))
        return (today - max(reach, plan.earliest_date(today))).days + 1


@dataclass(frozen=True)
class ChartPlan:
    """The charts to ask for; every group has its most important coin first.

    Attributes:
        archived: Coins of which the archive has all that the dates need, or all that there is for now. They cost
            nothing.
        calls: The calls to make.
        left: Coins to ask for later, since ``max_calls`` or the budget is used up.
        waiting: Coins whose last chart brought nothing new, until it is time to ask again.
        unserved: Coins that left the list and lack dates that the plan does not serve.
    """

    archived: tuple[str, ...]
    calls: tuple[ChartCall, ...]
    left: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()

    @property
    def coins(self) -> int:
        """How many coins were asked for."""
        return sum(map(len, (self.archived, self.calls, self.left, self.waiting, self.unserved)))

    def limited_to(self, calls: int) -> "ChartPlan":
        """The same with so many calls at most; the coins of the others are left."""
        if calls >= len(self.calls):
            return self
        dropped = tuple(call.coin_id for call in self.calls[calls:])
        return replace(self, calls=self.calls[:calls], left=dropped + self.left)


@dataclass(frozen=True)
class SnapshotPlan:
    """How today is filled from market pages.

    Attributes:
        coin_ids: Chosen coins; empty for a walk over the pages.
        largest: Where the pages stop, counted in coins by market cap; None for all coins.
        calls: Calls that this is expected to take.
        coins: How many coins were asked for.
        left: Those of them that are left out, since ``max_calls`` is too small for them.
        per_minute: Calls that the plan lets a minute have.
    """

    coin_ids: tuple[str, ...]
    largest: int | None
    calls: int
    coins: int
    left: int
    per_minute: int


def plan_charts(
    request: Request,
    universe: Sequence[str],
    coverage: Mapping[str, Coverage],
    plan: Plan,
    now: datetime,
    left_on: Mapping[str, date],
) -> ChartPlan:
    """The charts to ask for, as far as ``max_calls`` goes.

    Args:
        request: What is asked for.
        universe: The coins, most important first.
        coverage: What the archived answers have spoken for, by coin.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.
        left_on: The date of the latest list that had it, for each coin that left the list.

    Raises:
        AcquisitionError: A call would have to reach further back than the plan serves.
    """
    complete, today = latest_complete_date(now), now.date()
    needed = DateRange(min(request.dates.first, complete), min(request.dates.last, complete))
    archived, waiting, unserved, calls, out_of_reach = [], [], [], [], 0
    earliest = plan.earliest_date(today)
    for coin in universe:
        known = coverage.get(coin)
        last = max(needed.first, min(needed.last, left_on.get(coin, needed.last)))
        first_missing = needed.first if known is None else known.missing(DateRange(needed.first, last)).first
        if first_missing is None:
            archived.append(coin)
        elif coin in left_on and not plan.paid:
            unserved.append(coin)
        elif known is not None and known.waits(today, first_missing):
            waiting.append(coin)
        else:
            out_of_reach += first_missing < earliest
            calls.append(ChartCall(coin, first_missing))
    if out_of_reach:
        raise AcquisitionError(
            f"{request.dates} begins before {earliest}, the earliest date that the plan {plan.name} serves today, "
            f"and {out_of_reach} of {len(universe)} coins are not in the archive; begin at {earliest}, or set "
            "COINGECKO_PLAN to a plan with more history."
        )
    planned = ChartPlan(tuple(archived), tuple(calls), waiting=tuple(waiting), unserved=tuple(unserved))
    return planned if request.max_calls is None else planned.limited_to(request.max_calls)


def plan_snapshot(request: Request, active_coins: int, plan: Plan) -> SnapshotPlan:
    """The market pages to ask for.

    Where the plan's rate makes the pages take minutes, the largest coins come first.

    Args:
        request: What is asked for.
        active_coins: How many coins the latest list has.
        plan: The CoinGecko plan.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    if not active_coins:
        raise AcquisitionError(NO_COINS)
    wanted = len(request.asset_ids) or min(request.top or active_coins, active_coins)
    affordable = wanted if request.max_calls is None else min(wanted, request.max_calls * PAGE_SIZE)
    calls = -(-affordable // PAGE_SIZE)
    in_any_order = affordable >= active_coins and calls <= plan.calls_per_minute * QUICK_MINUTES
    return SnapshotPlan(
        coin_ids=request.asset_ids[:affordable],
        largest=None if in_any_order or request.asset_ids else affordable,
        calls=calls,
        coins=wanted,
        left=wanted - affordable,
        per_minute=plan.calls_per_minute,
    )
