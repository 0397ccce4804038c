"""Dominance: how much of the market cap the largest coins of each week have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from coingecko_pipeline.report.market import Market


@dataclass(frozen=True)
class Dominance:
    """The shares of the market cap on one date, of 1; each date has its own largest coins.

    Attributes:
        day: The date.
        largest: Of the largest coin.
        ten: Of the ten largest.
        hundred: Of the hundred largest.
    """

    day: date
    largest: float
    ten: float
    hundred: float


def find_dominance(market: Market) -> Sequence[Dominance]:
    """The shares on every seventh date that has a market cap."""
    found = []
    for column, day in enumerate(market.dates.weeks):
        market_caps = market.weekly["market_cap_usd"][:, column]
        descending = np.sort(market_caps[~np.isnan(market_caps)])[::-1]
        if total := float(descending.sum()):
            found.append(Dominance(day, *(float(descending[:count].sum()) / total for count in (1, 10, 100))))
    return found
