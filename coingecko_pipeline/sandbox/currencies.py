"""What a US dollar costs in other currencies, at every moment: a closed form of (seed, currency, moment).

The codes, names and units are those that CoinGecko knows; the rates are of the right magnitude and wander, so that
each date has its own. A cryptocurrency costs what its coin does. A rate is the same for all coins, so a chart in
euro divided by the one in dollars is the euro's rate at each point.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .market import DAY_MS, PRICE_OCTAVES, figures, price_at
from .names import GIANTS
from .noise import Days, Keys, Reals, derived, exp2, seed_key, wandering
from .responses import encoded

_RATE = 100
"""The first purpose of the noise in this file, one for each octave of a rate's way."""

_RATE_DECIMALS = 3
"""Decimals of `/exchange_rates`, as recorded."""

_FLOATING, _MANAGED, _PEGGED, _CRYPTO = 0.05, 0.02, 0.0, 0.5


class Currency(NamedTuple):
    """A currency: what a dollar costs in it about, how far that swings, and which coin it is, if it is one."""

    code: str
    name: str
    unit: str
    kind: str
    per_dollar: float
    swing: float = _FLOATING
    coin_id: str = ""


def _crypto(code: str, name: str, coin_id: str) -> Currency:
    return Currency(code, name, code.upper(), "crypto", 1.0, _CRYPTO, coin_id)


CURRENCIES = (
    _crypto("btc", "Bitcoin", "bitcoin"),
    _crypto("eth", "Ether", "ethereum"),
    _crypto("ltc", "Litecoin", "litecoin"),
    _crypto("bch", "Bitcoin Cash", "bitcoin-cash"),
    _crypto("bnb", "Binance Coin", "binancecoin"),
    Currency("eos", "EOS", "EOS", "crypto", 1.8, _CRYPTO),
    _crypto("xrp", "XRP", "ripple"),
    _crypto("xlm", "Lumens", "stellar"),
    _crypto("link", "Chainlink", "chainlink"),
    _crypto("dot", "Polkadot", "polkadot"),
    Currency("yfi", "Yearn.finance", "YFI", "crypto", 2e-4, _CRYPTO),
    _crypto("sol", "Solana", "solana"),
    Currency("usd", "US Dollar", "$", "fiat", 1.0, _PEGGED),
    Currency("aed", "United Arab Emirates Dirham", "DH", "fiat", 3.6725, _PEGGED),
    Currency("ars", "Argentine Peso", "$", "fiat", 1_200.0),
    Currency("aud", "Australian Dollar", "A$", "fiat", 1.52),
    Currency("bdt", "Bangladeshi Taka", "৳", "fiat", 121.0, _MANAGED),
    Currency("bhd", "Bahraini Dinar", "BD", "fiat", 0.376, _PEGGED),
    Currency("bmd", "Bermudian Dollar", "$", "fiat", 1.0, _PEGGED),
    Currency("brl", "Brazil Real", "R$", "fiat", 5.4),
    Currency("cad", "Canadian Dollar", "CA$", "fiat", 1.38),
    Currency("chf", "Swiss Franc", "Fr.", "fiat", 0.85),
    Currency("clp", "Chilean Peso", "CLP$", "fiat", 950.0),
    Currency("cny", "Chinese Yuan", "¥", "fiat", 7.15, _MANAGED),
    Currency("cop", "Colombian Peso", "COL$", "fiat", 4_000.0),
    Currency("crc", "Costa Rican Colón", "₡", "fiat", 505.0),
    Currency("czk", "Czech Koruna", "Kč", "fiat", 22.0),
    Currency("dkk", "Danish Krone", "kr.", "fiat", 6.7),
    Currency("dop", "Dominican Peso", "RD$", "fiat", 61.0, _MANAGED),
    Currency("eur", "Euro", "€", "fiat", 0.9),
    Currency("gbp", "British Pound Sterling", "£", "fiat", 0.77),
    Currency("gel", "Georgian Lari", "₾", "fiat", 2.7),
    Currency("gtq", "Guatemalan Quetzal", "Q", "fiat", 7.7, _MANAGED),
    Currency("hkd", "Hong Kong Dollar", "HK$", "fiat", 7.8, 0.002),
    Currency("hnl", "Honduran Lempira", "L", "fiat", 26.0, _MANAGED),
    Currency("huf", "Hungarian Forint", "Ft", "fiat", 350.0),
    Currency("idr", "Indonesian Rupiah", "Rp", "fiat", 16_000.0),
    Currency("ils", "Israeli New Shekel", "₪", "fiat", 3.5),
    Currency("inr", "Indian Rupee", "₹", "fiat", 86.0, _MANAGED),
    Currency("jpy", "Japanese Yen", "¥", "fiat", 150.0),
    Currency("kes", "Kenyan Shilling", "KSh", "fiat", 129.0, _MANAGED),
    Currency("krw", "South Korean Won", "₩", "fiat", 1_380.0),
    Currency("kwd", "Kuwaiti Dinar", "KD", "fiat", 0.306, 0.002),
    Currency("lbp", "Lebanese Pound", "LBP", "fiat", 89_500.0, _PEGGED),
    Currency("lkr", "Sri Lankan Rupee", "Rs", "fiat", 300.0),
    Currency("mmk", "Burmese Kyat", "K", "fiat", 2_100.0, _PEGGED),
    Currency("mxn", "Mexican Peso", "MX$", "fiat", 18.5),
    Currency("myr", "Malaysian Ringgit", "RM", "fiat", 4.3),
    Currency("ngn", "Nigerian Naira", "₦", "fiat", 1_500.0),
    Currency("nok", "Norwegian Krone", "kr", "fiat", 10.3),
    Currency("nzd", "New Zealand Dollar", "NZ$", "fiat", 1.68),
    Currency("pen", "Peruvian Sol", "S/", "fiat", 3.6),
    Currency("php", "Philippine Peso", "₱", "fiat", 57.0),
    Currency("pkr", "Pakistani Rupee", "₨", "fiat", 282.0, _MANAGED),
    Currency("pln", "Polish Zloty", "zł", "fiat", 3.8),
    Currency("ron", "Romanian Leu", "lei", "fiat", 4.5),
    Currency("rub", "Russian Ruble", "₽", "fiat", 85.0),
    Currency("sar", "Saudi Riyal", "SR", "fiat", 3.75, _PEGGED),
    Currency("sek", "Swedish Krona", "kr", "fiat", 9.9),
    Currency("sgd", "Singapore Dollar", "S$", "fiat", 1.31, _MANAGED),
    Currency("thb", "Thai Baht", "฿", "fiat", 33.0),
    Currency("try", "Turkish Lira", "₺", "fiat", 39.0),
    Currency("twd", "New Taiwan Dollar", "NT$", "fiat", 31.0),
    Currency("uah", "Ukrainian hryvnia", "₴", "fiat", 41.5),
    Currency("vef", "Venezuelan bolívar fuerte", "Bs.F", "fiat", 0.1, _PEGGED),
    Currency("vnd", "Vietnamese đồng", "₫", "fiat", 25_800.0, _MANAGED),
    Currency("zar", "South African Rand", "R", "fiat", 18.0),
    Currency("xdr", "IMF Special Drawing Rights", "XDR", "fiat", 0.72),
    Currency("xag", "Silver - Troy Ounce", "XAG", "commodity", 0.03, 0.15),
    Currency("xau", "Gold - Troy Ounce", "XAU", "commodity", 3e-4, 0.1),
    Currency("bits", "Bits", "μBTC", "crypto", 1e6, _CRYPTO, "bitcoin"),
    Currency("sats", "Satoshi", "sats", "crypto", 1e8, _CRYPTO, "bitcoin"),
)
"""Every currency, in the order of `/exchange_rates`."""

