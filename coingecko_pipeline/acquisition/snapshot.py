"""Today's market from the pages of a current one: which calls they take, and what came of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pandas as pd
import pyarrow as pa

from coingecko_pipeline.acquisition.budget import SPARE_CALLS, read_budget
from coingecko_pipeline.acquisition.history import COINS_ASKED
from coingecko_pipeline.acquisition.planning import AcquisitionError, Request, SnapshotPlan, plan_snapshot
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.snapshot_result import SnapshotResult
from coingecko_pipeline.acquisition.universe import active_coins, count_active, known_coins
from coingecko_pipeline.acquisition.usage import UsageLedger, correct_usage
from coingecko_pipeline.market.snapshots import snapshot_of
from coingecko_pipeline.market.whole_rows import TakenPage, finish_snapshot
from coingecko_pipeline.sources import SnapshotClient, Source
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import PAGE_SIZE
from coingecko_pipeline.sources.errors import BrokenAnswer
from coingecko_pipeline.sources.market_page import MarketPage, market_frame
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class SnapshotAcquisition:
    """What a request of a current market becomes.

    Attributes:
        summary: What will be done and what it costs, in one sentence.
        frames: The rows of the table; the calls are made while they are taken.
        taken: The page that the latest frame is of.
        facts: What came of it, once they were taken: counts by name.
    """

    summary: str
    frames: Iterator[pd.DataFrame]
    taken: Callable[[], TakenPage]
    facts: Callable[[], Mapping[str, Any]]


def acquire_snapshot(
    request: Request,
    database: Database,
    client: CoinGecko,
    progress: Progress,
    keep_pages_days: int = 0,
) -> SnapshotAcquisition:
    """Plan today's snapshot and check it against the month's budget before its first call.

    Args:
        request: What is asked for: today alone.
        database: Where everything is kept.
        client: CoinGecko.
        progress: Told of each page.
        keep_pages_days: Days for which pages are kept as received.

    Raises:
        AcquisitionError: It cannot be fetched, or the budget does not bear it; nothing was spent.
        SourceError: The key is wrong.
    """
    known_coins(request.asset_ids, database)
    ledger = UsageLedger(database, client)
    day = client.now().date()
    budget = read_budget(database, client.plan, day)
    if client.plan.paid:
        correct_usage(database, client, ledger, budget.month.first)
        budget = read_budget(database, client.plan, day)
    active = active_coins(database)
    plan = plan_snapshot(request, len(active), client.plan)
    budget.require_snapshot(plan.calls)
    is_whole = not request.asset_ids and request.top is None
    result = SnapshotResult(COINGECKO.title)
    calls = Calls(request.max_calls, budget.reserved_today if budget.credits is not None else None)
    pages = _pages(plan, client, result, active if is_whole else (), calls)

    def missing_coins() -> dict[str, list[str]]:
        return result.missing_of(active) if is_whole else {}

    def frames() -> Iterator[pd.DataFrame]:
        taken = market_frames(pages, plan, f"The market of {day}", ledger, progress, result, day)
        yield from snapshot_of(taken, day)
        if is_whole:
            missing = missing_coins()
            database.run_in_transaction(lambda connection: finish_snapshot(connection, day, missing, keep_pages_days))

    def facts() -> dict[str, Any]:
        return {
            COINS_ASKED: plan.coins,
            "coins_left": plan.left if not result.pages_too_late else plan.coins - len(result.coins),
            "missing": {reason: len(coins) for reason, coins in missing_coins().items()},
            "coins_missing": [coin for coins in missing_coins().values() for coin in coins],
            **result.facts(),
            **ledger.facts(),
        }

    return SnapshotAcquisition(f"Today's market of {day}: about {plan.calls} calls.", frames(), result.latest, facts)


def acquire_current(source: Source, client: SnapshotClient, database: Database, usage: Database) -> SnapshotAcquisition:
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
    result = SnapshotResult(source.title)

    def frames() -> Iterator[pd.DataFrame]:
        try:
            yield from snapshot_of(each_coin_once(client.market_pages(), ledger, result, day), day)
        finally:
            ledger.record()

    return SnapshotAcquisition(
        f"Today's market of {source.title}, {day}: {asked} coins.",
        frames(),
        result.latest,
        lambda: {COINS_ASKED: asked, **result.facts(), **ledger.facts()},
    )


def market_frames(
    pages: Iterable[MarketPage],
    plan: SnapshotPlan,
    what: str,
    ledger: UsageLedger,
    progress: Progress,
    result: SnapshotResult,
    day: date | None = None,
) -> Iterator[pd.DataFrame]:
    """The pages of a plan as frames, each coin once.

    Args:
        pages: Asked for while they are taken.
        plan: What they are of.
        what: What they are, for the progress.
        ledger: Where the calls are counted.
        progress: Told of each page when the next one is asked for, since its rows are safe then.
        result: Filled with what came of it.
        day: The date that the rows are of; a page that was asked for after it gives none. None where any will do.

    Returns:
        Frames of the columns that `MarketPage` describes.

    Raises:
        SourceError: A call failed for good, or no page held a coin.
    """
    progress.begin(what, plan.calls, "calls", plan.per_minute)
    try:
        yield from each_coin_once(pages, ledger, result, day, progress.advance)
        if not result.coins and not plan.coin_ids and not result.pages_too_late:
            raise BrokenAnswer("CoinGecko answered the first page of the markets with no coin.")
    finally:
        ledger.record()
        progress.end()


def each_coin_once(
    pages: Iterable[MarketPage],
    ledger: UsageLedger,
    result: SnapshotResult,
    day: date | None,
    on_page: Callable[[int, int], None] = lambda _pages, _rows: None,
) -> Iterator[pd.DataFrame]:
    """Pages of any source's current market without the coins that an earlier one had.

    Args:
        pages: Asked for while they are taken.
        ledger: Where the calls are counted.
        result: Filled with what came of it.
        day: The date that the rows are of; nothing is asked for any more after a page that came too late for it.
        on_page: Told of one more page and its rows when the next one is asked for, since they are safe then.
    """
    for page in pages:
        ledger.record()
        result.set_aside_of(page)
        if day is not None and page.asked_at >= _midnight_after(day, page.asked_at):
            result.pages_too_late += 1
            break
        result.asked_for.update(page.asked_for)
        # Of a coin that a page has twice the last row counts.
        places = {coin: place for place, coin in enumerate(page.rows["asset_id"].to_pylist())}
        new_places = sorted(place for coin, place in places.items() if coin not in result.coins)
        new = page.rows.take(pa.array(new_places, pa.int64()))
        result.coins.update(places)
        if len(new):
            result.taken = TakenPage(page, new)
            yield market_frame(new)
        on_page(1, len(new))
    result.tell_odd()


@dataclass(frozen=True)
class Calls:
    """How many calls a snapshot may make.

    Attributes:
        most: At most, however they are counted; None for as many as it takes.
        reserved: Credits that the day's snapshot has of the month's; None where none are counted.
    """

    most: int | None
    reserved: int | None

    def left_after(self, made: int) -> int | None:
        """Calls for coins that the pages did not have, after so many; None for as many as it takes.

        The reserve has one call for them that the pages do not take.
        """
        bounds = [] if self.most is None else [self.most - made]
        if self.reserved is not None:
            bounds.append(max(SPARE_CALLS, self.reserved - made))
        return min(bounds) if bounds else None


def _pages(
    plan: SnapshotPlan, client: CoinGecko, result: SnapshotResult, expected: Collection[str], calls: Calls
) -> Iterator[MarketPage]:
    """The pages of a plan, and those of the expected coins that are on none of them, asked for by their ids.

    A coin that moves to an earlier page between two calls is on none of those that came, and a page that is not full
    may have others after it. Once one is not full and no more coins are missing than a page brings, they are asked for
    by their ids and no other page is, so that a day whose list has some coins that the market has not costs no call
    more.
    """
    if plan.coin_ids:
        yield from client.markets_of(plan.coin_ids)
        return
    made = page_size = 0
    for page in client.market_pages(largest=plan.largest, max_calls=calls.most):
        made += 1
        yield page
        page_size = max(page_size, len(page.rows))
        if expected and len(page.rows) < PAGE_SIZE and len(result.lacking(expected)) <= page_size:
            break
    if result.coins and not plan.left:
        yield from _by_ids(client, result, expected, calls.left_after(made), page_size)


def _by_ids(
    client: CoinGecko, result: SnapshotResult, expected: Collection[str], left: int | None, page_size: int
) -> Iterator[MarketPage]:
    """The expected coins that are on no page, asked for by their ids.

    Again where an answer is as large as the largest page that came: a proxy that gives smaller pages cuts these too.

    Args:
        client: CoinGecko.
        result: Filled by the taker of the pages.
        expected: The coins of the list.
        left: Calls that may be made; None for as many as it takes.
        page_size: Rows of the largest page.
    """
    missed = result.lacking(expected)
    while missed and (left is None or left > 0):
        made = largest = 0
        for page in islice(client.markets_of(missed), left):
            made += 1
            yield page
            largest = max(largest, len(page.rows))
        left = None if left is None else left - made
        before, missed = len(missed), result.lacking(expected)
        if largest < page_size or len(missed) == before:
            return


def _midnight_after(day: date, moment: datetime) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), moment.tzinfo)
