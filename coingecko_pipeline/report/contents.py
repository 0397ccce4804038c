"""Everything that a report shows, read at one time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from coingecko_pipeline.acquisition.outlook import Outlook, read_outlook
from coingecko_pipeline.acquisition.universe import count_active
from coingecko_pipeline.market.revisions import Revisions, read_revisions
from coingecko_pipeline.report import ReportError
from coingecko_pipeline.report.agreement import Agreement, read_agreement
from coingecko_pipeline.report.coverage import Coverage, read_coverage
from coingecko_pipeline.report.dates import ReportDates, read_dates
from coingecko_pipeline.report.dominance import Dominance, find_dominance
from coingecko_pipeline.report.market import Market, read_market
from coingecko_pipeline.report.movers import Movers, find_movers
from coingecko_pipeline.report.spending import Spending, read_spending
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.tables import stored_origin
from coingecko_pipeline.warehouse import Database

REVISED_COINS_SHOWN = 10


@dataclass(frozen=True)
class Contents:
    """What a report shows.

    Attributes:
        generated_at: The moment at which it was read (UTC).
        synthetic: Whether the data are the sandbox's.
        dates: The dates.
        market: The coins and their numbers.
        dominance: The shares of the largest coins.
        movers: Winners and losers over each number of days.
        coverage: How complete the dates are, and what they add up to.
        outlook: How complete the history is, and when it will be.
        spending: The month's credits.
        revisions: What CoinGecko changed of days that were over.
        agreement: How well a second source agrees; None without one.
    """

    generated_at: datetime
    synthetic: bool
    dates: ReportDates
    market: Market
    dominance: Sequence[Dominance]
    movers: Sequence[Movers]
    coverage: Coverage
    outlook: Outlook
    spending: Spending
    revisions: Revisions
    agreement: Agreement | None


def read_contents(database: Database, plan: Plan, now: datetime) -> Contents:
    """Read what a report shows.

    Args:
        database: The warehouse.
        plan: The CoinGecko plan of the settings.
        now: The current UTC time, aware.

    Raises:
        ReportError: There are no rows yet.
        AcquisitionError: There are no coins yet.
    """
    dates = read_dates(database)
    if dates is None:
        raise ReportError(
            "The table daily_market has no rows to report; materialize coingecko/daily_market first (the command "
            "coingecko-pipeline daily does)."
        )
    market = read_market(database, dates)
    return Contents(
        generated_at=now,
        synthetic=stored_origin(database) == "sandbox",
        dates=dates,
        market=market,
        dominance=find_dominance(market),
        movers=find_movers(market),
        coverage=read_coverage(database, dates, count_active(database)),
        outlook=read_outlook(database, plan, now),
        spending=read_spending(database, plan, now.date()),
        revisions=read_revisions(database, limit=REVISED_COINS_SHOWN),
        agreement=read_agreement(database, dates),
    )
