"""What a caller has used: answers in the last minute, and credits in the month."""

from collections import Counter, deque
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)


class CallWindow:
    """Counts every caller's answers over a sliding window of 60 seconds.

    CoinGecko publishes neither where its minutes begin nor whether its window slides. This is the strictest
    reading: every answer counts, refusals included, and no 60 seconds ever hold more than the limit. A client
    that stays within it stays within any minute of CoinGecko's.
    """

    def __init__(self) -> None:
        self._answers: dict[str, deque[datetime]] = {}

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
        answers = self._answers.setdefault(caller, deque(maxlen=limit))
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
        self._used: Counter[tuple[str, int, int]] = Counter()

    def spend(self, caller: str, now: datetime) -> None:
        """Count one credit."""
        self._used[caller, now.year, now.month] += 1

    def used(self, caller: str, now: datetime) -> int:
        """The credits that a caller has used in the month of `now`."""
        return self._used[caller, now.year, now.month]
