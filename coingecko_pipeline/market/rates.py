"""Currencies in US dollars on past dates: bitcoin's price in dollars by its price in the currency, at one midnight."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import StoredAnswer
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.currency_charts import mark_chart_written, read_unwritten_charts
from coingecko_pipeline.archive.dates import EPOCH, DateIntervals
from coingecko_pipeline.market.stored import read_rows
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter

MEASURE = "bitcoin"
"""The coin whose charts are compared: it has the longest history, and CoinGecko tells its own rates in it."""


@dataclass(frozen=True)
class RatesWritten:
    """What was written.

    Attributes:
        rates: Rates by currency; one that replaces a current one, or says the same again, counts too.
        waiting: Answers some of whose dates wait for bitcoin's price in dollars.
    """

    rates: Mapping[str, int]
    waiting: int


def write_rates(database: Database) -> RatesWritten:
    """Write the rates of the archived charts that are not written yet, as far as bitcoin's dollars are archived.

    A chart's rate replaces a current one, never the reverse. Done twice it writes the same.

    Args:
        database: Where the tables are.

    Raises:
        DatabaseUnavailable: The database did not let us in.
    """
    coverage = read_coverage(database, [MEASURE]).get(MEASURE)
    spoken_for = coverage.covered if coverage else DateIntervals()
    writer = TableWriter(database, tables.fx_rates)
    return database.run_in_transaction(lambda connection: _write(connection, writer, spoken_for))


def _write(connection: Connection, writer: TableWriter, spoken_for: DateIntervals) -> RatesWritten:
    rates: dict[str, int] = {}
    waiting = 0
    for answer in read_unwritten_charts(connection):
        rows = _rates_of(connection, answer)
        writer.upsert_in(connection, rows)
        rates[answer.record.coin_id] = rates.get(answer.record.coin_id, 0) + len(rows)
        if spoken_for.covers(answer.record.dates):
            mark_chart_written(connection, answer.answer_id)
        else:
            waiting += 1
    return RatesWritten(rates, waiting)


def _rates_of(connection: Connection, answer: StoredAnswer) -> pa.Table:
    """The rates of the dates on which bitcoin has a price in both charts."""
    points = answer.record.points
    # The series of a chart is named for dollars whatever its currency is.
    in_currency = dict(zip(points.days.tolist(), points.values["price_usd"].tolist(), strict=True))
    first, last = (date.fromordinal(int(points.days[place]) + EPOCH) for place in (0, -1))
    stored = read_rows(connection, [MEASURE], first, last).get(MEASURE)
    days: list[date] = []
    usd_per_unit: list[float] = []
    if stored is not None:
        exact = stored.is_chart
        for day, dollars in zip(stored.days[exact].tolist(), stored.values["price_usd"][exact].tolist(), strict=True):
            units = in_currency.get(day, 0.0)
            if units > 0 and dollars > 0 and np.isfinite(dollars / units):
                days.append(date.fromordinal(day + EPOCH))
                usd_per_unit.append(dollars / units)
    return to_arrow(
        tables.fx_rates,
        {
            "date": np.array(days, dtype="datetime64[us]"),
            "currency": [answer.record.coin_id] * len(days),
            "usd_per_unit": np.array(usd_per_unit, dtype=np.float64),
            "source": [tables.RATE_OF_CHARTS] * len(days),
        },
    )
