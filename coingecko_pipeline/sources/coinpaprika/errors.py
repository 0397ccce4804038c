"""What can go wrong with a call to CoinPaprika, beside the errors of every source.

    CallerRefused
    └── PlanExceeded          402: the month's calls are used up, or the plan does not have the endpoint

The statuses are those of CoinPaprika's API reference 1.7.10.
"""

from coingecko_pipeline.sources import errors
from coingecko_pipeline.sources.errors import CallerRefused, FailedAnswer, SourceError


class PlanExceeded(CallerRefused):
    """The plan does not have the call, or its month is used up."""


def error_of(failed: FailedAnswer) -> SourceError:
    """The error that an answer of CoinPaprika stands for."""
    if failed.status == 402:
        return failed.error(
            PlanExceeded,
            "the free plan's calls of this month are used up, or it does not have this call; wait for the next month",
        )
    return errors.error_of(failed)
