"""A range's rows from charts: archived ones first, then one call for each coin that the archive does not cover."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.fetching import in_order
from coingecko_pipeline.acquisition.misses import ChartMisses, miss_of
from coingecko_pipeline.acquisition.planning import ChartCall, ChartPlan, DateRange
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.archive.charts import ChartArchive, midnight_points
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.errors import NotFound

CHUNK_COINS = 50
CHUNK_ROWS = 20_000
"""A chunk is written when it holds either: about 1 MB, little to lose and enough to be quick."""

BUDGET_CALLS = 16
"""Calls after which it is asked whether the budget still bears the next ones: another run may spend as well."""


@dataclass
class ChartResult:
    """What came of a plan, filled while its frames are taken.

    Attributes:
        fetched: Coins whose chart was asked for and came.
        not_found: Coins that CoinGecko lists and has no chart of.
        without_rows: Coins that have no value in the range.
        given_up: Coins that were not asked for, since another run spent what the budget had for them.
    """

    fetched: int = 0
    not_found: list[str] = field(default_factory=list)
    without_rows: int = 0
    given_up: int = 0


@dataclass(frozen=True)
class ChartSource:
    """What charts are taken from, and where what came and what it cost is kept.

    Attributes:
        client: CoinGecko.
        archive: Where charts are kept.
        misses: Where it is kept which charts brought nothing new.
        ledger: Where the calls are counted.
        budget_left: Tells the credits that are left just now; None where none are counted.
    """

    client: CoinGecko
    archive: ChartArchive
    misses: ChartMisses
    ledger: UsageLedger
    budget_left: Callable[[], int | None]


def chart_frames(
    plan: ChartPlan, dates: DateRange, source: ChartSource, progress: Progress, result: ChartResult
) -> Iterator[pd.DataFrame]:
    """Give the rows of daily_market that the plan's charts hold for the dates, chunk by chunk.

    Several calls are under way at once, through the client's one rate limit, while the rows of earlier ones are
    written. Each chart is archived as soon as it arrives, so a run that ends early pays for no chart twice.

    Args:
        plan: The charts to read and to ask for.
        dates: The dates to give rows of.
        source: Where they come from.
        progress: Told of each coin.
        result: Filled with what came of it.

    Raises:
        SourceError: A call failed for good; what came before it is archived, and the finished chunks are written.
    """
    progress.begin(f"Charts for {dates}", len(plan.archived) + len(plan.calls), "coins")
    chunk: list[pd.DataFrame] = []
    rows = 0
    try:
        for coin_id, midnights in _all_charts(plan, source, result):
            frame = daily_rows(coin_id, midnights, dates)
            result.without_rows += frame.empty
            if not frame.empty:
                chunk.append(frame)
                rows += len(frame)
            if len(chunk) >= CHUNK_COINS or rows >= CHUNK_ROWS:
                yield pd.concat(chunk, ignore_index=True)
                chunk, rows = [], 0
            progress.advance()
        if chunk:
            yield pd.concat(chunk, ignore_index=True)
    finally:
        source.ledger.record()
        progress.end()


def daily_rows(coin_id: str, midnights: pd.DataFrame, dates: DateRange) -> pd.DataFrame:
    """The rows of daily_market that one chart's midnight points are for the dates, ascending.

    Returns:
        Columns date, asset_id, price_usd, volume_24h_usd, market_cap_usd (US dollars), source, observed_at (UTC).
    """
    points = midnights[midnights["date"].between(pd.Timestamp(dates.first), pd.Timestamp(dates.last))]
    return points.assign(
        asset_id=coin_id,
        source=tables.CHART,
        observed_at=points["date"].dt.tz_localize("UTC").astype("datetime64[us, UTC]"),
    )


def _all_charts(plan: ChartPlan, source: ChartSource, result: ChartResult) -> Iterator[tuple[str, pd.DataFrame]]:
    yield from source.archive.read(plan.archived)

    def fetch(call: ChartCall) -> tuple[str, pd.DataFrame | None]:
        try:
            chart = source.client.market_chart(call.coin_id, call.days)
        except NotFound:
            chart = None
        today = source.client.now().date()
        store = [source.misses.noting(call.coin_id, miss_of(chart), today)]
        if chart is not None:
            store.insert(0, source.archive.storing(chart))
        source.ledger.record(*(step for step in store if step))
        return call.coin_id, None if chart is None else midnight_points(json.loads(chart.body))

    for coin_id, midnights in in_order(_within_budget(plan.calls, source, result), fetch):
        if midnights is None:
            result.not_found.append(coin_id)
            continue
        result.fetched += 1
        yield coin_id, midnights


def _within_budget(calls: Sequence[ChartCall], source: ChartSource, result: ChartResult) -> Iterator[ChartCall]:
    """The calls as long as the budget bears them."""
    for number, call in enumerate(calls):
        if number and number % BUDGET_CALLS == 0 and (left := source.budget_left()) is not None and left <= 0:
            result.given_up = len(calls) - number
            return
        yield call
