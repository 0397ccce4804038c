"""CoinPaprika's view of the same market: its ids, its own readings of the prices, and what it does not agree on.

It answers `/v1/coins` and `/v1/tickers` as CoinPaprika's API reference 1.7.10 describes them. What differs from
CoinGecko's view is written down in the constants below, so that a test and a demo can tell whether it is found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from .market import DAY_MS
from .noise import uniform
from .pages import MarketTable
from .responses import encoded
from .universe import Coin, Roster

PREFIX = "/v1"

DISAGREEMENTS: Mapping[str, float] = MappingProxyType(
    {"ethereum": 0.031, "solana": -0.045, "chainlink": 0.06, "monero": -0.024, "dai": 0.05}
)
"""Planted: how far CoinPaprika's price of these coins lies from CoinGecko's, a fraction. All are among the hundred
largest on every date; every other price differs by less than 1 %."""
LISTED_TWICE: Mapping[str, str] = MappingProxyType({"tron": "trx-tron-bridged", "stellar": "xlm-stellar-bridged"})
"""Planted: a second id with the same symbol, name and price, so that nobody can tell which is the pair."""
SPELT_OTHERWISE: Mapping[str, str] = MappingProxyType({"binancecoin": "Binance Coin", "usd-coin": "USD Coin"})
"""Planted: another name with the same symbol and price, which is no pair."""
SPELT_ALIKE: Mapping[str, str] = MappingProxyType({"bitcoin-cash": "BITCOIN-CASH", "shiba-inu": "Shiba  Inu"})
"""Planted: the same name in another case or with other punctuation, which is a pair."""
NOT_LISTED = frozenset({"leo-token"})
"""Planted: large coins that CoinPaprika does not list; of the others it lacks three in ten."""
ONLY_HERE = 5
"""Coins that CoinPaprika lists and CoinGecko does not."""
INACTIVE = (("btc-bitcoin-old", "BTC", "Bitcoin"), ("gone-gone-coin", "GONE", "Gone Coin"))
"""Entries of its list that are not active: id, symbol and name."""

MOST_TICKERS = 2_000
"""Coins that `/tickers` brings on the free plan, the largest ones."""

_ALWAYS_LISTED = frozenset({"bitcoin", *DISAGREEMENTS, *LISTED_TWICE, *SPELT_OTHERWISE, *SPELT_ALIKE})
_LISTED_SHARE = 0.7
_PRICE_NOISE, _VOLUME_NOISE, _CAP_NOISE = 0.004, 0.1, 0.005
# The purposes of the noise in this file; those of the coin list are 70 to 73.
_LISTED, _PRICE, _VOLUME, _CAP = range(80, 84)


@dataclass(frozen=True)
class _Entry:
    """One coin as CoinPaprika lists it: its id, and its slot; None for a coin that CoinGecko does not list."""

    paprika_id: str
    symbol: str
    name: str
    slot: int | None


class PaprikaMarket:
    """CoinPaprika's view of one minute of the market.

    Args:
        roster: The coins that CoinGecko lists.
        table: Their market as CoinGecko sees it.
        now_ms: The moment, in milliseconds since 1970-01-01 UTC.
    """

    def __init__(self, roster: Roster, table: MarketTable, now_ms: int) -> None:
        self._roster = roster
        self._table = table
        day = now_ms // DAY_MS
        self._entries = _entries(roster, day)
        keys = roster.keys
        price, volume, market_cap = (
            1.0 + (2.0 * uniform(keys, purpose, day) - 1.0) * reach
            for purpose, reach in ((_PRICE, _PRICE_NOISE), (_VOLUME, _VOLUME_NOISE), (_CAP, _CAP_NOISE))
        )
        for coin_id, difference in DISAGREEMENTS.items():
            if (slot := roster.by_id.get(coin_id)) is not None:
                price[slot] = 1.0 + difference
        self._price, self._volume = table.price * price, table.volume * volume
        self._market_cap = table.market_cap * market_cap

    def coins(self) -> bytes:
        """The body of `/v1/coins`: every coin, the inactive ones included."""
        ranks = {entry.paprika_id: rank for rank, entry in enumerate(self._ranked(), start=1)}
        listed = [
            _listed(entry.paprika_id, entry.symbol, entry.name, ranks.get(entry.paprika_id, 0), is_active=True)
            for entry in self._entries
        ]
        gone = [_listed(paprika_id, symbol, name, 0, is_active=False) for paprika_id, symbol, name in INACTIVE]
        return encoded(listed + gone)

    def tickers(self) -> bytes:
        """The body of `/v1/tickers`: the largest coins in US dollars, the largest first."""
        return encoded([self._ticker(entry, rank) for rank, entry in enumerate(self._ranked()[:MOST_TICKERS], start=1)])

    def _ranked(self) -> list[_Entry]:
        def size(entry: _Entry) -> float:
            market_cap = 0.0 if entry.slot is None else self._market_cap[entry.slot]
            return 0.0 if np.isnan(market_cap) else float(market_cap)

        return sorted(self._entries, key=size, reverse=True)

    def _ticker(self, entry: _Entry, rank: int) -> dict[str, Any]:
        slot = entry.slot
        figures = (1.0, 0.0, 0.0) if slot is None else (self._price[slot], self._volume[slot], self._market_cap[slot])
        moment = int(self._table.moments_ms[slot or 0])
        return {
            "id": entry.paprika_id,
            "name": entry.name,
            "symbol": entry.symbol,
            "rank": rank,
            "total_supply": 0,
            "max_supply": 0,
            "beta_value": 0,
            "first_data_at": "2013-04-28T00:00:00Z",
            "last_updated": f"{datetime.fromtimestamp(moment // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "quotes": {
                "USD": {
                    **dict(zip(("price", "volume_24h", "market_cap"), map(_number, figures), strict=True)),
                    "ath_price": None,
                    "ath_date": None,
                }
            },
        }


def _entries(roster: Roster, day: int) -> list[_Entry]:
    chosen = (uniform(roster.keys, _LISTED) < _LISTED_SHARE).tolist()
    entries: list[_Entry] = []
    for slot, coin in enumerate(roster.coins):
        if coin.coin_id in NOT_LISTED or not (chosen[slot] or coin.coin_id in _ALWAYS_LISTED):
            continue
        symbol, name = coin.named(day)
        name = SPELT_OTHERWISE.get(coin.coin_id) or SPELT_ALIKE.get(coin.coin_id) or name
        entries.append(_Entry(_paprika_id(coin), symbol.upper(), name, slot))
        if coin.coin_id in LISTED_TWICE:
            entries.append(_Entry(LISTED_TWICE[coin.coin_id], symbol.upper(), name, slot))
    only = [_Entry(f"only{n}-only-here-{n}", f"ONLY{n}", f"Only Here {n}", None) for n in range(1, ONLY_HERE + 1)]
    return entries + only


def _paprika_id(coin: Coin) -> str:
    """CoinPaprika's form of an id, symbol and name in small letters; a generated coin's has its slot, to be unique."""
    text = re.sub(r"[^a-z0-9]+", "-", f"{coin.symbol} {coin.name}".casefold()).strip("-")
    written_down = coin.generation == 0 and coin.coin_id in _ALWAYS_LISTED
    return text if written_down else f"{text or 'coin'}-{coin.slot}-{coin.generation}"


def _listed(paprika_id: str, symbol: str, name: str, rank: int, *, is_active: bool) -> dict[str, Any]:
    return {
        "id": paprika_id,
        "name": name,
        "symbol": symbol,
        "rank": rank,
        "is_new": False,
        "is_active": is_active,
        "type": "coin",
    }


def _number(value: float) -> float | str:
    # "Missing values are returned as empty string."
    return "" if np.isnan(value) else float(value)
