"""What each script is told, what it makes of a chart, and what it tells at its end."""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

DAYS = 365


@dataclass(frozen=True)
class Task:
    """What a script is to do.

    Attributes:
        base_url: Where the API is, without a trailing slash.
        api_key: The key.
        paid: Whether the key is one of a paid plan.
        database_url: The MySQL database, empty.
        coin_ids: Whose charts.
    """

    base_url: str
    api_key: str
    paid: bool
    database_url: str
    coin_ids: list[str]


def read_task() -> Task:
    """The task of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--paid", action="store_true", help="the key is one of a paid plan")
    parser.add_argument("--url", required=True, help="a MySQL database, empty")
    parser.add_argument("--coins", type=Path, required=True, help="a JSON file with the coins' ids")
    told = parser.parse_args()
    return Task(told.base_url, told.api_key, told.paid, told.url, json.loads(told.coins.read_text()))


class Tally:
    """Counts what a script does, and tells it as JSON."""

    def __init__(self) -> None:
        self._began = self._ended = 0.0
        self._calls = 0
        self._rows: dict[str, int] = {}
        self._lost = 0

    def call(self) -> None:
        """A call is about to be made, by the script's own account: what its library repeats is not known to it."""
        self._began = self._began or time.monotonic()
        self._calls += 1

    def lose(self) -> None:
        """A coin's call failed for good."""
        self._lost += 1

    def commit(self, coin_id: str, rows: int) -> None:
        """A coin's rows are committed."""
        self._rows[coin_id] = rows
        self._ended = time.monotonic()

    def tell(self, error: BaseException | None = None) -> None:
        """Print what was done.

        Args:
            error: What ended the script early.
        """
        # A library's clean-up may end in an error of its own; the user wants to know what began it.
        while error and (before := error.__cause__ or error.__context__):
            error = before
        line = " ".join(f"{type(error).__name__}: {error}".split()) if error else None
        ended = self._ended or time.monotonic()
        figures = {
            "seconds": ended - self._began,
            "rows": sum(self._rows.values()),
            "coins_complete": sum(rows == DAYS for rows in self._rows.values()),
            "coins_lost": self._lost,
            "calls": self._calls,
            "error": line,
        }
        print(json.dumps(figures))


def chart_frame(coin_id: str, chart: dict[str, Any]) -> pd.DataFrame:
    """A chart's points at midnight as rows; its last point, that of the moment of the call, is left out."""
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime([moment for moment, _ in chart["prices"]], unit="ms"),
            "asset_id": coin_id,
            "price_usd": [value for _, value in chart["prices"]],
            "volume_24h_usd": [value for _, value in chart["total_volumes"]],
            "market_cap_usd": [value for _, value in chart["market_caps"]],
        }
    )
    rows: pd.DataFrame = frame[frame["date"] == frame["date"].dt.normalize()]
    return rows
