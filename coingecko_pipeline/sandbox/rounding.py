"""How many digits CoinGecko tells of a price.

Where no precision is asked for, a price has five to seven digits, which is what 3,000 recorded rows of 2025-02-14
show: none behind the point from 50,000 on, two below, eight of small ones. A chart has all of them.
"""

import numpy as np
from numpy.typing import NDArray

from .noise import Reals

FULL = 1_000
"""The precision of a value as it is: more decimals than any double has."""

PERCENT_DECIMALS = 5
"""Decimals of the percentages, whatever the precision."""

# From which price on how many decimals are told.
_FROM = np.array([1e-12, 1e-9, 1e-6, 0.05, 1.0, 1.1, 50_000.0])
_DECIMALS = np.array([18, 15, 12, 8, 6, 3, 2, 0])
# Sums of money are told in whole units where they have that many.
_WHOLE_FROM = 100.0


def price_as_told(values: Reals, precision: int | None) -> Reals:
    """Prices as they are told.

    Args:
        values: The prices; NaN stays.
        precision: Decimals that were asked for, or None for as many as fit each price.
    """
    if precision == FULL:
        return values
    decimals = _DECIMALS[np.searchsorted(_FROM, np.abs(values), side="right")] if precision is None else precision
    return decimal(values, decimals)


def sum_as_told(values: Reals, precision: int | None) -> Reals:
    """Market caps and volumes as they are told: in whole units, unless the value as it is was asked for.

    That `precision=full` reaches them is unverified; CoinGecko's documentation speaks of prices alone.
    """
    return values if precision == FULL else np.where(np.abs(values) >= _WHOLE_FROM, np.rint(values), values)


def decimal(values: Reals, decimals: int | NDArray[np.int64]) -> Reals:
    """Numbers rounded to decimals, as the doubles that print so; NaN, and what has no more decimals, stays."""
    scale = 10.0 ** np.asarray(decimals, dtype=np.float64)
    scaled = values * scale
    return np.where(np.abs(scaled) < 2.0**53, np.rint(scaled) / scale, values)
