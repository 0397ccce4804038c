"""From what is asked for to the calls to make: pure functions, so a plan can be read and tested before a call is made.

The scarce resource is the call. Today alone costs a call for each 250 coins; any other range costs one chart for each
coin that the archive does not cover, and that chart brings every day that the plan allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from coingecko_pipeline.coingecko.client import PAGE_SIZE, latest_complete_date
from coingecko_pipeline.coingecko.plans import Plan

USUAL_CHART_DAYS = 365
"""Days that a chart is asked for at least: one call costs the same for a day and for a year."""


NO_COINS = (
    "The table assets has no active coin yet; materialize coingecko/raw_asset_list and coingecko/assets first "
    "(the command coingecko-pipeline daily does)."
)


class AcquisitionError(Exception):
    """What was asked for cannot be fetched; nothing was spent. The message says what to ask for instead."""


@dataclass(frozen=True)
class DateRange:
    """Dates from the first to the last, both included.

    Raises:
        AcquisitionError: The first is after the last.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise AcquisitionError(f"The dates {self.first} to {self.last} run backwards; swap them.")

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Request:
    """What a run is asked for.

    Attributes:
        dates: The dates to fill.
        asset_ids: The coins; empty for all active ones.
        top: Only so many coins, the largest by market cap; None for all.
        max_calls: Calls that the run may make at most; None for as many as it takes.
    """

    dates: DateRange
    asset_ids: tuple[str, ...] = ()
    top: int | None = None
    max_calls: int | None = None

    def __post_init__(self) -> None:
        if self.asset_ids and self.top is not None:
            raise AcquisitionError("Both asset_ids and top are set; choose the coins one way.")
        for name, value in (("top", self.top), ("max_calls", self.max_calls)):
            if value is not None and value < 1:
                raise AcquisitionError(f"{name} is {value}; it must be at least 1.")

    def is_snapshot(self, now: datetime) -> bool:
        """Whether the current market pages answer it: today alone, at any hour. Everything else is charts."""
        return self.dates.first == self.dates.last == now.date()


@dataclass(frozen=True)
class Coverage:
    """The dates whose midnight points an archived chart holds, where the coin had a value then."""

    first: date
    last: date


@dataclass(frozen=True)
class ChartCall:
    """One chart to ask for."""

    coin_id: str
    days: int


@dataclass(frozen=True)
class ChartPlan:
    """How a range is filled from charts.

    Attributes:
        archived: Coins whose archived chart covers the range, most important first. They cost nothing.
        calls: The calls to make, most important coin first.
        left: Coins that are neither, since ``max_calls`` is used up; most important first.
    """

    archived: tuple[str, ...]
    calls: tuple[ChartCall, ...]
    left: tuple[str, ...]

    @property
    def coins(self) -> int:
        """How many coins were asked for."""
        return len(self.archived) + len(self.calls) + len(self.left)


@dataclass(frozen=True)
class SnapshotPlan:
    """How today is filled from market pages.

    Attributes:
        coin_ids: Chosen coins; empty for a walk over the pages.
        largest: Where the pages stop, counted in coins by market cap; None for all coins.
        calls: Calls that this is expected to take.
        coins: How many coins were asked for.
        left: Those of them that are left out, since ``max_calls`` is too small for them.
    """

    coin_ids: tuple[str, ...]
    largest: int | None
    calls: int
    coins: int
    left: int


def plan_charts(
    request: Request,
    universe: Sequence[str],
    archive: Mapping[str, Coverage],
    plan: Plan,
    now: datetime,
) -> ChartPlan:
    """The charts to ask for.

    Args:
        request: What is asked for.
        universe: The coins, most important first.
        archive: What the archived charts cover, by coin.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.

    Raises:
        AcquisitionError: A call would have to reach further back than the plan serves.
    """
    complete = latest_complete_date(now)
    needed = DateRange(min(request.dates.first, complete), min(request.dates.last, complete))
    archived = tuple(coin for coin in universe if _covers(archive.get(coin), needed))
    known = set(archived)
    missing = [coin for coin in universe if coin not in known]
    earliest = plan.earliest_date(now.date())
    if missing and needed.first < earliest:
        raise AcquisitionError(
            f"{request.dates} begins before {earliest}, the earliest date that the plan {plan.name} serves today, "
            f"and {len(missing)} of {len(universe)} coins are not in the archive; begin at {earliest}, or set "
            "COINGECKO_PLAN to a plan with more history."
        )
    affordable = len(missing) if request.max_calls is None else request.max_calls
    calls = tuple(
        ChartCall(coin, _chart_days(needed.first, archive.get(coin), plan, now.date())) for coin in missing[:affordable]
    )
    return ChartPlan(archived, calls, tuple(missing[affordable:]))


def plan_snapshot(request: Request, active_coins: int) -> SnapshotPlan:
    """The market pages to ask for.

    Args:
        request: What is asked for.
        active_coins: How many coins the latest list has.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    if not active_coins:
        raise AcquisitionError(NO_COINS)
    wanted = len(request.asset_ids) or min(request.top or active_coins, active_coins)
    affordable = wanted if request.max_calls is None else min(wanted, request.max_calls * PAGE_SIZE)
    everything = affordable >= active_coins and not request.asset_ids
    return SnapshotPlan(
        coin_ids=request.asset_ids[:affordable],
        largest=None if everything or request.asset_ids else affordable,
        calls=-(-affordable // PAGE_SIZE),
        coins=wanted,
        left=wanted - affordable,
    )


def _covers(coverage: Coverage | None, needed: DateRange) -> bool:
    return coverage is not None and coverage.first <= needed.first and coverage.last >= needed.last


def _chart_days(first: date, archived: Coverage | None, plan: Plan, today: date) -> int:
    """Days that reach the first date, the usual year, and what the archived chart reached, where the plan allows it.

    A chart replaces the archived one of its coin, so a shorter one would throw away what was paid for.
    """
    reach = min(first, today - timedelta(days=USUAL_CHART_DAYS - 1))
    if archived is not None:
        reach = min(reach, archived.first)
    return (today - max(reach, plan.earliest_date(today))).days + 1
