"""The rows of daily_market for a request: which calls they take, whether the budget bears them, what came of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import Budget, read_budget
from coingecko_pipeline.acquisition.charts import ChartResult, ChartSource, chart_frames
from coingecko_pipeline.acquisition.completion import calls_today
from coingecko_pipeline.acquisition.history import read_work
from coingecko_pipeline.acquisition.misses import ChartMisses
from coingecko_pipeline.acquisition.planning import (
    AcquisitionError,
    ChartPlan,
    Request,
    chart_call,
    plan_charts,
    plan_snapshot,
)
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.snapshot import each_coin_once, snapshot_frames, snapshot_of
from coingecko_pipeline.acquisition.universe import (
    active_coins,
    count_active,
    gone_coins,
    known_coins,
    universe_of,
)
from coingecko_pipeline.acquisition.usage import UsageLedger, correct, spent_between
from coingecko_pipeline.archive.charts import ChartArchive
from coingecko_pipeline.sources import SnapshotClient, Source
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE
from coingecko_pipeline.warehouse import Database

COINS_ASKED = "coins_asked"
"""The fact that tells how many coins a request was about."""


@dataclass(frozen=True)
class Acquisition:
    """What a request becomes.

    Attributes:
        summary: What will be done and what it costs, in one sentence.
        frames: The rows of the table; the calls are made while they are taken.
        facts: What came of it, once they were taken: counts by name.
    """

    summary: str
    frames: Iterator[pd.DataFrame]
    facts: Callable[[], Mapping[str, Any]]


def acquire(request: Request, database: Database, client: CoinGecko, progress: Progress) -> Acquisition:
    """Plan a request and check it against the month's budget before its first call.

    Args:
        request: What is asked for.
        database: Where everything is kept.
        client: CoinGecko.
        progress: Told how far the work is.

    Raises:
        AcquisitionError: It cannot be fetched, or the budget does not bear it; nothing was spent.
        SourceError: The key's usage or the largest coins could not be asked for.
    """
    ledger = UsageLedger(database, client)
    if client.plan.paid:
        _correct_usage(database, client, ledger)
    make = _snapshot if request.is_snapshot(client.now()) else _charts
    acquisition = make(request, database, client, ledger, progress)
    return Acquisition(acquisition.summary, acquisition.frames, lambda: {**acquisition.facts(), **ledger.facts()})


def acquire_current(source: Source, client: SnapshotClient, database: Database, usage: Database) -> Acquisition:
    """Today's rows of a source that is read as it is now.

    Args:
        source: The source, for sentences.
        client: Asked while the frames are taken.
        database: Where the source's coins are.
        usage: Where the calls are counted.

    Raises:
        AcquisitionError: There are no coins yet.
    """
    active = count_active(database)
    if not active:
        raise AcquisitionError(
            f"{source.title} has no active coin yet; materialize {source.name}/raw_asset_list and {source.name}/assets "
            "first."
        )
    ledger = UsageLedger(usage, client)
    day = client.now().date()
    asked = min(active, client.most_coins or active)

    def frames() -> Iterator[pd.DataFrame]:
        try:
            yield from snapshot_of(each_coin_once(client.market_pages(), ledger, set()), day)
        finally:
            ledger.record()

    return Acquisition(
        f"Today's market of {source.title}, {day}: {asked} coins.",
        frames(),
        lambda: {"source": tables.SNAPSHOT, COINS_ASKED: asked, **ledger.facts()},
    )


def _snapshot(
    request: Request, database: Database, client: CoinGecko, ledger: UsageLedger, progress: Progress
) -> Acquisition:
    known_coins(request.asset_ids, database)
    day = client.now().date()
    active = active_coins(database)
    plan = plan_snapshot(request, len(active), client.plan)
    may_ask_again = plan.coins == len(active) and not plan.left and plan.calls != request.max_calls
    read_budget(database, client.plan, day).require_snapshot(plan.calls)
    facts = {"source": tables.SNAPSHOT, COINS_ASKED: plan.coins, "coins_left": plan.left}
    return Acquisition(
        f"Today's market of {day}: about {plan.calls} calls.",
        snapshot_frames(plan, day, client, ledger, progress, expected=tuple(active) if may_ask_again else ()),
        lambda: facts,
    )


def _charts(
    request: Request, database: Database, client: CoinGecko, ledger: UsageLedger, progress: Progress
) -> Acquisition:
    today = client.now().date()
    archive, misses = ChartArchive(database), ChartMisses(database)

    def budget() -> Budget:
        return read_budget(database, client.plan, today)

    plan = _plan_completion(request, database, client, budget()) if request.complete_history else None
    if plan is None:
        gone = gone_coins(database)
        if request.top is not None:
            budget().require(f"Asking for the largest {request.top} coins", -(-request.top // PAGE_SIZE))
        universe = universe_of(request, database, client, gone)
        ledger.record()
        plan = plan_charts(
            request, universe, archive.coverage(), client.plan, client.now(), misses.waiting(today), gone
        )
        left = budget().left
        if request.fit_budget and left is not None:
            plan = plan.limited_to(left)
        budget().require(f"The market of {request.dates}", len(plan.calls))
    result = ChartResult()
    source = ChartSource(client, archive, misses, ledger, lambda: budget().left)

    def facts() -> dict[str, Any]:
        now = budget()
        counted = {} if now.left is None else {"credits_left": now.left, "credits_reserved": now.reserved}
        return {
            "source": tables.CHART,
            COINS_ASKED: plan.coins,
            "coins_archived": len(plan.archived),
            "coins_left": len(plan.left) + result.given_up,
            "coins_waiting": len(plan.waiting),
            "coins_not_served": len(plan.unserved),
            "coins_without_rows": result.without_rows,
            "coins_not_found": result.not_found,
            **counted,
        }

    return Acquisition(
        f"Charts for {request.dates}: {plan.coins} coins, {len(plan.archived)} archived, {len(plan.calls)} calls, "
        f"{len(plan.left)} left for later, {len(plan.waiting)} that brought nothing lately, {len(plan.unserved)} that "
        f"left the list and that the plan {client.plan.name} does not serve.",
        chart_frames(plan, request.dates, source, progress, result),
        facts,
    )


def _plan_completion(request: Request, database: Database, client: CoinGecko, budget: Budget) -> ChartPlan:
    """The calls of today's share of the history, and the archived coins whose rows the table lacks."""
    work = read_work(database, client.plan, client.now())
    coverage = ChartArchive(database).coverage()
    today = client.now().date()
    calls = tuple(chart_call(coin, work.earliest, coverage.get(coin), client.plan, today) for coin in work.in_order)
    share = calls_today(work, budget, client.plan, client.now())
    plan = ChartPlan((), calls, waiting=work.waiting, unserved=work.unserved).limited_to(
        share if request.max_calls is None else min(share, request.max_calls)
    )
    asked = {call.coin_id for call in plan.calls}
    return replace(plan, archived=tuple(coin for coin in work.unwritten if coin not in asked))


def _correct_usage(database: Database, client: CoinGecko, ledger: UsageLedger) -> None:
    """Once a day, count what the server says the key has used beyond what is counted."""
    today, plan = client.now().date(), client.plan.name
    if spent_between(database, plan, today, today, ("key",)).calls:
        return
    try:
        used = client.credits_used()
    finally:
        ledger.record()
    correct(database, plan, read_budget(database, client.plan, today).month.first, today, used)
