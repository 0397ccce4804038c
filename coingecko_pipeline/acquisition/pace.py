"""Whether the month's credits will last for the snapshots to come, at the pace at which others use the same key."""

from dataclasses import dataclass
from datetime import date

from coingecko_pipeline.acquisition.budget import Budget, read_budget
from coingecko_pipeline.acquisition.usage import ELSEWHERE, spent_between
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database

PACE_DAYS = 3
"""Days of a month that tell a pace: on the first two one hour of use would count for the whole month."""


@dataclass(frozen=True)
class Shortfall:
    """Credits that will be missing for the month's snapshots.

    Attributes:
        missing: How many.
        elsewhere: How many a day were used by other programs with the same key.
        budget: What is spent and reserved.
    """

    missing: int
    elsewhere: int
    budget: Budget


def read_shortfall(database: Database, plan: Plan, today: date) -> Shortfall | None:
    """The credits that will be missing at the month's end; None where they last, or where the plan counts none.

    What this program does beyond the snapshots is left out: history takes what is left and stops there.

    Args:
        database: Where the usage is counted.
        plan: The CoinGecko plan.
        today: The current UTC day.
    """
    budget = read_budget(database, plan, today)
    if budget.credits is None:
        return None
    first, days = budget.month.first, (today - budget.month.first).days + 1
    elsewhere = spent_between(database, plan.name, first, today, (ELSEWHERE,)).credits // days
    a_day = elsewhere if days >= PACE_DAYS else 0
    missing = budget.spent + budget.reserved + a_day * (budget.month.days_from(today) - 1) - budget.credits
    return Shortfall(missing, elsewhere, budget) if missing > 0 else None
