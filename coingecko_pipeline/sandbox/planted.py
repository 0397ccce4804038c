"""What is odd about the market of a date, told to whoever looks for it: each coin, date and kind."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from .extremes import candle_lies_outside
from .market import figures
from .oddities import PLANTED, holds
from .options import SandboxOptions
from .revisions import revised_on
from .traits import Trait
from .universe import Roster, Universe

_EPOCH = date(1970, 1, 1)

STALE, SPIKE, CAP_NOT_SUPPLY = "stale", "spike", "cap_not_supply"
VOLUME_ABOVE_CAP, REVISED, CANDLE_OUTSIDE = "volume_above_cap", "revised", "candle_outside"

RISES = tuple(coin_id for coin_id, trait in PLANTED.items() if trait in (Trait.CLIMBS, Trait.SOARS))
"""Coins that rise a hundredfold within weeks and stay: nothing is odd about them."""

_KINDS = {
    Trait.SPIKES: SPIKE,
    Trait.DIPS: SPIKE,
    Trait.MISCOUNTED: CAP_NOT_SUPPLY,
    Trait.OVERTRADED: VOLUME_ABOVE_CAP,
}


@dataclass(frozen=True, order=True)
class Oddity:
    """One coin whose figures of one date are odd.

    Attributes:
        date: The date of the row: the figures are those of its 00:00:00 UTC, a candle that of the day it begins.
        coin_id: The coin.
        kind: What is odd: `stale` (the row is older than a day), `spike` (the price is away, and back within three
            days), `cap_not_supply` (the supply told is not the one of the market cap), `volume_above_cap`, `revised`
            (later charts tell otherwise) or `candle_outside` (high or low lie inside of open or close).
    """

    date: date
    coin_id: str
    kind: str


def planted_oddities(options: SandboxOptions, first: date, last: date, *, asked_on: date | None = None) -> list[Oddity]:
    """Everything that is odd about the dates from `first` to `last`, in order.

    What is told by the market page alone (stale, cap_not_supply, candle_outside) is seen where a page was read in the
    first half of the date, and for a candle in that of the next. Coins without figures, and those with a market cap of
    0, whose volume is above it, are not among them; a page of a coin that trades once a day is never older than a day.

    Args:
        options: The sandbox.
        first: The first date.
        last: The last one.
        asked_on: The day on which the charts are asked for; revisions of later days are left out. None leaves out all.
    """
    universe = Universe(options.seed, options.coins, options.rehypothecated)
    found: list[Oddity] = []
    for number in range((first - _EPOCH).days, (last - _EPOCH).days + 1):
        found += _oddities_of_a_day(options, universe, number)
        if asked_on is not None and options.revise_share:
            roster = universe.roster(number)
            on = revised_on(roster.keys, np.full(len(roster.keys), number), options.revise_share)
            told = (on >= 0) & (on <= (asked_on - _EPOCH).days) & (roster.born_on <= number)
            found += _named(roster, np.flatnonzero(told).tolist(), number, REVISED)
    return sorted(found)


def _oddities_of_a_day(options: SandboxOptions, universe: Universe, number: int) -> list[Oddity]:
    day = np.array([number], dtype=np.int64)
    roster = universe.roster(number)
    found: list[Oddity] = []
    if options.oddities:
        for coin_id, trait in PLANTED.items():
            if coin_id not in roster.by_id:
                continue
            if trait in _KINDS and holds(trait, day)[0]:
                found.append(Oddity(_date(number), coin_id, _KINDS[trait]))
            # On its first day the row is of the noon before.
            if trait == Trait.LAGS and holds(trait, day)[0] and holds(trait, day - 1)[0]:
                found.append(Oddity(_date(number), coin_id, STALE))
    traits = figures(roster.keys, roster.slots).traits
    dead = (traits == Trait.DEAD) & (roster.born_on < number - 1)
    found += _named(roster, np.flatnonzero(dead).tolist(), number, STALE)
    told_on = universe.roster(number + 1)
    figures_then = figures(told_on.keys, told_on.slots, options.oddities)
    traits_then = figures_then.traits
    still = (traits_then == Trait.DEAD) | (traits_then == Trait.UNKNOWN)
    if options.oddities and holds(Trait.LAGS, day + 1)[0]:
        still = still | (traits_then == Trait.LAGS)
    outside = candle_lies_outside(told_on.keys, np.full(len(told_on.keys), number + 1))
    outside = outside & ~still & (told_on.born_on <= number)
    return found + _named(told_on, np.flatnonzero(outside).tolist(), number, CANDLE_OUTSIDE)


def _named(roster: Roster, places: list[int], number: int, kind: str) -> list[Oddity]:
    return [Oddity(_date(number), roster.coins[place].coin_id, kind) for place in places]


def _date(number: int) -> date:
    return _EPOCH + timedelta(days=number)
