"""What a client counts of its calls, and whose answers they were."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

SANDBOX_HEADER = "x-sandbox"
"""A header that only the sandbox sends: what tells its market from the live one."""


@dataclass(frozen=True)
class Usage:
    """What calls were made: an answer counts toward the minute, a 200 costs a credit of the month.

    Attributes:
        calls: Answers of any status, by endpoint.
        credits: Answers with status 200, by endpoint.
    """

    calls: Counter[str]
    credits: Counter[str]

    def since(self, earlier: "Usage") -> "Usage":
        """What came on top of an earlier count."""
        return Usage(self.calls - earlier.calls, self.credits - earlier.credits)


def origin_of(headers: Mapping[str, str]) -> str:
    """Whose answer it is: "live" or "sandbox".

    Args:
        headers: The answer's headers, looked up without regard to case.
    """
    return "sandbox" if SANDBOX_HEADER in headers else "live"
