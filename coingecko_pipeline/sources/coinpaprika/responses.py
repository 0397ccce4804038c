"""What CoinPaprika's answers mean: bodies to coins and rows. A value that is missing becomes NaN, never 0.

The reference says that missing values are empty strings, and its examples show null: both are missing here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import is_asset_id
from coingecko_pipeline.sources.errors import BrokenAnswer
from coingecko_pipeline.sources.market_page import Field, Kind, MarketPage, read_market_page

QUOTE = "quotes.USD"

MARKET_FIELDS: Mapping[str, Field] = {
    "market_cap_rank": Field("rank", Kind.RANK),
    "price_usd": Field(f"{QUOTE}.price"),
    "market_cap_usd": Field(f"{QUOTE}.market_cap"),
    "volume_24h_usd": Field(f"{QUOTE}.volume_24h"),
    "volume_change_percentage_24h": Field(f"{QUOTE}.volume_24h_change_24h", Kind.CHANGE),
    "market_cap_change_percentage_24h": Field(f"{QUOTE}.market_cap_change_24h", Kind.CHANGE),
    **{
        f"price_change_percentage_{span}": Field(f"{QUOTE}.percent_change_{span}", Kind.CHANGE)
        for span in ("15m", "30m", "1h", "6h", "12h", "24h", "7d", "30d", "1y")
    },
    "total_supply": Field("total_supply"),
    "max_supply": Field("max_supply"),
    "beta_value": Field("beta_value", Kind.CHANGE),
    "ath_usd": Field(f"{QUOTE}.ath_price"),
    "ath_change_percentage": Field(f"{QUOTE}.percent_from_price_ath", Kind.CHANGE),
    "ath_at": Field(f"{QUOTE}.ath_date", Kind.MOMENT),
    "first_data_at": Field("first_data_at", Kind.MOMENT),
    "last_updated_at": Field("last_updated", Kind.UPDATE),
}
"""The column of ticker_snapshots that each field of a ticker fills."""

MISSING = (None, "")


def listed_coins(body: Any) -> list[Any]:
    """The entries of ``/coins`` as id, symbol and name, but for those that say that they are not active.

    An entry that is no object is given as it is. One without the flag counts as active: the list is of coins.

    Raises:
        BrokenAnswer: The body is no list, or none of its entries has an id and says whether it is active.
    """
    if not isinstance(body, list):
        raise BrokenAnswer("CoinPaprika answered the list of coins with status 200 and something that is no list.")
    if body and not any(_is_listed_coin(entry) for entry in body):
        raise BrokenAnswer(
            "CoinPaprika answered the list of coins with no entry that has an id and says if it is active."
        )
    return [
        {"id": entry.get("id"), "symbol": entry.get("symbol") or None, "name": entry.get("name") or None}
        if isinstance(entry, dict)
        else entry
        for entry in body
        if not (isinstance(entry, dict) and entry.get("is_active") is False)
    ]


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


def listed_platforms(body: Any) -> list[str]:
    """The ids of ``/contracts``, each once; what is no id is left out.

    Raises:
        BrokenAnswer: The body is no list, or has no id.
    """
    platforms = list(dict.fromkeys(filter(is_asset_id, body))) if isinstance(body, list) else []
    if not platforms:
        raise BrokenAnswer("CoinPaprika answered the list of chains with status 200 and without the id of a chain.")
    return platforms


def listed_contracts(body: Any) -> list[Any]:
    """The entries of ``/contracts/{platform}``, but for those that say that they are not active.

    Raises:
        BrokenAnswer: The body is no list, or none of its entries has an address and the id of a coin.
    """
    if not isinstance(body, list) or (body and not any(map(_is_listed_contract, body))):
        raise BrokenAnswer(
            "CoinPaprika answered a chain's contracts with status 200 and something that is no contract."
        )
    return [entry for entry in body if not (isinstance(entry, dict) and entry.get("active") is False)]


def market_page(entries: Sequence[Any], answer: Answer) -> MarketPage:
    """The tickers as rows of ticker_snapshots, but for the date and the answer."""
    return read_market_page(entries, answer, MARKET_FIELDS, "the tickers", MISSING)


def _is_ticker(entry: Any) -> bool:
    if not isinstance(entry, dict) or not is_asset_id(entry.get("id")):
        return False
    quotes = entry.get("quotes")
    return isinstance(quotes, dict) and isinstance(quotes.get("USD"), dict)


def _is_listed_coin(entry: Any) -> bool:
    return isinstance(entry, dict) and is_asset_id(entry.get("id")) and isinstance(entry.get("is_active"), bool)


def _is_listed_contract(entry: Any) -> bool:
    return isinstance(entry, dict) and is_asset_id(entry.get("id")) and isinstance(entry.get("address"), str)
