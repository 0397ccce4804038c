"""What CoinGecko's answers mean. A value that is missing or null becomes NaN, never 0."""

from collections.abc import Mapping, Sequence
from typing import Any

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import is_asset_id
from coingecko_pipeline.sources.coingecko.charts import SERIES
from coingecko_pipeline.sources.errors import BrokenAnswer
from coingecko_pipeline.sources.market_page import Field, Kind, MarketPage, read_market_page

MARKET_FIELDS: Mapping[str, Field] = {
    "market_cap_rank": Field("market_cap_rank", Kind.RANK),
    "market_cap_rank_with_rehypothecated": Field("market_cap_rank_with_rehypothecated", Kind.RANK),
    "price_usd": Field("current_price"),
    "market_cap_usd": Field("market_cap"),
    "fully_diluted_valuation_usd": Field("fully_diluted_valuation"),
    "volume_24h_usd": Field("total_volume"),
    "high_24h_usd": Field("high_24h"),
    "low_24h_usd": Field("low_24h"),
    "price_change_24h_usd": Field("price_change_24h", Kind.CHANGE),
    "price_change_percentage_24h": Field("price_change_percentage_24h", Kind.CHANGE),
    "market_cap_change_24h_usd": Field("market_cap_change_24h", Kind.CHANGE),
    "market_cap_change_percentage_24h": Field("market_cap_change_percentage_24h", Kind.CHANGE),
    "circulating_supply": Field("circulating_supply"),
    "total_supply": Field("total_supply"),
    "max_supply": Field("max_supply"),
    "ath_usd": Field("ath"),
    "ath_change_percentage": Field("ath_change_percentage", Kind.CHANGE),
    "ath_at": Field("ath_date", Kind.MOMENT),
    "atl_usd": Field("atl"),
    "atl_change_percentage": Field("atl_change_percentage", Kind.CHANGE),
    "atl_at": Field("atl_date", Kind.MOMENT),
    "roi_times": Field("roi.times", Kind.CHANGE, optional=True),
    "roi_percentage": Field("roi.percentage", Kind.CHANGE, optional=True),
    "roi_currency": Field("roi.currency", Kind.WORD, optional=True),
    "last_updated_at": Field("last_updated", Kind.UPDATE),
}
"""The column of market_snapshots that each field of a market row fills."""


def check_asset_list(body: Any) -> list[Any]:
    """The entries of ``/coins/list``, whatever each of them is.

    Raises:
        BrokenAnswer: The body is no list, or none of its entries has an id.
    """
    if not isinstance(body, list):
        raise BrokenAnswer("CoinGecko answered the asset list with status 200 and something that is no list.")
    if body and not any(isinstance(entry, dict) and is_asset_id(entry.get("id")) for entry in body):
        raise BrokenAnswer("CoinGecko answered the asset list with no entry that has an id.")
    return body


def check_markets(body: Any) -> list[Any]:
    """The entries of one page of ``/coins/markets``, whatever each of them is.

    Raises:
        BrokenAnswer: The body is no list.
    """
    if not isinstance(body, list):
        raise BrokenAnswer("CoinGecko answered a page of markets with status 200 and something that is no list.")
    return body


def check_platforms(body: Any) -> list[Any]:
    """The entries of ``/asset_platforms``, whatever each of them is.

    Raises:
        BrokenAnswer: The body is no list, or none of its entries has an id.
    """
    if not isinstance(body, list) or not any(isinstance(entry, dict) and "id" in entry for entry in body):
        raise BrokenAnswer("CoinGecko answered the chains with status 200 and without any that has an id.")
    return body


def check_credits_used(body: Any) -> int:
    """The credits of the running month that ``/key`` tells as used.

    Raises:
        BrokenAnswer: The body does not tell them.
    """
    used = body.get("current_total_monthly_calls") if isinstance(body, dict) else None
    if isinstance(used, bool) or not isinstance(used, int) or used < 0:
        raise BrokenAnswer("CoinGecko answered what the key has used with status 200 and without a number of calls.")
    return used


def check_chart_series(body: Any) -> None:
    """Do nothing where the body is a market chart, as far as its three lists tell.

    Raises:
        BrokenAnswer: One of them is missing.
    """
    if not isinstance(body, dict) or any(not isinstance(body.get(name), list) for name in SERIES.values()):
        raise BrokenAnswer("CoinGecko answered a market chart with status 200 and without its three series.")


def market_page(entries: Sequence[Any], answer: Answer, what: str = "the markets") -> MarketPage:
    """The entries of a page of ``/coins/markets`` as rows of market_snapshots, but for the date and the answer."""
    return read_market_page(entries, answer, MARKET_FIELDS, what)
