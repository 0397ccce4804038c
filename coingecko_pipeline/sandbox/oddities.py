"""Oddities that are planted on request: which coin does what, when, and what is told of it.

They are for whoever looks for what is odd in a market, so the same coins are odd on every date, and what each does is
a closed form of the date. Two coins rise a hundredfold and stay there, which is not odd: it is what spikes must not be
mistaken for.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .noise import Days, Reals, exp2
from .traits import Trait

PLANTED: Mapping[str, Trait] = MappingProxyType(
    {
        "1move token": Trait.SPIKES,
        "true": Trait.DIPS,
        "wrapped-ether-of-someone": Trait.CLIMBS,
        "wrapped-ether-of-another": Trait.SOARS,
        "ends-in-a-hard-space": Trait.LAGS,
        "rocket-with-an-emoji": Trait.MISCOUNTED,
        "without-a-symbol": Trait.OVERTRADED,
    }
)
"""Planted: what these coins do. All are listed on every date; without the request they are plain."""

SPIKE, DIP = 12.0, 0.1
"""Planted: the factor of the price while it is away: for two dates, for one."""
SUPPLY_FACTOR = 1.6
"""Planted: how much more coins are told to circulate than the market cap was made of."""
VOLUME_FACTOR = 3.0
"""Planted: the volume on an overtraded date, in market caps."""

# For each the days of a round, the day of the first one, and for how many days of a round it holds.
_SPIKES, _DIPS, _MISCOUNTS, _TRADES = (60, 0, 2), (60, 30, 1), (30, 4, 3), (45, 7, 1)
# Standing still ends with the fifth day; on the first one the row is less than a day old at midnight.
_LAGS, _LAG_SINCE_MS = (40, 0, 5), -43_200_000
_DAY_MS = 86_400_000
# A climb: days of a round, its first day (2025-10-01 and 2026-01-09), days of the rise.
_CLIMB, _SOAR = (420, 20_362, 21), (420, 20_462, 10)
_RISE_EXPONENT = 6.7  # a hundredfold and a little
_STAYS_UNTIL = 330


def price_factor(traits: NDArray[np.int64], days: Days, fractions: Reals) -> Reals:
    """By which factor prices are away from where they would be without what is planted.

    Args:
        traits: The coins' traits; one, or one for each moment.
        days: The days of the moments, counted from 1970-01-01.
        fractions: The parts of these days that have passed.
    """
    factor = np.where((traits == Trait.SPIKES) & holds(Trait.SPIKES, days), SPIKE, 1.0)
    factor = np.where((traits == Trait.DIPS) & holds(Trait.DIPS, days), DIP, factor)
    for trait, (round_days, first, rise) in ((Trait.CLIMBS, _CLIMB), (Trait.SOARS, _SOAR)):
        passed = (days - first) % round_days + fractions
        up = np.minimum(passed / rise, 1.0)
        # It comes down over three months, so that it can rise again.
        down = np.maximum((passed - _STAYS_UNTIL) / (round_days - _STAYS_UNTIL), 0.0)
        factor = np.where(traits == trait, exp2(_RISE_EXPONENT * (up - down)), factor)
    return factor


def factor_range(traits: NDArray[np.int64]) -> tuple[Reals, Reals]:
    """The largest and the smallest factor that a coin's price can ever have."""
    rises = (traits == Trait.CLIMBS) | (traits == Trait.SOARS)
    largest = np.where(traits == Trait.SPIKES, SPIKE, np.where(rises, 2.0**7, 1.0))
    return largest, np.where(traits == Trait.DIPS, DIP, 1.0)


def holds(trait: Trait, days: Days) -> NDArray[np.bool_]:
    """On which days a coin with one of the recurring traits does what it does."""
    round_days, first, held = {
        Trait.SPIKES: _SPIKES,
        Trait.DIPS: _DIPS,
        Trait.LAGS: _LAGS,
        Trait.MISCOUNTED: _MISCOUNTS,
        Trait.OVERTRADED: _TRADES,
    }[trait]
    return (days - first) % round_days < held


def lagging_since(moments_ms: Days) -> Days:
    """The moments of which a market page that stands still is, at moments: noon of the day before it stood still."""
    days = moments_ms // _DAY_MS
    round_days, first, _ = _LAGS
    since = (days - (days - first) % round_days) * _DAY_MS + _LAG_SINCE_MS
    return np.where(holds(Trait.LAGS, days), since, moments_ms)
