"""What the body of a daily market chart says: one point for each date that has a value.

**The row of date D is the value at 00:00:00 UTC of D**, which a daily chart has as a point of its own. CoinGecko's own
points of a few dates stand some minutes later (of 2018-01-30 and 2018-02-08 at 00:05, in charts and CSV exports alike):
in a daily series the point nearest after a midnight, at most 15 minutes, stands for its date where there is no exact
one. The last point of a body is the moment of the answer and stands for no date, unless it is an exact midnight.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

SERIES: Mapping[str, str] = {
    "price_usd": "prices",
    "volume_24h_usd": "total_volumes",
    "market_cap_usd": "market_caps",
}
"""The column that each series of a market chart fills."""

MILLISECONDS_PER_DAY = 86_400_000
LATEST_AFTER_MIDNIGHT = 15 * 60 * 1000
"""Milliseconds after midnight at which a point still stands for its date."""
LATEST_TIME = 253_402_300_800_000
"""Milliseconds from 1970 to the year 10000: what lies beyond is no time."""

NOW_POINTS = 2
"""Points that a daily series may have beyond one for each date: the answer's own moment, and a date's second one."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class UnreadableChart(ValueError):
    """The body of an answer with status 200 is no market chart; the message says what is wrong with it."""


@dataclass(frozen=True)
class ChartPoints:
    """The points of a chart that stand for a date, ascending; all arrays are of one length.

    Attributes:
        days: The dates, as days since 1970.
        seconds: Seconds after 00:00:00 UTC at which each point stands; 0 for an exact one.
        values: By column of `SERIES`, in US dollars; NaN where it is not given. Each date has at least one value.
        not_numbers: Values that were no number, such as true or text.
        negative: Values below 0.
    """

    days: Integers
    seconds: Floats
    values: Mapping[str, Floats]
    not_numbers: int = 0
    negative: int = 0

    def __len__(self) -> int:
        return len(self.days)

    def between(self, first: int, last: int) -> "ChartPoints":
        """The points of the dates from one to another, as days since 1970, both included."""
        chosen = slice(np.searchsorted(self.days, first), np.searchsorted(self.days, last, side="right"))
        values = {column: numbers[chosen] for column, numbers in self.values.items()}
        return ChartPoints(self.days[chosen], self.seconds[chosen], values, self.not_numbers, self.negative)


NO_POINTS = ChartPoints(np.empty(0, dtype=np.int64), np.empty(0), {column: np.empty(0) for column in SERIES})


def read_chart(body: bytes) -> ChartPoints:
    """The points of the body of a daily market chart.

    What is no number (true, text, a list) and what is below 0 is NaN and counted.

    Raises:
        UnreadableChart: The body is no JSON, a series is missing or is no list of pairs of time and value, a time is no
            number, or a number is infinite.
    """
    chart = _parsed(body)
    times: dict[str, Integers] = {}
    seconds: dict[str, Floats] = {}
    values: dict[str, Floats] = {}
    not_numbers = negative = 0
    for column, name in SERIES.items():
        stamps, numbers, bad, below = _series(chart, name)
        times[column], seconds[column], chosen = _dated(stamps)
        values[column] = numbers[chosen]
        not_numbers += bad
        negative += below
    days, all_seconds, aligned = _aligned(times, seconds, values)
    given = ~np.logical_and.reduce([np.isnan(numbers) for numbers in aligned.values()])
    if not given.all():
        days, all_seconds = days[given], all_seconds[given]
        aligned = {column: numbers[given] for column, numbers in aligned.items()}
    return ChartPoints(days, all_seconds, aligned, not_numbers, negative)


def check_times(body: bytes) -> None:
    """Do nothing where a readable chart that has no date has no more values either than a coin without a past can have.

    Raises:
        UnreadableChart: Its values stand at other moments than midnights; tells which.
    """
    chart = _parsed(body)
    for name in SERIES.values():
        stamps, values, _, _ = _series(chart, name)
        given = np.sort(stamps[~np.isnan(values)])
        if len(given) > NOW_POINTS:
            raise UnreadableChart(
                f"none of the {len(given)} values of the series {name} stands at a midnight (UTC) of a date that can "
                f"be: the first is at {_moment(given[0])}, the last at {_moment(given[-1])}"
            )


