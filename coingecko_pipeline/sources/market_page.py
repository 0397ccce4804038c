"""A page of a current market, the same for every source: rows from entries that may hold anything.

What is missing is NULL and no fault. What is there and cannot be what its field means is NULL too and counted: nothing
is guessed, and one bad entry never costs the others.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import is_asset_id

if TYPE_CHECKING:
    import pandas as pd

VALUES = ("price_usd", "volume_24h_usd", "market_cap_usd")

FIRST_MOMENT = datetime(2009, 1, 3, tzinfo=UTC)
"""The day of Bitcoin's first block: nothing was observed of any coin before."""
AHEAD = timedelta(days=1)
"""How far a coin's last update may lie ahead of the answer that tells it: clocks and zones differ, days do not."""


@dataclass(frozen=True)
class MarketPage:
    """One answer's rows of a current market.

    Attributes:
        frame: Columns asset_id, price_usd, volume_24h_usd, market_cap_usd (US dollars, NaN where not given) and
            observed_at (UTC, the coin's own last update, NaT where not given).
        set_aside: What could not be taken, counted by the answer's own field: an entry under `id`, a value under its
            name.
        asked_at: When the page was asked for (UTC, aware).
        answered_at: When it was there (UTC, aware).
    """

    frame: "pd.DataFrame"
    set_aside: Counter[str]
    asked_at: datetime
    answered_at: datetime


def read_market_page(
    entries: Sequence[Any], answer: Answer, fields: Mapping[str, str], missing: Sequence[Any] = (None,)
) -> MarketPage:
    """The entries of a page as rows.

    An entry without a usable `id` is set aside. A number is a finite one that is not negative, as JSON writes numbers:
    neither `true` nor a text that looks like one. A moment is a text in ISO 8601 from 2009 to a day after the answer.

    Args:
        entries: The list that the answer's body is, parsed; each entry may be anything.
        answer: The answer.
        fields: For price_usd, volume_24h_usd, market_cap_usd and observed_at the field that fills it; of one inside
            another the path, as in ``quotes.USD.price``. A column that the source does not give is left out.
        missing: What a field holds where there is no value.
    """
    import pandas as pd  # here, so that a command that reads no page does without it

    set_aside: Counter[str] = Counter()
    rows = [entry for entry in entries if isinstance(entry, dict) and is_asset_id(entry.get("id"))]
    if len(rows) < len(entries):
        set_aside["id"] = len(entries) - len(rows)

    def values_of(column: str) -> list[Any]:
        path = fields.get(column)
        if path is None:
            return [None] * len(rows)
        values = [_field(row, path.split("."), missing) for row in rows]
        read: list[Any] = [
            _moment(value, answer.answered_at + AHEAD) if column == "observed_at" else _number(value)
            for value in values
        ]
        if refused := sum(got is None and value is not None for got, value in zip(read, values, strict=True)):
            set_aside[path] = refused
        return read

    frame = pd.DataFrame({"asset_id": pd.Series([row["id"] for row in rows], dtype="str")})
    for column in VALUES:
        frame[column] = np.array(values_of(column), dtype=np.float64)
    moments = np.array(values_of("observed_at"), dtype="datetime64[us]")
    frame["observed_at"] = pd.Series(moments).dt.tz_localize(UTC)
    return MarketPage(frame, set_aside, answer.asked_at, answer.answered_at)


def _field(row: Mapping[str, Any], path: Sequence[str], missing: Sequence[Any]) -> Any:
    """The value at a path: None where it is missing, and what is no value at all where its parent is no object."""
    inner: Any = row
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        return ...
    value = inner.get(path[-1])
    return None if value in missing else value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _moment(value: Any, latest: datetime) -> datetime | None:
    """A moment in UTC, without a zone, as numpy takes it."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None) if FIRST_MOMENT <= moment <= latest else None
