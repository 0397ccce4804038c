"""The past of some coins: what the archive lacks of it, whether the budget bears that, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coingecko_pipeline.acquisition.budget import Budget, read_budget
from coingecko_pipeline.acquisition.charts import ChartResult, ChartSource, fetch_charts
from coingecko_pipeline.acquisition.completion import calls_today
from coingecko_pipeline.acquisition.outlook import read_work
from coingecko_pipeline.acquisition.planning import ChartCall, ChartPlan, Request, plan_charts
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.universe import gone_coins, universe_of
from coingecko_pipeline.acquisition.usage import UsageLedger, correct_usage
from coingecko_pipeline.archive.coverage import Coverage, read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.charts import ChartWriter
from coingecko_pipeline.market.verify import coins_with_lost_rows, dates_of_the_day, rewrite_coins
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE
from coingecko_pipeline.warehouse import Database

COINS_ASKED = "coins_asked"
"""The fact that tells how many coins a request was about."""

REWRITTEN_AT_ONCE = 25
"""Coins whose rows are made again in one transaction."""


@dataclass(frozen=True)
class HistoryAcquisition:
    """What a request of past dates becomes.

    Attributes:
        summary: What will be done and what it costs, in one sentence.
        run: Does it; the calls are made here.
        facts: What came of it, once it was run: counts by name.
    """

    summary: str
    run: Callable[[], None]
    facts: Callable[[], Mapping[str, Any]]


def acquire_history(request: Request, database: Database, client: CoinGecko, progress: Progress) -> HistoryAcquisition:
    """Plan a request of past dates and check it against the month's budget before its first call.

    Running it first writes what the archive holds and the table lacks, which costs nothing: answers that a killed run
    left unwritten, and rows that were lost.

    Args:
        request: What is asked for.
        database: Where everything is kept.
        client: CoinGecko.
        progress: Told how far the work is.

    Raises:
        AcquisitionError: It cannot be fetched, or the budget does not bear it; nothing was spent.
        CoinGeckoError: The largest coins could not be asked for.
    """
    ledger = UsageLedger(database, client)
    today = client.now().date()
    if client.plan.paid:
        correct_usage(database, client, ledger, read_budget(database, client.plan, today).month.first)
    writer = ChartWriter(database, client.now)
    written = writer.write_unwritten()
    coverage = read_coverage(database)
    plan = _plan(request, database, client, coverage, ledger)
    result = ChartResult(written=written)
    source = ChartSource(client, writer, ledger, lambda: read_budget(database, client.plan, today).left)
    rewritten: list[int] = []

    def run() -> None:
        dates = dates_of_the_day(coverage, today) if request.complete_history else request.dates
        coins = () if request.complete_history else plan.archived
        if dates is not None and (coins or request.complete_history):
            rewritten.append(_rewrite_lost(database, coverage, dates, coins))
        progress.begin(f"Charts for {request.dates}", len(plan.calls), "calls", client.plan.calls_per_minute)
        try:
            fetch_charts(plan.calls, source, progress, result)
        finally:
            progress.end()

    def facts() -> dict[str, Any]:
        now = read_budget(database, client.plan, today)
        counted = {} if now.left is None else {"credits_left": now.left, "credits_reserved": now.reserved}
        return {
            COINS_ASKED: plan.coins,
            "coins_archived": len(plan.archived),
            "coins_left": len(plan.left) + result.given_up,
            "coins_waiting": len(plan.waiting),
            "coins_not_served": len(plan.unserved),
            **result.facts(),
            "rows_rewritten": sum(rewritten),
            **counted,
            **ledger.facts(),
        }

    return HistoryAcquisition(
        f"Charts for {request.dates}: {plan.coins} coins, {len(plan.archived)} archived, {len(plan.calls)} calls, "
        f"{len(plan.left)} left for later, {len(plan.waiting)} that brought nothing lately, {len(plan.unserved)} that "
        f"left the list and that the plan {client.plan.name} does not serve.",
        run,
        facts,
    )


def _plan(
    request: Request,
    database: Database,
    client: CoinGecko,
    coverage: Mapping[str, Coverage],
    ledger: UsageLedger,
) -> ChartPlan:
    today = client.now().date()
    budget = read_budget(database, client.plan, today)
    if request.complete_history:
        return _plan_completion(request, database, client, budget)
    gone = gone_coins(database)
    if request.top is not None:
        budget.require(f"Asking for the largest {request.top} coins", -(-request.top // PAGE_SIZE))
    universe = universe_of(request, database, client, gone)
    ledger.record()
    plan = plan_charts(request, universe, coverage, client.plan, client.now(), gone)
    budget = read_budget(database, client.plan, today)
    if request.fit_budget and budget.left is not None:
        plan = plan.limited_to(budget.left)
    budget.require(f"The market of {request.dates}", len(plan.calls))
    return plan


def _plan_completion(request: Request, database: Database, client: CoinGecko, budget: Budget) -> ChartPlan:
    """The calls of today's share of the history."""
    work = read_work(database, client.plan, client.now())
    calls = tuple(ChartCall(coin, work.first_missing[coin]) for coin in work.in_order)
    share = calls_today(work, budget, client.plan, client.now())
    plan = ChartPlan((), calls, waiting=work.waiting, unserved=work.unserved)
    return plan.limited_to(share if request.max_calls is None else min(share, request.max_calls))


def _rewrite_lost(
    database: Database, coverage: Mapping[str, Coverage], dates: DateRange, coin_ids: tuple[str, ...]
) -> int:
    """Make the rows again that the archive has and the table lost, without a call; how many there were."""
    lost = coins_with_lost_rows(database, coverage, dates, coin_ids)
    rows = 0
    for start in range(0, len(lost), REWRITTEN_AT_ONCE):
        group = {coin: coverage[coin] for coin in lost[start : start + REWRITTEN_AT_ONCE]}
        rows += rewrite_coins(database, group, dates).missing
    return rows