def _moment(stamp: float) -> str:
    """A time of a chart as text."""
    if not 0 <= stamp < LATEST_TIME:
        return f"{stamp:.0f} milliseconds since 1970"
    return f"{datetime.fromtimestamp(stamp / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        chart = json.loads(body, parse_constant=_refuse_constant)
    except UnreadableChart:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableChart(f"the body is no JSON: {error}") from error
    if not isinstance(chart, dict):
        raise UnreadableChart("the body is no JSON object")
    return chart


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableChart(f"the body has {name}, which is no JSON")


def _series(chart: Mapping[str, Any], name: str) -> tuple[Floats, Floats, int, int]:
    """The times (milliseconds since 1970) and values of a series, and how many were no numbers and below 0."""
    points = chart.get(name)
    if not isinstance(points, list):
        raise UnreadableChart(f"the series {name} is missing or no list")
    if any(not isinstance(point, list) or len(point) != 2 for point in points):
        raise UnreadableChart(f"the series {name} has an entry that is no pair of time and value")
    stamps = [point[0] for point in points]
    if not set(map(type, stamps)) <= {int, float}:
        raise UnreadableChart(f"the series {name} has a time that is no number")
    given: Sequence[Any] = [point[1] for point in points]
    bad = 0
    if not set(map(type, given)) <= {int, float, type(None)}:
        numbers = [value if type(value) in (int, float) else None for value in given]
        bad = sum(new is None and old is not None for new, old in zip(numbers, given, strict=True))
        given = numbers
    try:
        times, values = np.array(stamps, dtype=np.float64), np.array(given, dtype=np.float64)
    except OverflowError as error:
        raise UnreadableChart(f"the series {name} has a number beyond what a double holds") from error
    if np.isinf(times).any() or np.isinf(values).any():
        raise UnreadableChart(f"the series {name} has an infinite number")
    below = values < 0
    negative = int(below.sum())
    if negative:
        values[below] = math.nan
    # One zero, since SQLite keeps no sign of it.
    return times, values + 0.0, bad, negative


def _dated(stamps: Floats) -> tuple[Integers, Floats, Integers]:
    """The dates that a series has a point for, its seconds after midnight, and its position; ascending, each once."""
    sensible = (stamps >= 0) & (stamps < LATEST_TIME)
    positions = np.flatnonzero(sensible)
    times = stamps[positions]
    days = (times // MILLISECONDS_PER_DAY).astype(np.int64)
    after = times - days * MILLISECONDS_PER_DAY
    fitting = after == 0
    if not fitting.all():
        is_daily = len(times) <= len(np.unique(days)) + NOW_POINTS
        near = is_daily & (after <= LATEST_AFTER_MIDNIGHT) & (positions != len(stamps) - 1)
        fitting |= near
    positions, days, after = positions[fitting], days[fitting], after[fitting]
    # By date, the nearest to midnight first; of equal ones the last that was given.
    order = np.lexsort((-positions, after, days))
    positions, days, after = positions[order], days[order], after[order]
    first = np.ones(len(days), dtype=bool)
    first[1:] = days[1:] != days[:-1]
    # To the microsecond, as a database keeps a moment.
    return days[first], np.round(after[first] * 1000) / 1_000_000, positions[first]


def _aligned(
    times: Mapping[str, Integers], seconds: Mapping[str, Floats], values: Mapping[str, Floats]
) -> tuple[Integers, Floats, dict[str, Floats]]:
    """The series on the dates that any of them has, each date at the seconds of the nearest point."""
    days = times["price_usd"]
    if all(np.array_equal(days, other) for other in times.values()):
        if all(np.array_equal(seconds["price_usd"], other) for other in seconds.values()):
            return days, seconds["price_usd"], dict(values)
    else:
        days = np.unique(np.concatenate(list(times.values())))
    nearest = np.full(len(days), np.inf)
    aligned = {}
    for column, own in times.items():
        places = np.searchsorted(days, own)
        nearest[places] = np.minimum(nearest[places], seconds[column])
    for column, own in times.items():
        places = np.searchsorted(days, own)
        # A date has one moment: a series' later point does not stand beside another's exact one.
        same = seconds[column] == nearest[places]
        aligned[column] = np.full(len(days), np.nan)
        aligned[column][places[same]] = values[column][same]
    return days, nearest, aligned
