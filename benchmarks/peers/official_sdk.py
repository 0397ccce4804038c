"""CoinGecko's own asynchronous client, 16 calls at once with its own retries; the rows go to a table at the end."""

import asyncio

import pandas as pd
from coingecko_sdk import APIError, AsyncCoingecko
from sqlalchemy import create_engine

from benchmarks.peers.task import DAYS, Tally, Task, chart_frame, read_task

CALLS_AT_ONCE = 16


async def fetch_all(task: Task, tally: Tally) -> dict[str, pd.DataFrame]:
    """The rows of each coin whose call did not fail for good."""
    frames: dict[str, pd.DataFrame] = {}
    places = asyncio.Semaphore(CALLS_AT_ONCE)
    client = (
        AsyncCoingecko(pro_api_key=task.api_key, base_url=task.base_url)
        if task.paid
        else AsyncCoingecko(demo_api_key=task.api_key, base_url=task.base_url)
    )

    async def fetch(coin_id: str) -> None:
        async with places:
            tally.call()
            try:
                chart = await client.coins.market_chart.get(
                    coin_id, vs_currency="usd", days=str(DAYS), interval="daily"
                )
            except APIError:
                tally.lose()
                return
        frames[coin_id] = chart_frame(coin_id, chart.to_dict())

    async with client:
        await asyncio.gather(*(fetch(coin_id) for coin_id in task.coin_ids))
    return frames


def main() -> None:
    """Fetch all charts, then write all rows."""
    task, tally = read_task(), Tally()
    frames = asyncio.run(fetch_all(task, tally))
    if frames:
        engine = create_engine(task.database_url)
        pd.concat(frames.values()).to_sql("daily_market", engine, if_exists="append", index=False, chunksize=10_000)
    for coin_id, frame in frames.items():
        tally.commit(coin_id, len(frame))
    tally.tell()


if __name__ == "__main__":
    main()
