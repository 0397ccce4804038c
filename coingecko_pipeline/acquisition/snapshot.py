"""Rows from the current market pages."""

from collections.abc import Iterator, Sequence, Set
from datetime import date
from typing import Any

import pandas as pd

from coingecko_pipeline.acquisition.planning import SnapshotPlan
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.coingecko.errors import BrokenAnswer
from coingecko_pipeline.coingecko.responses import market_rows
from coingecko_pipeline.warehouse import tables


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
        CoinGeckoError: A call failed for good, or no page held a coin.
    """
    for frame in market_frames(plan, f"The market of {day}", client, ledger, progress, expected):
        frame.insert(0, "date", pd.Timestamp(day))
        yield frame.assign(source=tables.SNAPSHOT)


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
        Frames of the columns that `responses.market_rows` describes.

    Raises:
        CoinGeckoError: A call failed for good, or no page held a coin.
    """
    seen: set[str] = set()
    progress.begin(what, plan.calls, "pages")
    try:
        for page in _pages(plan, client, seen, expected):
            rows = {row["id"]: row for row in page if row["id"] not in seen}
            ledger.record()
            seen.update(rows)
            if rows:
                yield market_rows(list(rows.values()))
            progress.advance()
        if not seen and not plan.coin_ids:
            raise BrokenAnswer("CoinGecko answered the first page of the markets with no coin.")
    finally:
        ledger.record()
        progress.end()


def _pages(
    plan: SnapshotPlan, client: CoinGecko, seen: Set[str], expected: Sequence[str]
) -> Iterator[list[dict[str, Any]]]:
    """The pages of a plan, and one of the expected coins that are not seen after them."""
    if plan.coin_ids:
        yield from client.markets_of(plan.coin_ids)
        return
    yield from client.market_pages(largest=plan.largest)
    missed = [coin for coin in expected if coin not in seen]
    if missed and seen:
        yield next(client.markets_of(missed))
