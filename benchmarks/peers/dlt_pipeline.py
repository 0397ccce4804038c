"""A dlt pipeline into MySQL: its own HTTP client with its retries, calls in parallel, rows merged by date and coin."""

from collections.abc import Hashable, Iterator
from typing import Any

import dlt
from dlt.sources.helpers import requests
from sqlalchemy.engine import make_url

from benchmarks.peers.task import DAYS, Tally, chart_frame, read_task


def main() -> None:
    """Run the pipeline; a call that fails for good fails the whole of it."""
    task, tally = read_task(), Tally()
    header = "x-cg-pro-api-key" if task.paid else "x-cg-demo-api-key"
    rows: dict[str, int] = {}

    def daily_market(coin_id: str) -> Iterator[list[dict[Hashable, Any]]]:
        tally.call()
        response = requests.get(
            f"{task.base_url}/coins/{coin_id}/market_chart",
            params={"vs_currency": "usd", "days": DAYS, "interval": "daily"},
            headers={header: task.api_key},
        )
        frame = chart_frame(coin_id, response.json())
        rows[coin_id] = len(frame)
        yield frame.to_dict(orient="records")

    charts = dlt.resource(task.coin_ids, name="coins") | dlt.transformer(
        daily_market,
        name="daily_market",
        primary_key=["date", "asset_id"],
        write_disposition="merge",
        parallelized=True,
    )
    pipeline = dlt.pipeline(
        pipeline_name="charts",
        destination=dlt.destinations.sqlalchemy(task.database_url),
        dataset_name=make_url(task.database_url).database,
    )
    try:
        pipeline.run(charts)
    except Exception as error:
        tally.tell(error)
        raise
    for coin_id, count in rows.items():
        tally.commit(coin_id, count)
    tally.tell()


if __name__ == "__main__":
    main()
