"""The market as of one minute: every active coin, its order, its rank, and what all of them make together."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .errors import invalid_parameter
from .extremes import LifeRange, day_range
from .market import DAY_MS, MINUTE_MS, Figures, quotes
from .noise import Days, Reals
from .oddities import lagging_since
from .rounding import price_as_told
from .traits import Trait
from .universe import Roster


class MarketTable:
    """All active coins as of one minute.

    CoinGecko refreshes a coin's row about every minute; here all rows are as of the last whole minute, so at
    00:00:00 UTC exactly they show the values of the charts' midnight points. Coins that trade rarely are as of
    the last midnight, and dead ones as of their first day: `last_updated` tells.

    Attributes:
        roster: The coins.
        of: Their figures.
        life: Their all-time highs and lows by the day.
        minute_ms: The minute, in milliseconds since 1970-01-01 UTC.
        moments_ms: For each place the moment of its figures, in milliseconds since 1970-01-01 UTC.
        price, market_cap, volume: The figures in USD, by place; NaN stands for null.
        price_before, market_cap_before: The same 24 hours earlier; NaN for coins that are younger.
    """

    def __init__(self, roster: Roster, of: Figures, life: LifeRange, now_ms: int) -> None:
        self.roster = roster
        self.of = of
        self.life = life
        self.minute_ms = now_ms - now_ms % MINUTE_MS
        self.moments_ms = np.full(len(roster.coins), self.minute_ms, dtype=np.int64)
        self.moments_ms[of.traits == Trait.RARE] = now_ms - now_ms % DAY_MS
        lagging = of.traits == Trait.LAGS
        self.moments_ms[lagging] = lagging_since(self.moments_ms[lagging])
        dead = of.traits == Trait.DEAD
        self.moments_ms[dead] = roster.born_on[dead] * DAY_MS
        at, before = quotes(of, self.moments_ms), quotes(of, self.moments_ms - DAY_MS)
        # What no longer moves has no change of the last 24 hours, as a coin without a day before.
        young = dead | (self.moments_ms - DAY_MS < roster.born_on * DAY_MS)
        self.price, self.market_cap, self.volume = at.price, at.market_cap, at.volume
        self.price_before = np.where(young, np.nan, before.price)
        self.market_cap_before = np.where(young, np.nan, before.market_cap)
        self.volume_before = before.volume

    @cached_property
    def day_range(self) -> tuple[Reals, Reals]:
        """The highest and the lowest price of the 24 hours before, by place; NaN where there is none before."""
        return day_range(self.of, self.moments_ms, self.price, self.price_before, self.moments_ms // DAY_MS)

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
                    places = self.roster.places_by_id
                case "id_desc":
                    places = self.roster.places_by_id[::-1]
                case "market_cap_desc" | "market_cap_asc" | "volume_desc" | "volume_asc":
                    values = self.market_cap if order.startswith("market_cap") else self.volume
                    places = np.argsort(-values if order.endswith("desc") else values, kind="stable")
                case _:
                    raise invalid_parameter("order")
            self._orders[order, True] = places
            self._orders[order, False] = places[~self.roster.rehypothecated[places]]
        return self._orders[order, rehypothecated]

    def price_entry(
        self, place: int, rates: Mapping[str, float], extras: frozenset[str], precision: int | None
    ) -> dict[str, float]:
        """One coin's entry in `/simple/price`; what is null is left out, as its schema knows no null.

        `rates` tells what a dollar costs in each of the currencies. The price alone has the precision that was asked
        for, as in CoinGecko's own example.
        """
        entry: dict[str, float] = {}
        change = percent(self.price[place : place + 1], self.price_before[place : place + 1])[0]
        for currency, rate in rates.items():
            entry[currency] = price_as_told(self.price[place : place + 1] * rate, precision)[0]
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

    def totals(self, now_ms: int, rates: Mapping[str, float]) -> dict[str, object]:
        """The figures of `/global`. The exchanges and offerings are constants: nothing of them is simulated.

        The sums are those of the regular coins, since the rehypothecated ones would count twice; every listed coin is
        among the active ones. Both are unverified.
        """
        regular = ~self.roster.rehypothecated
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
            "total_market_cap": {currency: market_cap * rate for currency, rate in rates.items()},
            "total_volume": {currency: volume * rate for currency, rate in rates.items()},
            "market_cap_percentage": {
                self.roster.coins[place].symbol: float(self.market_cap[place]) / market_cap * 100.0
                for place in largest
                if self.market_cap[place] > 0
            },
            "market_cap_change_percentage_24h_usd": (float(np.sum(self.market_cap[both])) / cap_before - 1) * 100.0,
            "volume_change_percentage_24h_usd": (volume / volume_before - 1) * 100.0,
            "updated_at": now_ms // 1000,
        }


def percent(values: Reals, before: Reals) -> Reals:
    """By how many percent values differ from those before; NaN where these are 0 or NaN."""
    known = before > 0
    return np.where(known, (values / np.where(known, before, 1.0) - 1.0) * 100.0, np.nan)
