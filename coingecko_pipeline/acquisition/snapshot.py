"""Rows from the pages of a current market."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from datetime import date

import pandas as pd

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import SnapshotPlan
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.sources import MarketPage
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.errors import BrokenAnswer


def snapshot_frames(
    plan: SnapshotPlan,
    day: date,
    client: CoinGecko,
    ledger: UsageLedger,
    progress: Progress,
    expected: Sequence[str] = (),
) -> Iterator[pd.DataFrame]:
    """Ask for the market pages and give each as rows of daily_market.

    Args:
        plan: The pages to ask for.
        day: Today (UTC).
        client: CoinGecko.
        ledger: Where the calls are counted.
        progress: Told of each page.
        expected: Coins that the pages should bring.

    Raises:
        SourceError: A call failed for good, or no page held a coin.
    """
    return snapshot_of(market_frames(plan, f"The market of {day}", client, ledger, progress, expected), day)


def market_frames(
    plan: SnapshotPlan,
    what: str,
    client: CoinGecko,
    ledger: UsageLedger,
    progress: Progress,
    expected: Sequence[str] = (),
) -> Iterator[pd.DataFrame]:
    """Ask for the market pages and give each as a frame, each coin once.

    Args:
        plan: The pages to ask for.
        what: What they are, for the progress.
        client: CoinGecko.
        ledger: Where the calls are counted.
        progress: Told of each page when the next one is asked for, since its rows are safe then.
        expected: Coins that the pages should bring, most important first. A coin that moves to an earlier page between
            two calls is on none of those that came; as many of them as one call takes are asked for by their ids.

    Returns:
        Frames of the columns that `sources.MarketPage` describes.

    Raises:
        SourceError: A call failed for good, or no page held a coin.
    """
    seen: set[str] = set()
    progress.begin(what, plan.calls, "pages")
    try:
        yield from each_coin_once(_pages(plan, client, seen, expected), ledger, seen, progress.advance)
        if not seen and not plan.coin_ids:
            raise BrokenAnswer("CoinGecko answered the first page of the markets with no coin.")
    finally:
        ledger.record()
        progress.end()


def each_coin_once(
    pages: Iterable[MarketPage],
    ledger: UsageLedger,
    seen: set[str],
    on_page: Callable[[], None] = lambda: None,
) -> Iterator[pd.DataFrame]:
    """Pages of any source's current market without the coins that an earlier one had.

    Args:
        pages: As `sources.SnapshotClient.market_pages` describes them.
        ledger: Where the calls are counted.
        seen: Filled with the coins that have a row.
        on_page: Called when the next page is asked for, since the rows of this one are safe then.
    """
    for page in pages:
        rows = page.frame
        new = rows[~rows["asset_id"].isin(seen)].drop_duplicates("asset_id", keep="last")
        ledger.record()
        seen.update(new["asset_id"])
        if len(new):
            yield new
        on_page()


def snapshot_of(frames: Iterable[pd.DataFrame], day: date) -> Iterator[pd.DataFrame]:
    """Frames of a current market as rows of daily_market of a day."""
    for frame in frames:
        yield frame.assign(date=pd.Timestamp(day), source=tables.SNAPSHOT)


def _pages(plan: SnapshotPlan, client: CoinGecko, seen: Set[str], expected: Sequence[str]) -> Iterator[MarketPage]:
    """The pages of a plan, and one of the expected coins that are not seen after them."""
    if plan.coin_ids:
        yield from client.markets_of(plan.coin_ids)
        return
    yield from client.market_pages(largest=plan.largest)
    missed = [coin for coin in expected if coin not in seen]
    if missed and seen:
        yield next(client.markets_of(missed))
