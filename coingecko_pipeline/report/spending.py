"""The credits of the running billing month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import Budget, read_budget
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database


@dataclass(frozen=True)
class EndpointSpending:
    """What one endpoint cost in the month.

    Attributes:
        endpoint: The endpoint.
        calls: Calls.
        credits: Credits.
    """

    endpoint: str
    calls: int
    credits: int


@dataclass(frozen=True)
class Spending:
    """What was spent in the month and what is left.

    Attributes:
        budget: The month's credits.
        endpoints: What each endpoint cost, the dearest first.
    """

    budget: Budget
    endpoints: Sequence[EndpointSpending]


def read_spending(database: Database, plan: Plan, today: date) -> Spending:
    """Read the month's credits and what they were spent on.

    Args:
        database: The warehouse.
        plan: The CoinGecko plan.
        today: The current UTC day.
    """
    budget = read_budget(database, plan, today)
    usage = tables.api_usage.c
    spent = func.sum(usage.credits)
    query = (
        select(usage.endpoint, func.sum(usage.calls), spent)
        .where(usage.plan == plan.name, usage.day.between(budget.month.first, budget.month.last))
        .group_by(usage.endpoint)
        .order_by(spent.desc(), usage.endpoint)
    )
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    return Spending(budget, [EndpointSpending(name, int(calls), int(credits_)) for name, calls, credits_ in rows])
