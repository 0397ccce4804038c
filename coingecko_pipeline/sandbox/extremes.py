"""The highest and the lowest price: of 24 hours, and of a coin's whole life.

Both fit the coin's own charts. Those of 24 hours are taken from the price at each whole hour, where its way turns,
and a little beyond; 3.5 % of them lie inside of the price at the beginning or the end, by 0.1 % in the median, as
those of 3,000 recorded rows do. Those of a life are a bound that no point passes, at the date where the slow part of
the way is farthest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .market import HOUR_MS, Figures, price_at, slow_wandering
from .noise import Days, Keys, Reals, exp2, uniform
from .oddities import factor_range

# The purposes of the noise in this file.
_BEYOND_HIGH, _BEYOND_LOW, _OUTSIDE, _HOW_FAR = range(31, 35)

OUTSIDE_SHARE = 0.035
"""The share of candles that do not hold the price at their beginning and end."""

_HOURS = 24
_OUTSIDE_MEDIAN = 0.001
# How far beyond the whole hours an extreme lies, for a swing of 1: as far as this, to twice as far.
_BEYOND = 0.008
# What the faster octaves and the wiggle add to the slow part of a price's way at most.
_FAST = 0.5
_LIFE_STEP = 32


def candle_lies_outside(keys: Keys, days: Days) -> NDArray[np.bool_]:
    """For each coin and day whether the high or low that is told on it lies inside of the price at a midnight."""
    return uniform(keys, _OUTSIDE, days) < OUTSIDE_SHARE


def day_range(of: Figures, moments_ms: Days, price: Reals, price_before: Reals, days: Days) -> tuple[Reals, Reals]:
    """The highest and the lowest price of the 24 hours before moments; NaN where a price is.

    Args:
        of: The coins.
        moments_ms: One moment for each of them.
        price: Their prices then.
        price_before: Their prices 24 hours before.
        days: The days of the moments.
    """
    highest, lowest = np.maximum(price, price_before), np.minimum(price, price_before)
    first = moments_ms // HOUR_MS * HOUR_MS
    for hours in range(_HOURS + 1):
        at = price_at(of, first - hours * HOUR_MS)
        highest, lowest = np.maximum(highest, at), np.minimum(lowest, at)
    highest = highest * exp2(of.swing * _BEYOND * (1.0 + uniform(of.keys, _BEYOND_HIGH, days)))
    lowest = lowest * exp2(-of.swing * _BEYOND * (1.0 + uniform(of.keys, _BEYOND_LOW, days)))
    outside = candle_lies_outside(of.keys, days)
    far = uniform(of.keys, _HOW_FAR, days)
    # From 0.4 to 1.6 times the median, on either side: more than a price moves in the minutes after midnight.
    inward = 1.0 - (0.4 + 2.4 * np.abs(far - 0.5)) * _OUTSIDE_MEDIAN
    above = outside & (far >= 0.5)
    highest = np.where(above, np.maximum(price, price_before) * inward, highest)
    lowest = np.where(outside & ~above, np.minimum(price, price_before) / inward, lowest)
    return np.maximum(highest, lowest), np.minimum(highest, lowest)


@dataclass(frozen=True)
class LifeRange:
    """The highest and the lowest price that coins ever had, and the days of both, counted from 1970-01-01."""

    ath: Reals
    ath_day: Days
    atl: Reals
    atl_day: Days


def life_range(of: Figures, born_on: Days, day: int) -> LifeRange:
    """The extremes of coins from their first day to another.

    Args:
        of: The coins.
        born_on: Their first days.
        day: The day, counted from 1970-01-01.
    """
    first = -(-(born_on + 1) // _LIFE_STEP)
    between = np.maximum(day // _LIFE_STEP - first + 1, 0)
    counts = between + 2
    ends = np.cumsum(counts)
    starts = ends - counts
    # The first day, each multiple of the step after it, and the day itself.
    owners = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(ends[-1]) - starts[owners]
    sampled = (first[owners] + nth - 1) * _LIFE_STEP
    sampled[starts], sampled[ends - 1] = born_on, day
    way = slow_wandering(of.keys[owners], sampled)
    highest, lowest = np.maximum.reduceat(way, starts), np.minimum.reduceat(way, starts)
    days = []
    for extreme in (highest, lowest):
        found = np.flatnonzero(way == extreme[owners])
        days.append(sampled[found[np.searchsorted(found, starts)]])
    most, least = factor_range(of.traits)
    return LifeRange(
        of.price_usd * exp2(of.swing * (highest + _FAST)) * most,
        days[0],
        of.price_usd * exp2(of.swing * (lowest - _FAST)) * least,
        days[1],
    )
