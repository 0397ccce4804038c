"""What CoinGecko's answers mean: bodies to frames. A value that is missing or null becomes NaN, never 0."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from coingecko_pipeline.sources.coingecko.errors import BrokenAnswer

MILLISECONDS_PER_DAY = 86_400_000

CHART_SERIES: Mapping[str, str] = {
    "price_usd": "prices",
    "volume_24h_usd": "total_volumes",
    "market_cap_usd": "market_caps",
}
"""The column that each series of a market chart fills."""

MARKET_FIELDS: Mapping[str, str] = {
    "price_usd": "current_price",
    "volume_24h_usd": "total_volume",
    "market_cap_usd": "market_cap",
}
"""The column that each field of a market row fills."""


def check_asset_list(body: Any) -> list[dict[str, Any]]:
    """The entries of ``/coins/list``, if that is what the body is.

    Raises:
        BrokenAnswer: The body is no list of entries with an id.
    """
    return _check_entries(body, "the asset list")


def check_markets(body: Any) -> list[dict[str, Any]]:
    """The rows of one page of ``/coins/markets``, if that is what the body is.

    Raises:
        BrokenAnswer: The body is no list of rows with an id.
    """
    return _check_entries(body, "a page of markets")


def check_credits_used(body: Any) -> int:
    """The credits of the running month that ``/key`` tells as used.

    Raises:
        BrokenAnswer: The body does not tell them.
    """
    used = body.get("current_total_monthly_calls") if isinstance(body, dict) else None
    if not isinstance(used, int):
        raise BrokenAnswer("CoinGecko answered what the key has used with status 200 and without a number of calls.")
    return used


def check_market_chart(body: Any) -> dict[str, list[list[float | None]]]:
    """The three series of a market chart, if that is what the body is.

    Raises:
        BrokenAnswer: A series is missing, or is no list of pairs.
    """
    if not isinstance(body, dict) or any(not isinstance(body.get(name), list) for name in CHART_SERIES.values()):
        raise BrokenAnswer("CoinGecko answered a market chart with status 200 and without its three series.")
    for name in CHART_SERIES.values():
        series = body[name]
        if any(not isinstance(point, list) or len(point) != 2 or point[0] is None for point in series):
            raise BrokenAnswer(f"CoinGecko answered a market chart whose {name} are not pairs of time and value.")
    return body


def market_rows(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of ``/coins/markets`` as a frame.

    Returns:
        Columns asset_id, price_usd, volume_24h_usd, market_cap_usd (US dollars) and observed_at (UTC; the coin's
        own last_updated, NaT where it has none).
    """
    columns: dict[str, Any] = {"asset_id": pd.Series([row["id"] for row in rows], dtype="str")}
    for column, field in MARKET_FIELDS.items():
        columns[column] = np.array([row.get(field) for row in rows], dtype=np.float64)
    updated = pd.to_datetime(
        pd.Series([row.get("last_updated") for row in rows], dtype="str"),
        utc=True,
        format="ISO8601",
        errors="coerce",
    )
    columns["observed_at"] = updated.astype("datetime64[us, UTC]")
    return pd.DataFrame(columns)


def midnight_points(chart: Mapping[str, Sequence[Sequence[float | None]]]) -> pd.DataFrame:
    """The points of a market chart that stand at exactly 00:00:00 UTC; every other point is left out.

    Returns:
        One row for each date, ascending: columns date (datetime64[s], midnight UTC without a zone), price_usd,
        volume_24h_usd and market_cap_usd (US dollars). A date that a series lacks has NaN there.
    """
    series = {column: _at_midnight(chart[name]) for column, name in CHART_SERIES.items()}
    days = series["price_usd"][0]
    if all(np.array_equal(days, other) for other, _ in series.values()):
        values = {column: numbers for column, (_, numbers) in series.items()}
    else:
        days = np.unique(np.concatenate([other for other, _ in series.values()]))
        values = {column: np.full(len(days), np.nan) for column in series}
        for column, (own, numbers) in series.items():
            values[column][np.searchsorted(days, own)] = numbers
    return pd.DataFrame({"date": days.astype("datetime64[D]").astype("datetime64[s]"), **values})


def _at_midnight(
    points: Sequence[Sequence[float | None]],
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Days since 1970 and values of one series' midnight points, ascending; of equal days the last one counts."""
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    table = table[table[:, 0] % MILLISECONDS_PER_DAY == 0]
    days = (table[:, 0] // MILLISECONDS_PER_DAY).astype(np.int64)
    if len(days) > 1 and not np.all(np.diff(days) > 0):
        days, last = np.unique(days[::-1], return_index=True)
        return days, table[::-1, 1][last]
    return days, table[:, 1]


def _check_entries(body: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        raise BrokenAnswer(f"CoinGecko answered {what} with status 200 and something that is no list.")
    if any(not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"] for entry in body):
        raise BrokenAnswer(f"CoinGecko answered {what} with an entry that has no id.")
    return body
