"""What every coin is worth at every moment: a closed form of (coin, moment).

The figures are synthetic. A price wanders around the coin's base, the market cap is the price times a supply
that grows slowly, and the volume wanders by itself. The value at 00:00:00 UTC of a date is one number, whichever
endpoint is asked for it, with whatever range, at whatever time.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .names import GIANTS, ODD, REHYPOTHECATED
from .noise import Days, Keys, Reals, exp2, uniform, wandering
from .oddities import PLANTED, VOLUME_FACTOR, holds, price_factor
from .traits import Trait
from .universe import REHYPOTHECATED_FROM

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000


# Of the generated coins, the share that has each trait; the rest is plain.
_SHARES = {
    Trait.GAPS: 0.10,
    Trait.DEAD: 0.01,
    Trait.NO_CAP: 0.15,
    Trait.TINY: 0.003,
    Trait.UNKNOWN: 0.005,
    Trait.NO_VOLUME: 0.005,
    Trait.PATCHY_CAP: 0.01,
    Trait.RARE: 0.05,
}
_MISSING_DAYS, _MISSING_CAPS = 0.02, 0.1
_TINY_PRICE_USD = 1e-12
# Beyond 64 bits, as that of some real coins.
_TINY_SUPPLY = 2.3e19
_MOST_TURNOVER = 0.9
_MOST_GROWTH, _GIANT_GROWTH = 0.05, 0.01
_SUPPLY_DAY = 20_454  # 2026-01-01, counted from 1970-01-01

# For each octave the binary logarithm of its period in days (of the wiggle: in hours), and its amplitude.
PRICE_OCTAVES = ((9, 1.0), (7, 0.8), (5, 0.5), (3, 0.25), (0, 0.1))
_SLOW = 3
_VOLUME_OCTAVES = ((5, 0.8), (0, 0.9))
_WIGGLE_OCTAVES = ((1, 0.03), (0, 0.02))

# The purposes of the noise in this file; each wandering takes as many as it has octaves.
_TRAIT, _BASE_A, _BASE_B, _BASE_C, _CAP, _TURNOVER, _SWING, _GAP, _CAP_GAP, _GROWTH = range(20, 30)
_PRICE, _VOLUME, _WIGGLE = 40, 50, 60


@dataclass(frozen=True)
class Figures:
    """What does not change about some coins, one element each: they are evaluated together.

    Attributes:
        keys: The coins' keys.
        traits: Their traits.
        price_usd: Their base prices.
        swing: How far their prices swing; 1 is a factor of about 2.
        supply: Their supplies on 2026-01-01; 0 where the market cap is 0.
        growth: By which part of that they grow in a year.
        volume_usd: Their base volumes in 24 hours.
    """

    keys: Keys
    traits: NDArray[np.int64]
    price_usd: Reals
    swing: Reals
    supply: Reals
    growth: Reals
    volume_usd: Reals

    def one(self, index: int) -> "Figures":
        """The figures of a single one of the coins."""
        return self.some(np.array([index]))

    def some(self, indices: Days) -> "Figures":
        """The figures of some of the coins."""
        return Figures(*(getattr(self, each.name)[indices] for each in fields(self)))


@dataclass(frozen=True)
class Quotes:
    """Prices, market caps and 24-hour volumes in USD; NaN stands for null."""

    price: Reals
    market_cap: Reals
    volume: Reals


def figures(keys: Keys, slots: Days, oddities: bool = False) -> Figures:
    """The figures of coins, given by their keys and their slots, with what `oddities` plants where asked for."""
    drawn = uniform(keys, _TRAIT)
    traits = np.zeros(len(keys), dtype=np.int64)
    passed = 0.0
    for trait, share in _SHARES.items():
        traits[(drawn >= passed) & (drawn < passed + share)] = trait
        passed += share
    middle = uniform(keys, _BASE_A) + uniform(keys, _BASE_B) + uniform(keys, _BASE_C) - 1.5
    price = exp2(-10.0 + 20.0 * middle)
    size = uniform(keys, _CAP)
    market_cap = exp2(14.0 + 16.0 * size * size)
    swing = 0.7 + 1.1 * uniform(keys, _SWING)
    supply = market_cap / price
    growing = uniform(keys, _GROWTH)
    growth = _MOST_GROWTH * growing * growing
    volume = market_cap * exp2(-8.0 + 6.0 * uniform(keys, _TURNOVER))
    for index in np.flatnonzero(slots < len(GIANTS) + len(ODD)).tolist():
        slot = int(slots[index])
        if slot < len(GIANTS):
            giant = GIANTS[slot]
            traits[index], price[index], supply[index] = Trait.PLAIN, giant.price_usd, giant.supply
            swing[index], volume[index] = giant.swing, giant.price_usd * giant.supply * 0.03
            growth[index] = _GIANT_GROWTH
        else:
            odd = ODD[slot - len(GIANTS)]
            traits[index] = PLANTED.get(odd.coin_id, Trait[odd.trait]) if oddities else Trait[odd.trait]
    beyond = slots - REHYPOTHECATED_FROM
    for index in np.flatnonzero((beyond >= 0) & (beyond < len(REHYPOTHECATED))).tolist():
        stands = REHYPOTHECATED[int(beyond[index])]
        giant = next(giant for giant in GIANTS if giant.coin_id == stands.stands_for)
        traits[index], price[index], supply[index] = Trait.PLAIN, giant.price_usd * stands.ratio, stands.supply
        swing[index], volume[index] = giant.swing, price[index] * stands.supply * 0.03
        growth[index] = _GIANT_GROWTH
    tiny = traits == Trait.TINY
    price[tiny], swing[tiny], supply[tiny] = _TINY_PRICE_USD, 0.1, _TINY_SUPPLY
    supply[traits == Trait.NO_CAP] = 0.0
    return Figures(keys, traits, price, swing, supply, growth, volume)


def quotes(of: Figures, moments_ms: Days) -> Quotes:
    """What coins are worth at moments: one coin at many moments, or many coins at one moment or one each.

    Args:
        of: The coins.
        moments_ms: Milliseconds since 1970-01-01 UTC.
    """
    days, fractions = _split(moments_ms)
    price = price_at(of, moments_ms)
    market_cap = price * supply_on(of, days)
    volume = of.volume_usd * exp2(wandering(of.keys, _VOLUME, days, fractions, _VOLUME_OCTAVES))
    # The price moves far and the volume does not follow it; below the market cap it stays.
    volume = np.where(market_cap > 0, np.minimum(volume, _MOST_TURNOVER * market_cap), volume)
    patchy = (of.traits == Trait.PATCHY_CAP) & (uniform(of.keys, _CAP_GAP, days) < _MISSING_CAPS)
    market_cap = np.where(patchy, np.nan, market_cap)
    volume = np.where(of.traits == Trait.NO_VOLUME, np.nan, volume)
    if (overtraded := of.traits == Trait.OVERTRADED).any():
        volume = np.where(overtraded & holds(Trait.OVERTRADED, days), VOLUME_FACTOR * market_cap, volume)
    if (unknown := of.traits == Trait.UNKNOWN).any():
        price, market_cap, volume = (np.where(unknown, np.nan, values) for values in (price, market_cap, volume))
    return Quotes(price, market_cap, volume)


def price_at(of: Figures, moments_ms: Days) -> Reals:
    """The prices alone, also of coins of which nothing is known; the arguments are those of `quotes`."""
    days, fractions = _split(moments_ms)
    wander = wandering(of.keys, _PRICE, days, fractions, PRICE_OCTAVES)
    if fractions.any():
        hours = moments_ms // HOUR_MS
        passed = (moments_ms - hours * HOUR_MS) / HOUR_MS
        wiggle = wandering(of.keys, _WIGGLE, hours, passed, _WIGGLE_OCTAVES)
        # 0 at both midnights, so the day's points are the same with it and without.
        wander = wander + wiggle * (4.0 * fractions * (1.0 - fractions))
    price = of.price_usd * exp2(of.swing * wander)
    if (of.traits >= Trait.SPIKES).any():
        price = price * price_factor(of.traits, days, fractions)
    return price


def supply_on(of: Figures, days: Days) -> Reals:
    """The coins in circulation on days: they grow by the same number each day."""
    return of.supply * (1.0 + of.growth * ((days - _SUPPLY_DAY) / 365.0))


def slow_wandering(keys: Keys, days: Days) -> Reals:
    """The part of a price's way that takes a month and more, at the midnights of days."""
    return wandering(keys, _PRICE, days, np.zeros(len(days)), PRICE_OCTAVES[:_SLOW])


def _split(moments_ms: Days) -> tuple[Days, Reals]:
    days = moments_ms // DAY_MS
    return days, (moments_ms - days * DAY_MS) / DAY_MS


def has_history(of: Figures) -> bool:
    """Whether a single coin has charts at all."""
    return int(of.traits[0]) not in (Trait.DEAD, Trait.UNKNOWN)


def recorded_days(of: Figures, days: Days) -> NDArray[np.bool_]:
    """For each day whether a single coin's chart has a point at its midnight."""
    if of.traits[0] != Trait.GAPS:
        return np.ones(len(days), dtype=np.bool_)
    return uniform(of.keys, _GAP, days) >= _MISSING_DAYS