CODES = frozenset(currency.code for currency in CURRENCIES)


class Rates:
    """The rates of one sandbox.

    Args:
        seed: The market's seed.
        giant_keys: The keys of the giants, in their order: some of them are currencies too.
    """

    def __init__(self, seed: int, giant_keys: Keys) -> None:
        self._giants = figures(giant_keys, np.arange(len(GIANTS)))
        self._giant = {giant.coin_id: place for place, giant in enumerate(GIANTS)}
        self._keys = derived(
            np.array([seed_key(seed, "currencies")], dtype=np.uint64), np.arange(len(CURRENCIES), dtype=np.int64)
        )
        self._places = {currency.code: place for place, currency in enumerate(CURRENCIES)}
        self.at = lru_cache(maxsize=64)(self._at)

    def per_dollar(self, code: str, moments_ms: Days) -> Reals:
        """What a dollar costs in a currency at moments, in milliseconds since 1970-01-01 UTC."""
        place = self._places[code]
        currency = CURRENCIES[place]
        if currency.coin_id:
            return currency.per_dollar / price_at(self._giants.one(self._giant[currency.coin_id]), moments_ms)
        if not currency.swing:
            return np.full(len(moments_ms), currency.per_dollar)
        days = moments_ms // DAY_MS
        fractions = (moments_ms - days * DAY_MS) / DAY_MS
        way = wandering(self._keys[place : place + 1], _RATE, days, fractions, PRICE_OCTAVES)
        return currency.per_dollar * exp2(currency.swing * way)

    def exchange_rates(self, moment_ms: int) -> bytes:
        """The body of `/exchange_rates`: what one bitcoin costs in each currency at a moment."""
        per_dollar = self.at(moment_ms)
        dollars = 1.0 / per_dollar["btc"]
        return encoded(
            {
                "rates": {
                    currency.code: {
                        "name": currency.name,
                        "unit": currency.unit,
                        "value": round(dollars * per_dollar[currency.code], _RATE_DECIMALS),
                        "type": currency.kind,
                    }
                    for currency in CURRENCIES
                }
            }
        )

    def _at(self, moment_ms: int) -> dict[str, float]:
        """What a dollar costs in each currency at one moment."""
        moment = np.array([moment_ms], dtype=np.int64)
        return {code: float(self.per_dollar(code, moment)[0]) for code in self._places}


def supported() -> bytes:
    """The body of `/simple/supported_vs_currencies`."""
    return encoded([currency.code for currency in CURRENCIES])
