"""What CoinPaprika's answers mean: bodies to coins and frames. A value that is missing becomes NaN, never 0.

The reference says that missing values are empty strings, and its examples show null: both are missing here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from coingecko_pipeline.sources.coinpaprika.errors import BrokenAnswer

QUOTE = "USD"
MARKET_FIELDS: Mapping[str, str] = {
    "price_usd": "price",
    "volume_24h_usd": "volume_24h",
    "market_cap_usd": "market_cap",
}
"""The column that each field of a ticker's quote fills."""


@dataclass(frozen=True)
class ListedCoin:
    """One entry of ``/coins``; a name and a symbol can be missing."""

    id: str
    symbol: str | None
    name: str | None
    is_active: bool


@dataclass(frozen=True)
class Ticker:
    """One entry of ``/tickers`` in US dollars; NaN where a value is missing.

    Attributes:
        id: The coin.
        price_usd: Price of one coin.
        volume_24h_usd: Trading volume of the 24 hours before.
        market_cap_usd: Market capitalisation.
        last_updated: The moment of the values as CoinPaprika writes it; None where it does not say.
    """

    id: str
    price_usd: float
    volume_24h_usd: float
    market_cap_usd: float
    last_updated: str | None


def listed_coins(body: Any) -> list[ListedCoin]:
    """The coins of ``/coins``, the inactive ones included.

    Raises:
        BrokenAnswer: The body is no list of entries with an id and a flag is_active.
    """
    entries = _entries(body, "the list of coins")
    if any(not isinstance(entry.get("is_active"), bool) for entry in entries):
        raise BrokenAnswer("CoinPaprika answered the list of coins with an entry that does not say if it is active.")
    return [ListedCoin(e["id"], _text(e.get("symbol")), _text(e.get("name")), e["is_active"]) for e in entries]


def tickers(body: Any) -> list[Ticker]:
    """The tickers of ``/tickers``.

    Raises:
        BrokenAnswer: The body is no list of entries with an id and a quote in US dollars, or has no entry.
    """
    entries = _entries(body, "the tickers")
    if not entries:
        raise BrokenAnswer("CoinPaprika answered the tickers with no coin.")
    return [_ticker(entry) for entry in entries]


def market_frame(market: Sequence[Ticker]) -> pd.DataFrame:
    """Tickers as the platform takes a market.

    Returns:
        Columns asset_id, price_usd, volume_24h_usd, market_cap_usd (US dollars) and observed_at (UTC; the ticker's own
        last_updated, NaT where it has none).
    """
    columns: dict[str, Any] = {"asset_id": pd.Series([ticker.id for ticker in market], dtype="str")}
    for column in MARKET_FIELDS:
        columns[column] = np.array([getattr(ticker, column) for ticker in market], dtype=np.float64)
    updated = pd.Series([ticker.last_updated for ticker in market], dtype="str")
    moments = pd.to_datetime(updated, utc=True, format="ISO8601", errors="coerce")
    return pd.DataFrame({**columns, "observed_at": moments.astype("datetime64[us, UTC]")})


def _ticker(entry: Mapping[str, Any]) -> Ticker:
    quotes = entry.get("quotes")
    quote = quotes.get(QUOTE) if isinstance(quotes, dict) else None
    if not isinstance(quote, dict):
        raise BrokenAnswer(f"CoinPaprika answered the tickers with an entry that has no quote in {QUOTE}.")
    values = {column: _number(quote.get(field)) for column, field in MARKET_FIELDS.items()}
    return Ticker(id=entry["id"], last_updated=_text(entry.get("last_updated")), **values)


def _entries(body: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        raise BrokenAnswer(f"CoinPaprika answered {what} with status 200 and something that is no list.")
    if any(not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"] for entry in body):
        raise BrokenAnswer(f"CoinPaprika answered {what} with an entry that has no id.")
    return body


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BrokenAnswer(f"CoinPaprika answered the tickers with {value!r} where a number belongs.")
    return float(value)
