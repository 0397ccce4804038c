"""Today's rows from the current market pages."""

from collections.abc import Iterator
from datetime import date

import pandas as pd

from coingecko_pipeline.acquisition.planning import SnapshotPlan
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.coingecko.errors import BrokenAnswer
from coingecko_pipeline.coingecko.responses import market_rows
from coingecko_pipeline.warehouse import tables


def snapshot_frames(
    plan: SnapshotPlan, day: date, client: CoinGecko, ledger: UsageLedger, progress: Progress
) -> Iterator[pd.DataFrame]:
    """Ask for the market pages and give each as rows of daily_market.

    Args:
        plan: The pages to ask for.
        day: Today (UTC).
        client: CoinGecko.
        ledger: Where the calls are counted.
        progress: Told of each page when the next one is asked for, since its rows are safe then.

    Raises:
        CoinGeckoError: A call failed for good, or no page held a coin.
    """
    pages = client.markets_of(plan.coin_ids) if plan.coin_ids else client.market_pages(largest=plan.largest)
    seen: set[str] = set()
    progress.begin(f"The market of {day}", plan.calls, "pages")
    try:
        for page in pages:
            rows = {row["id"]: row for row in page if row["id"] not in seen}
            ledger.record()
            seen.update(rows)
            if rows:
                frame = market_rows(list(rows.values()))
                frame.insert(0, "date", pd.Timestamp(day))
                yield frame.assign(source=tables.SNAPSHOT)
            progress.advance()
        if not seen and not plan.coin_ids:
            raise BrokenAnswer("CoinGecko answered the first page of the markets with no coin.")
    finally:
        ledger.record()
        progress.end()
