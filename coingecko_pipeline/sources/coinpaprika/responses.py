"""What CoinPaprika's answers mean: bodies to coins and rows. A value that is missing becomes NaN, never 0.

The reference says that missing values are empty strings, and its examples show null: both are missing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import is_asset_id
from coingecko_pipeline.sources.errors import BrokenAnswer
from coingecko_pipeline.sources.market_page import MarketPage, read_market_page

MARKET_FIELDS: Mapping[str, str] = {
    "price_usd": "quotes.USD.price",
    "volume_24h_usd": "quotes.USD.volume_24h",
    "market_cap_usd": "quotes.USD.market_cap",
    "observed_at": "last_updated",
}
"""The column that each field of a ticker fills."""

MISSING = (None, "")


@dataclass(frozen=True)
class ListedCoin:
    """One entry of ``/coins``; a name and a symbol can be missing."""

    id: str
    symbol: str | None
    name: str | None
    is_active: bool


def listed_coins(body: Any) -> list[ListedCoin]:
    """The coins of ``/coins``, the inactive ones included.

    Raises:
        BrokenAnswer: The body is no list of entries with an id and a flag is_active.
    """
    entries = _entries(body, "the list of coins")
    if any(not isinstance(entry.get("is_active"), bool) for entry in entries):
        raise BrokenAnswer("CoinPaprika answered the list of coins with an entry that does not say if it is active.")
    return [ListedCoin(e["id"], _text(e.get("symbol")), _text(e.get("name")), e["is_active"]) for e in entries]


def tickers(body: Any) -> list[Any]:
    """The entries of ``/tickers``, whatever each of them is.

    Raises:
        BrokenAnswer: The body is no list, or no entry of it has an id and a quote in US dollars.
    """
    if not isinstance(body, list):
        raise BrokenAnswer("CoinPaprika answered the tickers with status 200 and something that is no list.")
    if not any(_is_ticker(entry) for entry in body):
        raise BrokenAnswer("CoinPaprika answered the tickers with status 200 and without a coin in US dollars.")
    return body


def market_page(entries: Sequence[Any], answer: Answer) -> MarketPage:
    """The tickers as rows; a row's moment is the ticker's own last_updated."""
    return read_market_page(entries, answer, MARKET_FIELDS, MISSING)


def _is_ticker(entry: Any) -> bool:
    if not isinstance(entry, dict) or not is_asset_id(entry.get("id")):
        return False
    quotes = entry.get("quotes")
    return isinstance(quotes, dict) and isinstance(quotes.get("USD"), dict)


def _entries(body: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        raise BrokenAnswer(f"CoinPaprika answered {what} with status 200 and something that is no list.")
    if any(not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"] for entry in body):
        raise BrokenAnswer(f"CoinPaprika answered {what} with an entry that has no id.")
    return body


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
