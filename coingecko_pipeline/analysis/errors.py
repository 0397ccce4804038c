"""Why a question has no answer.

::

    AnalysisError
    ├── InvalidQuestion       it cannot be understood: a date that is none, dates in the wrong order
    │   ├── UnknownCoin       no list ever had it
    │   ├── AmbiguousCoin     several coins are called so
    │   └── UnknownCurrency   no rate of it was ever stored
    ├── NoDatabase            there is no file where DATABASE_URL points
    └── NothingStored         no row is of these coins and dates
        ├── NoPrice           a coin has no price there
        └── NoRate            a date has no rate of the currency
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


class AnalysisError(Exception):
    """Base of everything that is raised on purpose here. The message says what to do next."""


class InvalidQuestion(AnalysisError):
    """The question cannot be understood, whatever is stored."""


class UnknownCoin(InvalidQuestion):
    """No list of coins ever had it."""


@dataclass(frozen=True)
class Candidate:
    """A coin that could be meant.

    Attributes:
        asset_id: Its id.
        name: Its latest name.
        is_active: Whether the latest list has it.
        market_cap_usd: Its latest market cap (US dollars); None where none is stored.
    """

    asset_id: str
    name: str
    is_active: bool
    market_cap_usd: float | None

    def __str__(self) -> str:
        """Its id, name and size."""
        size = "no market cap" if self.market_cap_usd is None else f"{self.market_cap_usd:,.0f} usd"
        return f"{self.asset_id} ({self.name}, {size}{'' if self.is_active else ', gone'})"


class AmbiguousCoin(InvalidQuestion):
    """Several coins are called so, and none of them is chosen.

    Attributes:
        candidates: These coins, the largest first.
    """

    def __init__(self, message: str, candidates: Sequence[Candidate]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class UnknownCurrency(InvalidQuestion):
    """No rate of the currency was ever stored."""


class NoDatabase(AnalysisError):
    """There is no file where DATABASE_URL points."""


class NothingStored(AnalysisError):
    """No row is of these coins and dates."""


class NoRate(NothingStored):
    """A date that has values has no rate of the currency."""


class NoPrice(NothingStored):
    """A coin has no price at a date.

    Attributes:
        reason: `before_the_coin`, `after_the_data`, `gone`, `hole` (no row), `null` (a row without a price) or
            `never_stored`.
        before: The latest date before with a price; None where there is none.
        after: The earliest date after with a price; None where there is none.
    """

    def __init__(self, message: str, reason: str, before: date | None, after: date | None) -> None:
        super().__init__(message)
        self.reason = reason
        self.before = before
        self.after = after
