"""Charts that brought nothing new, and when to ask again: so that dead coins do not cost the living ones' calls."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, delete, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.charts import midnight_points
from coingecko_pipeline.sources.coingecko import ChartAnswer
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.upsert import upsert_rows

NOT_FOUND = "not_found"
"""CoinGecko lists the coin and has no chart of it."""
EMPTY = "empty"
"""The chart has no midnight point."""
ENDED = "ended"
"""The chart's last midnight point is long past."""

ENDED_DAYS = 7
"""A chart whose last point is older is taken as ended: CoinGecko's own gaps are of a day or two."""

FIRST_WAIT = timedelta(days=7)
LONGEST_WAIT = timedelta(days=90)
"""A miss is asked for again after a week, and after twice as long with each further miss, up to a quarter."""


@dataclass(frozen=True)
class Miss:
    """What the latest chart of a coin brought, where it brought nothing new."""

    reason: str
    asked_on: date
    ask_again_on: date


def miss_of(chart: ChartAnswer | None) -> str | None:
    """Why a chart brought nothing new; None where it did.

    Args:
        chart: The chart; None where there is none.
    """
    if chart is None:
        return NOT_FOUND
    dates = midnight_points(json.loads(chart.body))["date"]
    if dates.empty:
        return EMPTY
    return ENDED if (latest_complete_date(chart.asked_at) - dates.iloc[-1].date()).days > ENDED_DAYS else None


def next_miss(reason: str, today: date, before: Miss | None) -> Miss:
    """A miss with when to ask again.

    Args:
        reason: What the answer was.
        today: The current UTC day.
        before: The coin's miss before this one; None where its last chart brought something.
    """
    wait = FIRST_WAIT if before is None else min(2 * (before.ask_again_on - before.asked_on), LONGEST_WAIT)
    return Miss(reason, today, today + wait)


class ChartMisses:
    """The misses in the table chart_misses.

    Args:
        database: Where the table is.
    """

    def __init__(self, database: Database) -> None:
        self._kind = database.kind
        table = tables.chart_misses
        query = select(table.c.asset_id, table.c.reason, table.c.asked_on, table.c.ask_again_on)
        rows = database.run_reading(lambda connection: connection.execute(query).all())
        self._known: Mapping[str, Miss] = {coin_id: Miss(*miss) for coin_id, *miss in rows}

    def waiting(self, today: date) -> frozenset[str]:
        """The coins that are not to be asked for on a day."""
        return frozenset(coin_id for coin_id, miss in self._known.items() if miss.ask_again_on > today)

    def noting(self, coin_id: str, reason: str | None, today: date) -> Callable[[Connection], object] | None:
        """What stores the outcome of a call, to be done in a transaction; None where nothing changes.

        Args:
            coin_id: The coin.
            reason: Why its chart brought nothing new; None where it did.
            today: The current UTC day.
        """
        table, before = tables.chart_misses, self._known.get(coin_id)
        if reason is None:
            if before is None:
                return None
            return lambda connection: connection.execute(delete(table).where(table.c.asset_id == coin_id))
        miss = next_miss(reason, today, before)
        values = (coin_id, miss.reason, miss.asked_on.isoformat(), miss.ask_again_on.isoformat())
        statement = upsert_rows(table, self._kind)
        return lambda connection: connection.exec_driver_sql(statement, values)
