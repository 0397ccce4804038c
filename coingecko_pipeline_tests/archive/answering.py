"""Answers as CoinGecko gives them, put together date by date."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from coingecko_pipeline.archive.answers import ChartRecord, Outcome, record_of
from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import EPOCH, DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.charts import SERIES, ChartPoints

TODAY = date(2026, 3, 9)
NIGHT = datetime(2026, 3, 9, 1, tzinfo=UTC)

Values = tuple[float | None, float | None, float | None]
"""Price, volume and market cap."""


def back(days: int) -> date:
    """The date so many days before today."""
    return TODAY - timedelta(days=days)


def dates(first: int, last: int) -> DateIntervals:
    """The dates from so many days before today to so many."""
    return DateIntervals.of_range(DateRange(back(first), back(last)))


def covering(
    covered: DateIntervals,
    points: DateIntervals | None = None,
    *,
    snapshots: DateRange | None = None,
    outcome: Outcome = Outcome.VALUES,
    ask_again_on: date | None = None,
) -> Coverage:
    """The coverage of a coin that was asked for just now."""
    points = covered if points is None else points
    return Coverage(covered, points, outcome, NIGHT, ask_again_on=ask_again_on, snapshots=snapshots)


def moment_of(day: date, seconds: float = 0) -> datetime:
    """So many seconds after 00:00:00 UTC of a date."""
    return datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)


def body_of(points: Mapping[date, float | Values], seconds: Mapping[date, float] | None = None) -> bytes:
    """The body of a chart with a point for each date, and one for noon after the last at its end.

    Args:
        points: Price, volume and cap of each date; a price alone has a volume of ten times and a cap of a thousand.
        seconds: Seconds after midnight at which a date's point stands; 0 where it is not named.
    """
    series: dict[str, list[list[Any]]] = {name: [] for name in SERIES.values()}
    for day in sorted(points):
        given = points[day]
        values = given if isinstance(given, tuple) else (given, given * 10, given * 1000)
        stamp = int(moment_of(day, (seconds or {}).get(day, 0)).timestamp() * 1000)
        for name, value in zip(series, values, strict=True):
            series[name].append([stamp, value])
    if points:
        now = int(moment_of(max(points), 43_200).timestamp() * 1000)
        for name in series:
            series[name].append([now, 1.0])
    return json.dumps(series).encode()


def answer_of(
    coin: str,
    points: Mapping[date, float | Values],
    *,
    at: datetime = NIGHT,
    days: int = 365,
    seconds: Mapping[date, float] | None = None,
) -> ChartRecord:
    """An answer with these points."""
    return record_of(coin, days, at, body_of(points, seconds))


def prices(first: int, last: int, price: float = 1.0) -> dict[date, float | Values]:
    """A price for each date from so many days before today to so many, rising by 1 a day."""
    return {back(number): price + first - number for number in range(first, last - 1, -1)}


def chart_points(points: Mapping[date, Values], seconds: Mapping[date, float] | None = None) -> ChartPoints:
    """What a chart says, without its body."""
    days = sorted(points)
    columns = zip(*(points[day] for day in days), strict=True) if days else ([], [], [])
    return ChartPoints(
        np.array([day.toordinal() - EPOCH for day in days], dtype=np.int64),
        np.array([(seconds or {}).get(day, 0.0) for day in days], dtype=np.float64),
        {name: np.array(values, dtype=np.float64) for name, values in zip(SERIES, columns, strict=True)},
    )
