"""One answer as it was received, and when."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Answer:
    """One answer with status 200.

    Attributes:
        body: As received.
        asked_at: When it was asked for: after the rate limit let the call through, and before it was sent (UTC, aware).
        answered_at: When all of it was there (UTC, aware).
    """

    body: bytes
    asked_at: datetime
    answered_at: datetime
