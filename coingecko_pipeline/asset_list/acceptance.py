"""Whether a list is believed: one that lost more than a fifth of the coins may be a broken answer."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LIST_TAKEN = "list_taken"
"""What a run's metadata calls whether the list replaced the one before."""

LARGEST_LOSS = 0.2
"""Share of the active coins that a list may lack. Of the recorded lists those a day apart lost 1 % of 18,968 at most,
those four months apart 12 %: a fifth is a broken answer, or half a year without a run (2,225 of 8,325 once)."""

LARGEST_DISAGREEMENT = 0.05
"""Share of the ids in which two lists that agree may differ. Of recorded lists those a day apart differ in 1.4 % at
most, those a month apart in 7 %; answers that were broken at random do not agree."""

LEAST_APART = timedelta(minutes=10)
"""CoinGecko keeps an answer to `/coins/list` for five minutes: a second one within them is the same answer."""


class Acceptance(StrEnum):
    """Why a list is taken or refused."""

    WHOLE = "whole"
    """Taken: it has at least four fifths of the active coins."""
    ACCEPTED = "accepted"
    """Taken: it lacks more, and the user accepted that."""
    CONFIRMED = "confirmed"
    """Taken: it lacks more, and agrees with the list that was refused before."""
    SHRUNKEN = "shrunken"
    """Refused: it lacks more than a fifth of the active coins."""
    EMPTY = "empty"
    """Refused: it has no coin at all."""


@dataclass(frozen=True)
class RefusedList:
    """The latest list that was refused for what it lacks.

    Attributes:
        asset_ids: Its coins.
        fetched_at: The moment of the first answer that held it (UTC, aware).
    """

    asset_ids: frozenset[str]
    fetched_at: datetime

    def agrees_with(self, listed: Set[str]) -> bool:
        """Whether another list has nearly the same coins."""
        return len(self.asset_ids ^ listed) <= LARGEST_DISAGREEMENT * max(len(self.asset_ids), len(listed))


def judge(
    listed: Set[str], fetched_at: datetime, active: Set[str], refused: RefusedList | None, accept_shrunken: bool
) -> Acceptance:
    """Whether a list is taken.

    Args:
        listed: Its ids.
        fetched_at: The moment of its answer (UTC, aware).
        active: The coins that were active before it.
        refused: The latest list that was refused for what it lacks; None where none was since the last one taken.
        accept_shrunken: Whether the user accepts what it lacks. A list without any coin is never accepted.
    """
    if not listed:
        return Acceptance.EMPTY
    if len(active - listed) <= LARGEST_LOSS * len(active):
        return Acceptance.WHOLE
    if accept_shrunken:
        return Acceptance.ACCEPTED
    if refused and fetched_at - refused.fetched_at >= LEAST_APART and refused.agrees_with(listed):
        return Acceptance.CONFIRMED
    return Acceptance.SHRUNKEN
