"""Rows of daily_market as arrays, and how a chart changes them: pure functions.

A chart's value replaces a snapshot's, never the reverse, and value by value: what a chart does not give stays as it is.
A newer chart replaces an older one the same way. A date has one moment: of two charts' the nearer to midnight stays,
and the other gives nothing to it. So nothing that was received is ever replaced by less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import EPOCH
from coingecko_pipeline.sources.coingecko.charts import SERIES, ChartPoints, Floats, Integers
from coingecko_pipeline.warehouse.frames import to_arrow

VALUE_COLUMNS = tuple(SERIES)
SECONDS_PER_DAY = 86_400
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class MarketRows:
    """Rows of one coin, ascending by date; all arrays are of one length.

    Attributes:
        days: The dates, as days since 1970.
        seconds: Seconds from 00:00:00 UTC of the date to the moment of the value; NaN where it has none.
        values: By column, in US dollars; NaN where NULL.
        is_chart: Whether the row is a chart's.
    """

    days: Integers
    seconds: Floats
    values: Mapping[str, Floats]
    is_chart: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.days)

    def chosen(self, which: npt.NDArray[np.bool_]) -> "MarketRows":
        """Some of the rows."""
        values = {column: numbers[which] for column, numbers in self.values.items()}
        return MarketRows(self.days[which], self.seconds[which], values, self.is_chart[which])


NO_ROWS = MarketRows(
    np.empty(0, dtype=np.int64),
    np.empty(0),
    {column: np.empty(0) for column in VALUE_COLUMNS},
    np.empty(0, dtype=np.bool_),
)


@dataclass(frozen=True)
class Revision:
    """A value of a day that was over and that a later chart changed.

    Attributes:
        day: The date.
        column: Of daily_market.
        old: What an earlier chart said (US dollars).
        new: What the later one says (US dollars).
    """

    day: date
    column: str
    old: float
    new: float


@dataclass(frozen=True)
class MergedChart:
    """What a chart changes.

    Attributes:
        rows: The rows that are new or have become others; all of them a chart's.
        revisions: The values of settled days that were others before.
    """

    rows: MarketRows
    revisions: Sequence[Revision] = ()


def merge_chart(points: ChartPoints, stored: MarketRows, answered_before: datetime | None) -> MergedChart:
    """The rows that a chart makes of a coin's stored ones.

    Args:
        points: What the chart says.
        stored: The coin's rows of its dates.
        answered_before: Moment of the coin's chart before this one (UTC); None where it is the first. A day that was
            over then is settled, and another value now is a revision.
    """
    incoming = MarketRows(points.days, points.seconds, points.values, np.ones(len(points), dtype=np.bool_))
    if not len(stored):
        return MergedChart(incoming)
    places = np.searchsorted(stored.days, incoming.days)
    inside = places < len(stored)
    known = np.zeros(len(incoming), dtype=np.bool_)
    known[inside] = stored.days[places[inside]] == incoming.days[inside]
    places = np.where(known, places, 0)
    was_chart = known & stored.is_chart[places]
    old_seconds = stored.seconds[places]
    # A nearer moment of an earlier chart stays.
    stays = was_chart & (old_seconds < incoming.seconds)
    seconds = np.where(stays, old_seconds, incoming.seconds)
    changed = ~was_chart | (old_seconds != seconds)
    settled = incoming.days < (0 if answered_before is None else answered_before.date().toordinal() - EPOCH)
    values: dict[str, Floats] = {}
    revisions: list[Revision] = []
    for column in VALUE_COLUMNS:
        given, old = incoming.values[column], np.where(known, stored.values[column][places], np.nan)
        new = np.where(stays | np.isnan(given), old, given)
        differs = (bits(new) != bits(old)) & ~(np.isnan(new) & np.isnan(old))
        changed |= differs
        values[column] = new
        revisions += [
            Revision(date.fromordinal(int(incoming.days[at]) + EPOCH), column, float(old[at]), float(new[at]))
            for at in np.flatnonzero(differs & settled & was_chart & ~np.isnan(old))
        ]
    merged = MarketRows(incoming.days, seconds, values, incoming.is_chart)
    return MergedChart(merged.chosen(changed), tuple(revisions))


def fold_charts(charts: Sequence[ChartPoints]) -> MarketRows:
    """The rows that charts make one after the other, the oldest first, where there is nothing else."""
    rows = NO_ROWS
    for points in charts:
        merged = merge_chart(points, rows, None).rows
        rows = _replaced(rows, merged)
    return rows


def arrow_rows(coins: Sequence[tuple[str, MarketRows]]) -> pa.Table:
    """Chart rows of several coins as daily_market's columns."""
    numbers = np.repeat(np.arange(len(coins), dtype=np.int32), [len(rows) for _, rows in coins])
    days = np.concatenate([rows.days for _, rows in coins])
    seconds = np.concatenate([rows.seconds for _, rows in coins])
    moments = days * (SECONDS_PER_DAY * MICROSECONDS) + np.round(seconds * MICROSECONDS).astype(np.int64)
    columns: dict[str, pa.Array] = {
        "date": pa.array(days.astype(np.int32), type=pa.int32()).cast(pa.date32()),
        "asset_id": pa.DictionaryArray.from_arrays(
            pa.array(numbers), pa.array([coin for coin, _ in coins], type=pa.string())
        ).cast(pa.string()),
        **{
            column: pa.array(np.concatenate([rows.values[column] for _, rows in coins]), from_pandas=True)
            for column in VALUE_COLUMNS
        },
        "source": pa.array([tables.CHART] * len(days), type=pa.string()),
        "observed_at": pa.array(moments).cast(pa.timestamp("us", "UTC")),
    }
    return to_arrow(tables.daily_market, columns)


def _replaced(rows: MarketRows, others: MarketRows) -> MarketRows:
    """The rows with others in the place of those of the same dates."""
    kept = rows.chosen(~np.isin(rows.days, others.days))
    order = np.argsort(np.concatenate((kept.days, others.days)), kind="stable")

    def joined(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.concatenate((one, other))[order]

    return MarketRows(
        joined(kept.days, others.days),  # type: ignore[arg-type]
        joined(kept.seconds, others.seconds),  # type: ignore[arg-type]
        {column: joined(kept.values[column], others.values[column]) for column in VALUE_COLUMNS},  # type: ignore[misc]
        joined(kept.is_chart, others.is_chart),  # type: ignore[arg-type]
    )


def bits(numbers: Floats) -> npt.NDArray[np.int64]:
    """The bits of doubles: what tells -0.0 from 0.0."""
    return np.ascontiguousarray(numbers).view(np.int64)
