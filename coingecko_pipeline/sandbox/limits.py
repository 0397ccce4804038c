"""What a caller has used: answers in the last minute, and credits in the month.

Neither grows for ever: a sandbox that runs for years and is called with a new key each time forgets who called longest
ago.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import TypeVar

WINDOW = timedelta(seconds=60)
MOST_COUNTS = 1_000
"""How many callers have a window, and how many months of callers a count; a deployment has one caller."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Latest(OrderedDict[_Key, _Value]):
    """The values that were set last, `MOST_COUNTS` of them."""

    def __setitem__(self, key: _Key, value: _Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > MOST_COUNTS:
            self.popitem(last=False)


class CallWindow:
    """Counts every caller's answers over a sliding window of 60 seconds.

    CoinGecko publishes neither where its minutes begin nor whether its window slides. This is the strictest
    reading: every answer counts, refusals included, and no 60 seconds ever hold more than the limit. A client
    that stays within it stays within any minute of CoinGecko's.
    """

    def __init__(self) -> None:
        self._answers: _Latest[str, deque[datetime]] = _Latest()

    def refused_until(self, caller: str, limit: int, now: datetime) -> datetime | None:
        """Count one answer, and tell whether it has to be a refusal.

        Args:
            caller: Whose window; a key, or "" for all callers without one.
            limit: Answers in 60 seconds; 0 stands for no limit.
            now: The sandbox's time.

        Returns:
            None for a call within the limit, else the whole minute from which calls are answered again if none
            is made until then.
        """
        if limit == 0:
            return None
        self._answers[caller] = answers = self._answers.get(caller, deque(maxlen=limit))
        refused = len(answers) == limit and now - answers[0] < WINDOW
        answers.append(now)
        if not refused:
            return None
        free = answers[0] + WINDOW
        minute = free.replace(second=0, microsecond=0)
        return minute if minute == free else minute + timedelta(minutes=1)


class CreditCount:
    """Counts every caller's answers with status 200 by calendar month (UTC)."""

    def __init__(self) -> None:
        self._used: _Latest[tuple[str, int, int], int] = _Latest()

    def spend(self, caller: str, now: datetime) -> None:
        """Count one credit."""
        self._used[caller, now.year, now.month] = self.used(caller, now) + 1

    def used(self, caller: str, now: datetime) -> int:
        """The credits that a caller has used in the month of `now`."""
        return self._used.get((caller, now.year, now.month), 0)
