"""What a year of charts is: the dates, what the sandbox's charts hold, and when its rows were committed."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from types import TracebackType
from typing import Self

from sqlalchemy import text

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sandbox.charts import Granularity
from coingecko_pipeline.sandbox.clock import milliseconds
from coingecko_pipeline.sandbox.synthetic import SyntheticMarket
from coingecko_pipeline.sources.coingecko.charts import MILLISECONDS_PER_DAY
from coingecko_pipeline.warehouse import Database

DAYS = 365
KEY = "CG-bench"

Values = tuple[float | None, float | None, float | None]
"""Price, volume and market cap in US dollars."""


def settled_year() -> DateRange:
    """The 365 dates to today; near midnight (UTC) it waits until a run's first and last call mean the same ones."""
    while not time_of_day(0, 11) <= datetime.now(UTC).time() < time_of_day(23, 40):
        time.sleep(10)
    today = datetime.now(UTC).date()
    return DateRange(today - timedelta(days=DAYS - 1), today)


class Truth:
    """What the charts of a sandbox with the same options hold, computed without a call."""

    def __init__(self, options: SandboxOptions) -> None:
        self._market = SyntheticMarket(options)
        self._now_ms = milliseconds(datetime.now(UTC))

    def coin_ids(self) -> list[str]:
        """The coins of the list."""
        entries = json.loads(self._market.coins_list(self._now_ms, include_platform=False, inactive=False))
        return [entry["id"] for entry in entries]

    def rows(self, coin_id: str, dates: DateRange) -> Mapping[date, Values]:
        """The values at each midnight of a coin's chart, parsed as plainly as can be."""
        chart = json.loads(
            self._market.chart(
                self._now_ms, coin_id, days=DAYS, granularity=Granularity.DAILY, delisted=False, currency="usd"
            )
        )
        prices, volumes, caps = (dict(chart[name]) for name in ("prices", "total_volumes", "market_caps"))
        midnights = {
            datetime.fromtimestamp(moment / 1000, UTC).date(): moment
            for moment in prices
            if moment % MILLISECONDS_PER_DAY == 0
        }
        return {
            day: (prices[moment], volumes[moment], caps[moment])
            for day, moment in midnights.items()
            if dates.first <= day <= dates.last
        }

    def coins_of_a_year(self, dates: DateRange, count: int) -> list[str]:
        """The first so many coins of the list that have a value on each of the dates."""
        chosen: list[str] = []
        for coin_id in self.coin_ids():
            if len(chosen) < count and len(self.rows(coin_id, dates)) == DAYS:
                chosen.append(coin_id)
        if len(chosen) < count:
            raise SystemExit(f"The sandbox has {len(chosen)} coins with {DAYS} days; {count} are needed.")
        return chosen


@dataclass(frozen=True)
class Stored:
    """What a table holds of some coins.

    Attributes:
        rows: All rows.
        complete: Coins with one row for each of the 365 dates.
    """

    rows: int
    complete: int


def stored(database: Database, coin_ids: Sequence[str], condition: str = "TRUE") -> Stored:
    """Count the rows of daily_market, where there is such a table.

    Args:
        database: Where the table is.
        coin_ids: The coins to count.
        condition: Which rows count, in SQL.
    """
    exists = text(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'daily_market'"
    )
    query = text(
        f"SELECT asset_id, COUNT(*), COUNT(DISTINCT date) FROM daily_market WHERE {condition} GROUP BY asset_id"
    )
    with database.connect() as connection:
        if not connection.scalar(exists):
            return Stored(0, 0)
        found = {asset_id: (rows, days) for asset_id, rows, days in connection.execute(query).all()}
    of_coins = [found[coin_id] for coin_id in coin_ids if coin_id in found]
    return Stored(sum(rows for rows, _ in of_coins), sum(rows == days == DAYS for rows, days in of_coins))


class CommitWatch:
    """Notes when chart rows of the last date were last seen to become more.

    A chunk holds all dates of its coins, so the rows of one date tell of every commit, and the primary key finds them.

    Args:
        database: Where daily_market is.
        last: The last date.
        interval: Seconds between two looks.
    """

    def __init__(self, database: Database, last: date, interval: float) -> None:
        self._database = database
        self._query = text("SELECT COUNT(*) FROM daily_market WHERE date = :last AND source = 'chart'").bindparams(
            last=last
        )
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.rows = 0
        self.committed_at: datetime | None = None

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._look()

    def _look(self) -> None:
        with self._database.connect() as connection:
            rows = connection.scalar(self._query) or 0
        if rows > self.rows:
            self.rows, self.committed_at = rows, datetime.now(UTC)

    def seconds_since(self, moment: datetime | None) -> float | None:
        """Seconds from a moment to the last commit; None where there was neither."""
        if moment is None or self.committed_at is None:
            return None
        return (self.committed_at - moment).total_seconds()

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End watching, with one more look."""
        self._stop.set()
        self._thread.join()
        self._look()


def first_chart_call(sandbox: RunningSandbox) -> datetime | None:
    """When the first chart was asked for."""
    return min((call.at for call in sandbox.calls if call.path.endswith("/market_chart")), default=None)


def settings_of(sandbox: RunningSandbox, plan: str, database_url: str) -> dict[str, str]:
    """The environment of a pipeline that works on a sandbox."""
    return {
        "COINGECKO_BASE_URL": sandbox.url,
        "COINGECKO_PLAN": plan,
        "COINGECKO_API_KEY": KEY,
        "DATABASE_URL": database_url,
    }
