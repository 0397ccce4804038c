"""Reading the parameters of a request, with CoinGecko's errors where they are missing or make no sense."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .currencies import CODES
from .errors import invalid_parameter, missing_parameter
from .rounding import FULL

Query = Mapping[str, str]

# CoinGecko's documented bounds of `per_page`.
_ROWS_A_PAGE, _MOST_ROWS_A_PAGE = 100, 250
_MOST_DECIMALS = 18


@dataclass(frozen=True)
class PageWanted:
    """What a call of `/coins/markets` asks for.

    Attributes:
        ids: The coins, or None for all of them.
        order: The order of the rows.
        page: Which page, from 1.
        per_page: Rows a page.
        currency: The code of the currency.
        precision: Decimals of the prices, or None for as many as fit each.
        rehypothecated: Whether coins that stand for others are among the rows, chosen by their ids or not, and whether
            the rows tell the rank among all coins.
    """

    ids: Sequence[str] | None
    order: str
    page: int
    per_page: int
    currency: str
    precision: int | None
    rehypothecated: bool


def page_wanted(query: Query) -> PageWanted:
    """What a call of `/coins/markets` asks for.

    Raises:
        ApiError: 422 where a parameter is missing or cannot be read.
    """
    return PageWanted(
        currency=vs_currency(query),
        per_page=min(positive(query, "per_page", _ROWS_A_PAGE), _MOST_ROWS_A_PAGE),
        ids=query["ids"].split(",") if query.get("ids") else None,
        order=query.get("order") or "market_cap_desc",
        page=positive(query, "page", 1),
        precision=precision(query),
        rehypothecated=flag(query, "include_rehypothecated"),
    )


def required(query: Query, name: str) -> str:
    """A parameter that has to be there.

    Raises:
        ApiError: 422 where it is missing or empty.
    """
    value = query.get(name, "")
    if not value:
        raise missing_parameter(name)
    return value


def flag(query: Query, name: str) -> bool:
    """A yes or no; what is missing or unreadable is no."""
    return query.get(name, "").lower() == "true"


def vs_currency(query: Query) -> str:
    """The code of the currency asked for, in lower case.

    Raises:
        ApiError: 422 where `vs_currency` is missing or unknown.
    """
    code = required(query, "vs_currency").lower()
    if code not in CODES:
        raise invalid_parameter("vs_currency")
    return code


def precision(query: Query) -> int | None:
    """The decimals of prices: `full` or a number up to 18, or None where as many as fit each are to be told.

    Raises:
        ApiError: 422 where it is something else.
    """
    text = query.get("precision", "")
    if text in ("", "full"):
        return FULL if text else None
    if not (text.isascii() and text.isdigit()) or int(text) > _MOST_DECIMALS:
        raise invalid_parameter("precision")
    return int(text)


def positive(query: Query, name: str, default: int) -> int:
    """A whole number from 1.

    Raises:
        ApiError: 422 where it is something else.
    """
    text = query.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise invalid_parameter(name)
    return int(text)


def days_back(query: Query) -> int | None:
    """The parameter `days`: a number of days, or None for `max`.

    Raises:
        ApiError: 422 where it is missing or is neither.
    """
    return None if required(query, "days") == "max" else positive(query, "days", 1)


def instant_ms(query: Query, name: str) -> int:
    """A UNIX time in seconds or an ISO date or time in UTC, in milliseconds since 1970-01-01.

    Raises:
        ApiError: 422 where it is missing or is neither.
    """
    text = required(query, name)
    try:
        seconds = float(text)
    except ValueError:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise invalid_parameter(name) from None
        seconds = (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant).timestamp()
    if not math.isfinite(seconds) or abs(seconds) > 1e11:
        raise invalid_parameter(name)
    return int(seconds * 1000)


def calendar_day(query: Query) -> int:
    """The parameter `date` of a history request, as days since 1970-01-01.

    The free host's documentation writes it `30-12-2025`, the paid host's `2025-12-30`; both are read.

    Raises:
        ApiError: 422 where it is missing or is neither.
    """
    text = required(query, "date")
    for form in ("%d-%m-%Y", "%Y-%m-%d"):
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) // 86_400
        except ValueError:
            continue
    raise invalid_parameter("date")
