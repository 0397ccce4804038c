"""CoinPaprika's view of the same market: its ids, its own readings of the prices, and what it does not agree on.

It answers `/v1/coins`, `/v1/tickers` and `/v1/contracts` as CoinPaprika's API reference 1.7.10 describes them. What
differs from CoinGecko's view is written down in the constants below, so that a test and a demo can tell whether it is
found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from .errors import ApiError
from .market import DAY_MS, MINUTE_MS, price_at
from .noise import Days, uniform
from .pages import MarketTable, percent
from .platforms import PLATFORMS, platforms_of
from .responses import encoded
from .rounding import decimal
from .supplies import supplies
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

BEFORE_MINUTES: Mapping[str, int] = MappingProxyType(
    {"15m": 15, "30m": 30, "1h": 60, "6h": 360, "12h": 720, "24h": 1_440, "7d": 10_080, "30d": 43_200, "1y": 525_600}
)
"""Over which spans a ticker tells by how many percent its price has changed."""

CAPITALS_EVERY = 3
"""Planted: each so-manieth EVM address is in capital letters, which is the same address."""

_KINDS = MappingProxyType({"eth-ethereum": "ERC20", "bnb-binance-coin": "BEP20", "trx-tron": "TRC20"})
_PERCENT_DECIMALS = 2

_ALWAYS_LISTED = frozenset({"bitcoin", *DISAGREEMENTS, *LISTED_TWICE, *SPELT_OTHERWISE, *SPELT_ALIKE})
_LISTED_SHARE = 0.7
_PRICE_NOISE, _VOLUME_NOISE, _CAP_NOISE = 0.004, 0.1, 0.005
# The purposes of the noise in this file; those of the coin list are 70 to 73.
_LISTED, _PRICE, _VOLUME, _CAP, _BETA = range(80, 85)
_BETA_DECIMALS = 6
_CHAINS = MappingProxyType({platform.paprika_id: platform for platform in PLATFORMS if platform.paprika_id})
_CHANGES = (
    *(f"percent_change_{span}" for span in BEFORE_MINUTES),
    "market_cap_change_24h",
    "volume_24h_change_24h",
    "percent_from_price_ath",
)


@dataclass(frozen=True)
class _Entry:
    """One coin as CoinPaprika lists it: its id, and its place in CoinGecko's roster; None for one that is not there."""

    paprika_id: str
    symbol: str
    name: str
    place: int | None


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
        entries = self._ranked()[:MOST_TICKERS]
        told = self._tickers_of(np.array([entry.place or 0 for entry in entries], dtype=np.int64))
        return encoded(
            [
                self._ticker(entry, rank, told[rank - 1] if entry.place is not None else {})
                for rank, entry in enumerate(entries, start=1)
            ]
        )

    def platforms(self) -> bytes:
        """The body of `/v1/contracts`: the chains that CoinPaprika knows contracts of."""
        return encoded(sorted(_CHAINS))

    def contracts(self, paprika_id: str) -> bytes:
        """The body of `/v1/contracts/{platform}`: every contract on a chain, those of inactive coins included.

        Raises:
            ApiError: 404 where CoinPaprika does not know the chain.
        """
        if paprika_id not in _CHAINS:
            raise ApiError(404, {"error": "id not found"})
        chain = _CHAINS[paprika_id]
        entries = [entry for entry in self._entries if entry.place is not None]
        platforms = platforms_of([self._roster.coins[entry.place or 0] for entry in entries])
        found = [
            (address, entry.paprika_id, True)
            for entry, of_coin in zip(entries, platforms, strict=True)
            if (address := of_coin.get(chain.platform_id))
        ]
        gone = [(f"0x{number:040x}", entry[0], False) for number, entry in enumerate(INACTIVE, start=1)]
        capitals = chain.form == "evm"
        return encoded(
            [
                {
                    "address": f"0x{address[2:].upper()}" if capitals and number % CAPITALS_EVERY == 0 else address,
                    "id": entry_id,
                    "type": _KINDS.get(paprika_id, "other"),
                    "active": active,
                }
                for number, (address, entry_id, active) in enumerate(found + (gone if capitals else []), start=1)
            ]
        )

    def _tickers_of(self, places: Days) -> list[dict[str, Any]]:
        """What a ticker tells beyond the three figures, for each of some places."""
        table = self._table
        of, moments = table.of.some(places), table.moments_ms[places]
        price, before = table.price[places], {}
        for span, minutes in BEFORE_MINUTES.items():
            then = moments - minutes * MINUTE_MS
            known = then >= self._roster.born_on[places] * DAY_MS
            before[f"percent_change_{span}"] = percent(price, np.where(known, price_at(of, then), np.nan))
        before["market_cap_change_24h"] = percent(table.market_cap[places], table.market_cap_before[places])
        before["volume_24h_change_24h"] = percent(table.volume[places], table.volume_before[places])
        ath = np.fmax(table.life.ath[places], price)
        before["percent_from_price_ath"] = percent(price, ath)
        changes = {name: decimal(values, _PERCENT_DECIMALS).tolist() for name, values in before.items()}
        supply = supplies(of, moments // DAY_MS)
        counts = [np.nan_to_num(values).tolist() for values in (supply.total, supply.most)]
        beta = decimal(2.0 * uniform(of.keys, _BETA), _BETA_DECIMALS).tolist()
        dates = (np.minimum(table.life.ath_day[places], moments // DAY_MS) * DAY_MS).tolist()
        return [
            {
                "total_supply": int(counts[0][row]),
                "max_supply": int(counts[1][row]),
                "beta_value": beta[row],
                "first_data_at": _instant(int(self._roster.born_on[place]) * DAY_MS),
                "ath_price": _number(ath[row]),
                "ath_date": _instant(dates[row]),
                "changes": {name: _number(values[row]) for name, values in changes.items()},
            }
            for row, place in enumerate(places.tolist())
        ]

    def _ranked(self) -> list[_Entry]:
        def size(entry: _Entry) -> float:
            market_cap = 0.0 if entry.place is None else self._market_cap[entry.place]
            return 0.0 if np.isnan(market_cap) else float(market_cap)

        return sorted(self._entries, key=size, reverse=True)

    def _ticker(self, entry: _Entry, rank: int, more: Mapping[str, Any]) -> dict[str, Any]:
        place = entry.place
        figures = (
            (1.0, 0.0, 0.0) if place is None else (self._price[place], self._volume[place], self._market_cap[place])
        )
        moment = int(self._table.moments_ms[place or 0])
        return {
            "id": entry.paprika_id,
            "name": entry.name,
            "symbol": entry.symbol,
            "rank": rank,
            "total_supply": more.get("total_supply", 0),
            "max_supply": more.get("max_supply", 0),
            "beta_value": more.get("beta_value", 0),
            "first_data_at": more.get("first_data_at", "2013-04-28T00:00:00Z"),
            "last_updated": _instant(moment),
            "quotes": {
                "USD": {
                    **dict(zip(("price", "volume_24h", "market_cap"), map(_number, figures), strict=True)),
                    **more.get("changes", dict.fromkeys(_CHANGES, 0)),
                    "ath_price": more.get("ath_price"),
                    "ath_date": more.get("ath_date"),
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


def _instant(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _number(value: float) -> float | str:
    # "Missing values are returned as empty string."
    return "" if np.isnan(value) else float(value)
