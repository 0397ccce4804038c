"""A page of a current market, the same for every source: rows from entries that may hold anything.

What is missing is NULL and no fault. What is there and cannot be what its field means is NULL too and counted: nothing
is guessed, and one bad entry never costs the others.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import is_asset_id

if TYPE_CHECKING:
    import pandas as pd

VALUES = ("price_usd", "volume_24h_usd", "market_cap_usd")
"""The columns of a market that every source fills."""
UPDATED = "last_updated_at"
"""The column of the coin's own last update, which is the moment of its values."""

FIRST_MOMENT = datetime(2009, 1, 3, tzinfo=UTC)
"""The day of Bitcoin's first block: nothing was observed of any coin before."""
AHEAD = timedelta(days=1)
"""How far a coin's last update may lie ahead of the answer that tells it: clocks and zones differ, days do not."""
LARGEST_RANK = 2**31 - 1
"""What an INTEGER column holds."""


class Kind(Enum):
    """What a field holds, and the Arrow type of its column."""

    AMOUNT = pa.float64()
    """A number that is not negative, as JSON writes numbers: neither `true` nor a text that looks like one."""
    CHANGE = pa.float64(), "signed"
    """A number of either sign."""
    RANK = pa.int32()
    """A whole number from 0."""
    UPDATE = pa.timestamp("us", "UTC")
    """A moment in ISO 8601 from 2009 to a day after the answer."""
    MOMENT = pa.timestamp("us", "UTC"), "any"
    """A moment in ISO 8601."""
    WORD = pa.string()
    """A text of up to 16 characters."""

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of its column."""
        return self.value[0] if isinstance(self.value, tuple) else self.value


@dataclass(frozen=True)
class Field:
    """Where an entry holds the value of a column.

    Attributes:
        path: The field's name; of one inside another the path, as in ``quotes.USD.price``.
        kind: What it holds.
        optional: Whether the object that it is inside of may be missing.
    """

    path: str
    kind: Kind = Kind.AMOUNT
    optional: bool = False


@dataclass(frozen=True)
class MarketPage:
    """One answer's rows of a current market.

    Attributes:
        rows: asset_id and a column for each of the source's fields.
        set_aside: What could not be taken, counted by the answer's own field: an entry under `id`, a value under its
            name.
        what: What was asked for, as in a sentence.
        answer: The answer.
        asked_for: The coins that were asked for by their ids; none where they were not named.
        odd: The coin and the field of each value that could not be taken.
    """

    rows: pa.Table
    set_aside: Counter[str]
    what: str
    answer: Answer
    asked_for: tuple[str, ...] = ()
    odd: tuple[tuple[str, str], ...] = ()

    @property
    def asked_at(self) -> datetime:
        """When the page was asked for (UTC, aware)."""
        return self.answer.asked_at

    @property
    def answered_at(self) -> datetime:
        """When it was there (UTC, aware)."""
        return self.answer.answered_at

    @property
    def frame(self) -> "pd.DataFrame":
        """What every source tells of a coin; see `market_frame`."""
        return market_frame(self.rows)


def market_frame(rows: pa.Table) -> "pd.DataFrame":
    """What every source tells of a coin, of the rows of any.

    Returns:
        asset_id, price_usd, volume_24h_usd, market_cap_usd (US dollars, NaN where not given) and observed_at (UTC, the
        coin's own last update, NaT where not given).
    """
    # Commands that run no job do without pandas.
    import pandas as pd

    there = set(rows.column_names)
    frame = pd.DataFrame({"asset_id": pd.Series(rows["asset_id"].to_pylist(), dtype="str")})
    for column in VALUES:
        frame[column] = rows[column].to_numpy() if column in there else math.nan
    moments = rows[UPDATED] if UPDATED in there else pa.nulls(len(rows), Kind.UPDATE.arrow)
    naive = moments.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    frame["observed_at"] = pd.Series(naive, dtype="datetime64[us]").dt.tz_localize(UTC)
    return frame


def read_market_page(
    entries: Sequence[Any],
    answer: Answer,
    fields: Mapping[str, Field],
    what: str,
    missing: Sequence[Any] = (None,),
) -> MarketPage:
    """The entries of a page as rows; an entry without a usable `id` is set aside.

    Args:
        entries: The list that the answer's body is, parsed; each entry may be anything.
        answer: The answer.
        fields: By column the field that fills it.
        what: What was asked for, as in a sentence.
        missing: What a field holds where there is no value.
    """
    set_aside: Counter[str] = Counter()
    kept = [entry for entry in entries if isinstance(entry, dict) and is_asset_id(entry.get("id"))]
    if len(kept) < len(entries):
        set_aside["id"] = len(entries) - len(kept)
    columns = {"asset_id": pa.array([entry["id"] for entry in kept], pa.string())}
    odd: list[tuple[str, str]] = []
    for name, field in fields.items():
        read, path = _reader(field.kind, answer), field.path.split(".")
        nowhere = None if field.optional else ...
        values = [_field(entry, path, missing, nowhere) for entry in kept]
        taken = [None if value is None else read(value) for value in values]
        refused = [
            (entry["id"], field.path)
            for entry, got, value in zip(kept, taken, values, strict=True)
            if got is None and value is not None
        ]
        if refused:
            set_aside[field.path] = len(refused)
            odd += refused
        columns[name] = pa.array(taken, field.kind.arrow)
    return MarketPage(pa.table(columns), set_aside, what, answer, odd=tuple(odd))


def _field(entry: Mapping[str, Any], path: Sequence[str], missing: Sequence[Any], nowhere: Any) -> Any:
    """The value at a path: None where it is missing.

    Args:
        entry: The object that holds it.
        path: The names that lead to it.
        missing: What a field holds where there is no value.
        nowhere: What is given where its parent is missing; of one that is no object what no field can hold.
    """
    inner: Any = entry
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        return nowhere if inner is None else ...
    value = inner.get(path[-1])
    return None if value in missing else value


def _reader(kind: Kind, answer: Answer) -> Callable[[Any], Any]:
    match kind:
        case Kind.AMOUNT:
            return lambda value: _number(value, 0.0)
        case Kind.CHANGE:
            return lambda value: _number(value, -math.inf)
        case Kind.RANK:
            return _rank
        case Kind.UPDATE:
            latest = answer.answered_at + AHEAD
            return lambda value: _moment(value, FIRST_MOMENT, latest)
        case Kind.MOMENT:
            return lambda value: _moment(value, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        case Kind.WORD:
            return _word


def _number(value: Any, least: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= least else None


def _rank(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_RANK:
        return None
    return value


def _moment(value: Any, earliest: datetime, latest: datetime) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if earliest <= moment <= latest else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 16 and value.isascii() and value.isprintable() else None
