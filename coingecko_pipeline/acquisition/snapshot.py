"""Today's market from the pages of a current one: which calls they take, and what came of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pandas as pd
import pyarrow as pa

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import SPARE_CALLS, read_budget
from coingecko_pipeline.acquisition.history import COINS_ASKED
from coingecko_pipeline.acquisition.planning import AcquisitionError, Request, SnapshotPlan, plan_snapshot
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.universe import active_coins, count_active, known_coins
from coingecko_pipeline.acquisition.usage import UsageLedger, correct_usage
from coingecko_pipeline.market.snapshots import snapshot_of
from coingecko_pipeline.market.whole_rows import TakenPage, finish_snapshot
from coingecko_pipeline.sources import SnapshotClient, Source
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.errors import BrokenAnswer
from coingecko_pipeline.sources.market_page import MarketPage, market_frame
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


@dataclass
class SnapshotResult:
    """What came of the pages, filled while they are taken.

    Attributes:
        coins: Coins that have a row.
        asked_for: Coins that were asked for by their ids.
        taken: The page that the latest frame is of.
        set_aside: What could not be taken, counted by the answer's own field.
        pages_too_late: Pages that were asked for after the day was over; they have no row.
    """

    coins: set[str] = field(default_factory=set)
    asked_for: set[str] = field(default_factory=set)
    taken: TakenPage | None = None
    set_aside: Counter[str] = field(default_factory=Counter)
    pages_too_late: int = 0

    def latest(self) -> TakenPage:
        """The page that the latest frame is of.

        Raises:
            RuntimeError: There was none yet.
        """
        if self.taken is None:
            raise RuntimeError("no frame was taken yet")
        return self.taken

    def missing_of(self, expected: Iterable[str]) -> dict[str, list[str]]:
        """The coins of some that have no row, by reason; see `missing_coins`."""
        missing: dict[str, list[str]] = {}
        for coin in expected:
            if coin not in self.coins:
                reason = tables.NOT_SERVED if coin in self.asked_for else tables.NOT_ASKED
                missing.setdefault(tables.TOO_LATE if self.pages_too_late else reason, []).append(coin)
        return missing

    def facts(self) -> Mapping[str, Any]:
        """Counts by name, for whoever is told."""
        return {"set_aside": dict(self.set_aside), "pages_too_late": self.pages_too_late}


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
    result = SnapshotResult()
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
    result = SnapshotResult()

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
    progress.begin(what, plan.calls, "pages")
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
    on_page: Callable[[], None] = lambda: None,
) -> Iterator[pd.DataFrame]:
    """Pages of any source's current market without the coins that an earlier one had.

    Args:
        pages: Asked for while they are taken.
        ledger: Where the calls are counted.
        result: Filled with what came of it.
        day: The date that the rows are of; nothing is asked for any more after a page that came too late for it.
        on_page: Called when the next page is asked for, since the rows of this one are safe then.
    """
    for page in pages:
        ledger.record()
        result.set_aside += page.set_aside
        if day is not None and page.asked_at >= _midnight_after(day, page.asked_at):
            result.pages_too_late += 1
            return
        result.asked_for.update(page.asked_for)
        # Of a coin that a page has twice the last row counts.
        places = {coin: place for place, coin in enumerate(page.rows["asset_id"].to_pylist())}
        new_places = sorted(place for coin, place in places.items() if coin not in result.coins)
        new = page.rows.take(pa.array(new_places, pa.int64()))
        result.coins.update(places)
        if len(new):
            result.taken = TakenPage(page, new)
            yield market_frame(new)
        on_page()


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
    plan: SnapshotPlan, client: CoinGecko, result: SnapshotResult, expected: Iterable[str], calls: Calls
) -> Iterator[MarketPage]:
    """The pages of a plan, and those of the expected coins that are on none of them, asked for by their ids.

    A coin that moves to an earlier page between two calls is on none of those that came.
    """
    if plan.coin_ids:
        yield from client.markets_of(plan.coin_ids)
        return
    made = 0
    for page in client.market_pages(largest=plan.largest, max_calls=calls.most):
        made += 1
        yield page
    missed = [coin for coin in expected if coin not in result.coins]
    left = calls.left_after(made)
    if missed and result.coins and not plan.left and (left is None or left > 0):
        yield from islice(client.markets_of(missed), left)


def _midnight_after(day: date, moment: datetime) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), moment.tzinfo)
