"""What ``/exchange_rates`` says: one bitcoin in some 70 currencies, and so each of them in US dollars."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coingecko_pipeline.sources.errors import BrokenAnswer

CURRENCY_CODE = re.compile("[a-z0-9]{2,16}")
"""Codes as CoinGecko writes them: btc, usd, eur, sats."""


@dataclass(frozen=True)
class ExchangeRates:
    """The rates of one answer.

    Attributes:
        usd_per_unit: Of each currency, by its code in lower case, the price of one unit (US dollars).
        left_out: Entries that hold no code or no number above 0.
    """

    usd_per_unit: Mapping[str, float]
    left_out: int


def read_exchange_rates(body: Any) -> ExchangeRates:
    """The rates of the parsed body; currencies, cryptocurrencies and metals alike.

    Raises:
        BrokenAnswer: There are no rates, or none of the US dollar.
    """
    rates = body.get("rates") if isinstance(body, dict) else None
    if not isinstance(rates, dict):
        raise BrokenAnswer("CoinGecko answered the exchange rates with status 200 and without any.")
    per_bitcoin = {code: value for code, entry in rates.items() if (value := _per_bitcoin(code, entry)) is not None}
    dollars = per_bitcoin.get("usd")
    if dollars is None:
        raise BrokenAnswer("CoinGecko answered the exchange rates with status 200 and without the US dollar's.")
    usd_per_unit = {code: dollars / value for code, value in per_bitcoin.items()}
    usable = {code: value for code, value in usd_per_unit.items() if 0 < value < math.inf}
    return ExchangeRates(usable, len(rates) - len(usable))


def _per_bitcoin(code: str, entry: Any) -> float | None:
    """The units of a currency that one bitcoin costs; None where that is not told."""
    value = entry.get("value") if isinstance(entry, dict) and CURRENCY_CODE.fullmatch(code) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 < number < math.inf else None
