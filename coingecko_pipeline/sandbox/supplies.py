"""How many coins there are: in circulation, in all, at most.

A supply grows by the same number of coins each day, so the market cap of any date is its price times the supply of
that date.
"""

from dataclasses import dataclass

import numpy as np

from .market import Figures, supply_on
from .noise import Days, Reals, uniform
from .oddities import SUPPLY_FACTOR, holds
from .traits import Trait

# The purposes of the noise in this file.
_TOTAL, _MAX, _UNBOUND, _UNTOLD = range(90, 94)

_MOST_TO_COME = 0.5
_UNBOUND_SHARE, _UNTOLD_SHARE = 0.25, 0.002
# Of a coin with a price of 1e-12: a total of 1.8e23 and more, as real ones have.
_TINY_TOTAL = 8_000.0


@dataclass(frozen=True)
class Supplies:
    """Numbers of coins of some coins at one moment each; NaN stands for null."""

    circulating: Reals
    total: Reals
    most: Reals


def supplies(of: Figures, days: Days) -> Supplies:
    """The supplies of coins on a day each.

    A quarter of the coins has no bound, a few tell no total. A coin without a market cap has none in circulation.
    """
    circulating = supply_on(of, days)
    if (miscounted := of.traits == Trait.MISCOUNTED).any():
        circulating = np.where(miscounted & holds(Trait.MISCOUNTED, days), SUPPLY_FACTOR * circulating, circulating)
    to_come = np.fmax(uniform(of.keys, _TOTAL) - 0.5, 0.0) * 2.0 * _MOST_TO_COME
    total = circulating * (1.0 + to_come)
    total = np.where(of.traits == Trait.NO_CAP, np.rint(1e9 * (0.01 + to_come)), total)
    total = np.where(of.traits == Trait.TINY, total * _TINY_TOTAL, total)
    total = np.where(uniform(of.keys, _UNTOLD) < _UNTOLD_SHARE, np.nan, total)
    most = np.where(uniform(of.keys, _UNBOUND) < _UNBOUND_SHARE, np.nan, total * (1.0 + uniform(of.keys, _MAX)))
    unknown = of.traits == Trait.UNKNOWN
    return Supplies(*(np.where(unknown, np.nan, values) for values in (circulating, total, most)))


def whole_texts(values: Reals, texts: list[str]) -> list[str]:
    """The texts of supplies, where those beyond 64 bits are integers with all their digits."""
    for index in np.flatnonzero(values >= 2.0**63).tolist():
        texts[index] = str(int(values[index]))
    return texts
