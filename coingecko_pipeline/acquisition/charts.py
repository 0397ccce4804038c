"""A range's rows from charts: archived ones first, then one call for each coin that the archive does not cover."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from coingecko_pipeline.acquisition.archive import ChartArchive, Series
from coingecko_pipeline.acquisition.fetching import in_order
from coingecko_pipeline.acquisition.planning import ChartCall, ChartPlan, DateRange
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.coingecko.errors import NotFound
from coingecko_pipeline.coingecko.responses import midnight_points
from coingecko_pipeline.warehouse import tables

CHUNK_COINS = 50
CHUNK_ROWS = 20_000
"""A chunk is written when it holds either: about 1 MB, little to lose and enough to be quick."""

RECORD_CALLS = 16
"""Calls after which what was spent is written down."""


@dataclass
class ChartResult:
    """What came of a plan, filled while its frames are taken.

    Attributes:
        fetched: Coins whose chart was asked for and came.
        not_found: Coins that CoinGecko lists and has no chart of.
        without_rows: Coins that have no value in the range.
    """

    fetched: int = 0
    not_found: list[str] = field(default_factory=list)
    without_rows: int = 0


def chart_frames(
    plan: ChartPlan,
    dates: DateRange,
    client: CoinGecko,
    archive: ChartArchive,
    ledger: UsageLedger,
    progress: Progress,
    result: ChartResult,
) -> Iterator[pd.DataFrame]:
    """Give the rows of daily_market that the plan's charts hold for the dates, chunk by chunk.

    Several calls are under way at once, through the client's one rate limit, while the rows of earlier ones are
    written. Each chart is archived as soon as it arrives, so a run that ends early pays for no chart twice.

    Args:
        plan: The charts to read and to ask for.
        dates: The dates to give rows of.
        client: CoinGecko.
        archive: Where charts are kept.
        ledger: Where the calls are counted.
        progress: Told of each coin.
        result: Filled with what came of it.

    Raises:
        CoinGeckoError: A call failed for good; what came before it is archived, and the finished chunks are written.
    """
    progress.begin(f"Charts for {dates}", len(plan.archived) + len(plan.calls), "coins")
    chunk: list[pd.DataFrame] = []
    rows = 0
    try:
        for coin_id, series in _all_series(plan, client, archive, ledger, result):
            frame = daily_rows(coin_id, series, dates)
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
        ledger.record()
        progress.end()


def daily_rows(coin_id: str, series: Series, dates: DateRange) -> pd.DataFrame:
    """The rows of daily_market that one chart holds for the dates, ascending.

    Returns:
        Columns date, asset_id, price_usd, volume_24h_usd, market_cap_usd (US dollars), source, observed_at (UTC).
    """
    points = midnight_points(series)
    points = points[points["date"].between(pd.Timestamp(dates.first), pd.Timestamp(dates.last))]
    return points.assign(
        asset_id=coin_id,
        source=tables.CHART,
        observed_at=points["date"].dt.tz_localize("UTC").astype("datetime64[us, UTC]"),
    )


def _all_series(
    plan: ChartPlan, client: CoinGecko, archive: ChartArchive, ledger: UsageLedger, result: ChartResult
) -> Iterator[tuple[str, Series]]:
    yield from archive.read(plan.archived)

    def fetch(call: ChartCall) -> tuple[str, Series | None]:
        try:
            chart = client.market_chart(call.coin_id, call.days)
        except NotFound:
            return call.coin_id, None
        archive.put(chart)
        return chart.coin_id, chart.series

    for number, (coin_id, series) in enumerate(in_order(plan.calls, fetch), start=1):
        if number % RECORD_CALLS == 0:
            ledger.record()
        if series is None:
            result.not_found.append(coin_id)
            continue
        result.fetched += 1
        yield coin_id, series
