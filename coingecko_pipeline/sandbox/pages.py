"""The market page: every active coin as of one minute, its order, and the rows' JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache

import numpy as np

from .errors import invalid_parameter
from .market import DAY_MS, MINUTE_MS, PER_DOLLAR, Figures, Trait, quotes
from .noise import Days, Reals, exp2, uniform
from .parameters import PageWanted
from .responses import encoded, number_texts
from .universe import Roster

_HIGH, _LOW, _ATH_DAY, _FORM = range(31, 35)
_KEPT = 50_000
# The same instant with 0 to 3 digits of fraction, all of which CoinGecko gives.
_INSTANT_FORMS = ("Z", ".0Z", ".00Z", ".000Z")


class MarketTable:
    """All active coins as of one minute.

    CoinGecko refreshes a coin's row about every minute; here all rows are as of the last whole minute, so at
    00:00:00 UTC exactly they show the values of the charts' midnight points. Coins that trade rarely are as of
    the last midnight, and dead ones as of their first day: `last_updated` tells.

    Attributes:
        moments_ms: For each place the moment of its figures, in milliseconds since 1970-01-01 UTC.
        price, market_cap, volume: The figures in USD, by place; NaN stands for null.
        price_before, market_cap_before: The same 24 hours earlier; NaN for coins that are younger.
    """

    def __init__(self, roster: Roster, of: Figures, now_ms: int) -> None:
        self._roster = roster
        self._of = of
        self.moments_ms = np.full(len(roster.coins), now_ms - now_ms % MINUTE_MS, dtype=np.int64)
        self.moments_ms[of.traits == Trait.RARE] = now_ms - now_ms % DAY_MS
        dead = of.traits == Trait.DEAD
        self.moments_ms[dead] = roster.born_on[dead] * DAY_MS
        at, before = quotes(of, self.moments_ms), quotes(of, self.moments_ms - DAY_MS)
        young = self.moments_ms - DAY_MS < roster.born_on * DAY_MS
        self.price, self.market_cap, self.volume = at.price, at.market_cap, at.volume
        self.price_before = np.where(young, np.nan, before.price)
        self.market_cap_before = np.where(young, np.nan, before.market_cap)
        self.volume_before = before.volume

    @cached_property
    def ranks(self) -> list[int | None]:
        """The rank of each place among the regular coins, from 1; None where the market cap is 0 or null."""
        return self._ranks(rehypothecated=False)

    @cached_property
    def ranks_of_all(self) -> list[int | None]:
        """The rank of each place among all coins, the rehypothecated ones included."""
        return self._ranks(rehypothecated=True)

    def _ranks(self, *, rehypothecated: bool) -> list[int | None]:
        ranks: list[int | None] = [None] * len(self.price)
        for rank, place in enumerate(self.ordered("market_cap_desc", rehypothecated).tolist(), start=1):
            if not self.market_cap[place] > 0:
                break
            ranks[place] = rank
        return ranks

    @cached_property
    def _orders(self) -> dict[tuple[str, bool], Days]:
        return {}

    def ordered(self, order: str, rehypothecated: bool) -> Days:
        """The places of all coins in one of CoinGecko's orders; nulls come last.

        Args:
            order: The order.
            rehypothecated: Whether coins that stand for others are among them.

        Raises:
            ApiError: 422 for an order that does not exist.
        """
        if (order, rehypothecated) not in self._orders:
            match order:
                case "id_asc":
                    places = self._roster.places_by_id
                case "id_desc":
                    places = self._roster.places_by_id[::-1]
                case "market_cap_desc" | "market_cap_asc" | "volume_desc" | "volume_asc":
                    values = self.market_cap if order.startswith("market_cap") else self.volume
                    places = np.argsort(-values if order.endswith("desc") else values, kind="stable")
                case _:
                    raise invalid_parameter("order")
            self._orders[order, True] = places
            self._orders[order, False] = places[~self._roster.rehypothecated[places]]
        return self._orders[order, rehypothecated]

    def rows(self, places: Days, wanted: PageWanted) -> bytes:
        """The JSON of the rows of some places."""
        if not len(places):
            return b"[]"
        price, market_cap = self.price[places] * wanted.rate, self.market_cap[places] * wanted.rate
        price_before, cap_before = self.price_before[places] * wanted.rate, self.market_cap_before[places] * wanted.rate
        keys, supply = self._of.keys[places], self._of.supply[places]
        highest, lowest = np.fmax(price, price_before), np.fmin(price, price_before)
        # Beyond the sum of all octaves of the price, so that neither is ever passed.
        reach = self._of.swing[places] * 3.0
        base = self._of.price_usd[places] * wanted.rate * np.where(np.isnan(price), np.nan, 1.0)
        ath, atl = base * exp2(reach), base * exp2(-reach)
        reals = {
            "current_price": price,
            "market_cap": market_cap,
            "fully_diluted_valuation": np.where(supply > 0, market_cap * 1.25, np.nan),
            "total_volume": self.volume[places] * wanted.rate,
            "high_24h": highest * (1.0 + 0.03 * uniform(keys, _HIGH)),
            "low_24h": lowest * (1.0 - 0.03 * uniform(keys, _LOW)),
            "price_change_24h": price - price_before,
            "price_change_percentage_24h": _percent(price, price_before),
            "market_cap_change_24h": market_cap - cap_before,
            "market_cap_change_percentage_24h": _percent(market_cap, cap_before),
            "circulating_supply": supply,
            "total_supply": supply * 1.25,
            "max_supply": np.where(supply > 0, supply * 1.5, np.nan),
            "ath": ath,
            "ath_change_percentage": _percent(price, ath),
            "atl": atl,
            "atl_change_percentage": _percent(price, atl),
        }
        template = "".join(f',"{name}":%s' for name in reals)
        texts = number_texts(np.concatenate(list(reals.values())))
        columns = [texts[start : start + len(places)] for start in range(0, len(texts), len(places))]
        chosen = places.tolist()
        forms = (uniform(keys, _FORM) * len(_INSTANT_FORMS)).astype(np.int64).tolist()
        all_ranks = wanted.rehypothecated
        dates = (uniform(keys, _ATH_DAY) * 365).astype(np.int64).tolist()
        rows = []
        for place, date, moment, form, *numbers in zip(
            chosen, dates, self.moments_ms[places].tolist(), forms, *columns, strict=True
        ):
            coin = self._roster.coins[place]
            symbol, name = coin.named(self._roster.day)
            rows.append(
                _identity(coin.slot, coin.coin_id, symbol, name)
                + template % tuple(numbers)
                + f',"market_cap_rank":{self.ranks[place] or "null"}'
                + (f',"market_cap_rank_with_rehypothecated":{self.ranks_of_all[place] or "null"}' if all_ranks else "")
                + f',"ath_date":"{_instant((coin.born_on + date) * DAY_MS, 3)}"'
                + f',"atl_date":"{_instant(coin.born_on * DAY_MS, 3)}","roi":null'
                + f',"last_updated":"{_instant(moment, form)}"}}'
            )
        return f"[{','.join(rows)}]".encode()

    def price_entry(self, place: int, currencies: Sequence[str], extras: frozenset[str]) -> dict[str, float]:
        """One coin's entry in `/simple/price`; what is null is left out, as its schema knows no null."""
        entry: dict[str, float] = {}
        change = _percent(self.price[place : place + 1], self.price_before[place : place + 1])[0]
        for currency in currencies:
            rate = PER_DOLLAR.get(currency)
            if rate is None:
                continue
            entry[currency] = self.price[place] * rate
            if "include_market_cap" in extras:
                entry[f"{currency}_market_cap"] = self.market_cap[place] * rate
            if "include_24hr_vol" in extras:
                entry[f"{currency}_24h_vol"] = self.volume[place] * rate
            if "include_24hr_change" in extras:
                entry[f"{currency}_24h_change"] = change
        known = {name: float(value) for name, value in entry.items() if not np.isnan(value)}
        if known and "include_last_updated_at" in extras:
            known["last_updated_at"] = int(self.moments_ms[place]) // 1000
        return known

    def totals(self, now_ms: int) -> dict[str, object]:
        """The figures of `/global`. The exchanges and offerings are constants: nothing of them is simulated.

        The sums are those of the regular coins, since the rehypothecated ones would count twice; every listed coin is
        among the active ones. Both are unverified.
        """
        regular = ~self._roster.rehypothecated
        market_cap, volume = float(np.nansum(self.market_cap[regular])), float(np.nansum(self.volume[regular]))
        # A null of either day would look like a change.
        both = regular & ~np.isnan(self.market_cap_before) & ~np.isnan(self.market_cap)
        cap_before = float(np.sum(self.market_cap_before[both])) or 1.0
        volume_before = float(np.nansum(self.volume_before[regular])) or 1.0
        largest = self.ordered("market_cap_desc", False)[:10].tolist()
        return {
            "active_cryptocurrencies": len(self.price),
            "upcoming_icos": 0,
            "ongoing_icos": 49,
            "ended_icos": 3376,
            "markets": 1476,
            "total_market_cap": {currency: market_cap * rate for currency, rate in PER_DOLLAR.items()},
            "total_volume": {currency: volume * rate for currency, rate in PER_DOLLAR.items()},
            "market_cap_percentage": {
                self._roster.coins[place].symbol: float(self.market_cap[place]) / market_cap * 100.0
                for place in largest
                if self.market_cap[place] > 0
            },
            "market_cap_change_percentage_24h_usd": (float(np.sum(self.market_cap[both])) / cap_before - 1) * 100.0,
            "volume_change_percentage_24h_usd": (volume / volume_before - 1) * 100.0,
            "updated_at": now_ms // 1000,
        }


def _percent(values: Reals, before: Reals) -> Reals:
    known = before > 0
    return np.where(known, (values / np.where(known, before, 1.0) - 1.0) * 100.0, np.nan)


@lru_cache(maxsize=_KEPT)
def _identity(slot: int, coin_id: str, symbol: str, name: str) -> str:
    # The beginning of a row, up to where its figures begin.
    image = f"https://coin-images.coingecko.com/coins/images/{slot + 1}/large/coin.png"
    return encoded({"id": coin_id, "symbol": symbol, "name": name, "image": image}).decode()[:-1]


@lru_cache(maxsize=_KEPT)
def _instant(moment_ms: int, form: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}{_INSTANT_FORMS[form]}"
