"""Revised history: what charts that are asked for later say of dates that were settled.

CoinGecko rewrites history now and then. Here a revision is a closed form of the coin, the date and the day of asking:
some dates of some coins are told otherwise from a day on that lies a week to two months after them, price and market
cap by the same factor, on every daily chart, range and history from then on.
"""

import numpy as np
from numpy.typing import NDArray

from .noise import Days, Keys, Reals, uniform

REVISED_DATES = 0.02
"""The share of the dates of a coin with revisions that are told otherwise some day."""

_SETTLED_DAYS, _WITHIN_DAYS = 7, 60
_LEAST, _MOST = 0.05, 0.2

# The purposes of the noise in this file.
_COIN, _DATE, _WHEN, _FACTOR = range(110, 114)


def revised_on(keys: Keys, days: Days, share: float) -> Days:
    """For each coin and date the day from which it is told otherwise, or -1 where that never happens.

    Args:
        keys: The coins; one, or one for each date.
        days: The dates, counted from 1970-01-01.
        share: The share of coins that have revisions at all.
    """
    chosen = (uniform(keys, _COIN) < share) & (uniform(keys, _DATE, days) < REVISED_DATES)
    later = (uniform(keys, _WHEN, days) * _WITHIN_DAYS).astype(np.int64) + _SETTLED_DAYS
    return np.where(chosen, days + later, -1)


def revision(keys: Keys, days: Days, asked_on: int, share: float) -> Reals:
    """By which factor what is told of dates on a day differs from what was told first; 1 where it does not."""
    on = revised_on(keys, days, share)
    return np.where(_told(on, asked_on), _factor(keys, days), 1.0)


def _told(on: Days, asked_on: int) -> NDArray[np.bool_]:
    return (on >= 0) & (on <= asked_on)


def _factor(keys: Keys, days: Days) -> Reals:
    drawn = uniform(keys, _FACTOR, days) * 2.0 - 1.0
    return 1.0 + np.where(drawn < 0, -1.0, 1.0) * (_LEAST + (_MOST - _LEAST) * np.abs(drawn))
