"""A loop over the coins with pycoingecko, each chart a DataFrame that is appended to a table."""

from pycoingecko import CoinGeckoAPI
from sqlalchemy import create_engine

from benchmarks.peers.task import DAYS, Tally, chart_frame, read_task


def main() -> None:
    """Ask for one chart after the other; a coin whose call raises is lost."""
    task, tally = read_task(), Tally()
    api = CoinGeckoAPI(**{"api_key" if task.paid else "demo_api_key": task.api_key})
    api.api_base_url = f"{task.base_url}/"
    engine = create_engine(task.database_url)
    for coin_id in task.coin_ids:
        tally.call()
        try:
            chart = api.get_coin_market_chart_by_id(coin_id, "usd", DAYS, interval="daily")
        except ValueError:
            tally.lose()
            continue
        frame = chart_frame(coin_id, chart)
        frame.to_sql("daily_market", engine, if_exists="append", index=False)
        tally.commit(coin_id, len(frame))
    tally.tell()


if __name__ == "__main__":
    main()
