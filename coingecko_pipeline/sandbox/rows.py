"""The rows of `/coins/markets` as JSON, with the 27 fields of a real one."""

from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from .market import DAY_MS
from .noise import Days, Reals, uniform
from .pages import MarketTable, percent
from .parameters import PageWanted
from .responses import encoded, number_texts
from .rounding import PERCENT_DECIMALS, decimal, price_as_told, sum_as_told
from .supplies import supplies, whole_texts
from .traits import Trait

_KEPT = 50_000
# The same instant with 0 to 3 digits of fraction, all of which CoinGecko gives.
_INSTANT_FORMS = ("Z", ".0Z", ".00Z", ".000Z")
_MILLISECONDS = 3
# Of 3,000 recorded rows 167 tell what a buyer of the first hour has gained.
_GAIN_SHARE = 167 / 3_000
_GAIN_CURRENCIES = ("usd", "eth", "btc")

_FIELDS = (
    "current_price", "market_cap", "market_cap_rank", "market_cap_rank_with_rehypothecated",
    "fully_diluted_valuation", "total_volume", "high_24h", "low_24h", "price_change_24h",
    "price_change_percentage_24h", "market_cap_change_24h", "market_cap_change_percentage_24h",
    "circulating_supply", "total_supply", "max_supply", "ath", "ath_change_percentage", "ath_date", "atl",
    "atl_change_percentage", "atl_date", "roi", "last_updated",
)  # fmt: skip
"""What follows id, symbol, name and image, in this order."""

# The purposes of the noise in this file.
_FORM, _GAINS, _GAIN, _GAIN_CURRENCY = range(35, 39)


def rows(table: MarketTable, places: Days, wanted: PageWanted, rate: float) -> bytes:
    """The JSON of the rows of some places, in the currency of which a dollar costs `rate`."""
    if not len(places):
        return b"[]"
    of, moments = table.of.some(places), table.moments_ms[places]
    columns = _columns(table, places, wanted.precision, rate)
    supply = supplies(of, moments // DAY_MS)
    counts = (supply.circulating, supply.total, supply.most)
    numbers = iter(number_texts(np.concatenate([*columns.values(), *counts])))
    texts = {name: [next(numbers) for _ in range(len(places))] for name in columns}
    for name, values in zip(("circulating_supply", "total_supply", "max_supply"), counts, strict=True):
        texts[name] = whole_texts(values, [next(numbers) for _ in range(len(places))])
    chosen = places.tolist()
    texts["market_cap_rank"] = [str(table.ranks[place] or "null") for place in chosen]
    if wanted.rehypothecated:
        texts["market_cap_rank_with_rehypothecated"] = [str(table.ranks_of_all[place] or "null") for place in chosen]
    life, known = table.life, of.traits != Trait.UNKNOWN
    for name, days in (("ath_date", life.ath_day[places]), ("atl_date", life.atl_day[places])):
        texts[name] = [
            _instant(day * DAY_MS, _MILLISECONDS) if has_price else "null"
            for day, has_price in zip(np.minimum(days, moments // DAY_MS).tolist(), known.tolist(), strict=True)
        ]
    texts["roi"] = _gains(table, places)
    forms = (uniform(of.keys, _FORM) * len(_INSTANT_FORMS)).astype(np.int64).tolist()
    texts["last_updated"] = [_instant(*moment) for moment in zip(moments.tolist(), forms, strict=True)]
    told = [name for name in _FIELDS if name in texts]
    template = "".join(f',"{name}":%s' for name in told) + "}"
    coins = [table.roster.coins[place] for place in chosen]
    lines = [
        _identity(coin.slot, coin.coin_id, *coin.named(table.roster.day)) + template % values
        for coin, values in zip(coins, zip(*(texts[name] for name in told), strict=True), strict=True)
    ]
    return f"[{','.join(lines)}]".encode()


def _columns(table: MarketTable, places: Days, digits: int | None, rate: float) -> dict[str, Reals]:
    """The figures in the currency and with the digits that were asked for."""
    price, market_cap = table.price[places], table.market_cap[places]
    price_before, cap_before = table.price_before[places], table.market_cap_before[places]
    high, low = (values[places] for values in table.day_range)
    # A price that is not known has no extremes either, whatever was sampled.
    unknown = np.where(np.isnan(price), np.nan, 1.0)
    ath, atl = np.fmax(table.life.ath[places], high) * unknown, np.fmin(table.life.atl[places], low) * unknown
    supply = supplies(table.of.some(places), table.moments_ms[places] // DAY_MS)
    prices = {"current_price": price, "high_24h": high, "low_24h": low, "price_change_24h": price - price_before}
    prices |= {"ath": ath, "atl": atl}
    sums = {
        "market_cap": market_cap,
        "fully_diluted_valuation": price * supply.total,
        "total_volume": table.volume[places],
        "market_cap_change_24h": market_cap - cap_before,
    }
    percents = {
        "price_change_percentage_24h": percent(price, price_before),
        "market_cap_change_percentage_24h": percent(market_cap, cap_before),
        "ath_change_percentage": percent(price, ath),
        "atl_change_percentage": percent(price, atl),
    }
    return (
        {name: price_as_told(values * rate, digits) for name, values in prices.items()}
        | {name: sum_as_told(values * rate, digits) for name, values in sums.items()}
        | {name: decimal(values, PERCENT_DECIMALS) for name, values in percents.items()}
    )


def _gains(table: MarketTable, places: Days) -> list[str]:
    keys = table.of.keys[places]
    told = uniform(keys, _GAINS) < _GAIN_SHARE
    gains = ["null"] * len(places)
    for index in np.flatnonzero(told).tolist():
        # From a loss of everything to twenty times the stake; one in fifty is not known.
        drawn, currency = (float(uniform(keys[index : index + 1], purpose)[0]) for purpose in (_GAIN, _GAIN_CURRENCY))
        times = None if drawn < 0.02 else 20.0 * drawn * drawn * drawn - 1.0
        gain = {
            "times": times,
            "currency": _GAIN_CURRENCIES[int(currency * len(_GAIN_CURRENCIES))],
            "percentage": None if times is None else times * 100.0,
        }
        gains[index] = encoded(gain).decode()
    return gains


@lru_cache(maxsize=_KEPT)
def _identity(slot: int, coin_id: str, symbol: str, name: str) -> str:
    # The beginning of a row, up to where its figures begin.
    image = f"https://coin-images.coingecko.com/coins/images/{slot + 1}/large/coin.png"
    return encoded({"id": coin_id, "symbol": symbol, "name": name, "image": image}).decode()[:-1]


@lru_cache(maxsize=_KEPT)
def _instant(moment_ms: int, form: int) -> str:
    return f'"{datetime.fromtimestamp(moment_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}{_INSTANT_FORMS[form]}"'
