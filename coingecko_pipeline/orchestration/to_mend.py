"""Why a tick was skipped, where a person has to mend something: a reason with a kind, which a sensor reads again.

Dagster keeps of a skipped tick its words alone, so the kind is written before them and nowhere else is looked for in
them. A tick that is skipped as a matter of routine has no kind.
"""

import re
from enum import StrEnum

import dagster as dg


class ToMend(StrEnum):
    """What a person has to mend; its value is what stands in the tick."""

    SNAPSHOT_MISSED = "snapshot missed"
    CREDITS_USED_UP = "credits used up"
    RUNS_KEEP_FAILING = "runs keep failing"
    ALERT_NOT_SENT = "alert not sent"

    @property
    def advice(self) -> str:
        """What to do next, as a sentence."""
        return ADVICE[self]


ADVICE = {
    ToMend.SNAPSHOT_MISSED: "find out why the daemon was not at work at that time (docker compose ps, or the host's "
    "sleep); with credits left the completion fetches what the plan's charts have of that date.",
    ToMend.CREDITS_USED_UP: "nothing, if you spent them; else look at the table api_usage for what did, lower "
    "HOURLY_TOP, or take a larger plan. If CoinGecko counts otherwise, set COINGECKO_BILLING_DAY or "
    "COINGECKO_CREDITS_PER_MONTH.",
    ToMend.RUNS_KEEP_FAILING: "read why the last run failed, mend it, and launch the job by hand.",
    ToMend.ALERT_NOT_SENT: "read the alert in the tick, and see whether ALERT_WEBHOOK_URL still takes posts.",
}

MARKED = re.compile(rf"^To mend \(({'|'.join(ToMend)})\): (.*)$", re.DOTALL)


def skip_to_mend(kind: ToMend, reason: str) -> dg.SkipReason:
    """The reason of a skipped tick, marked as one to mend."""
    return dg.SkipReason(f"To mend ({kind}): {reason}")


def read_to_mend(skip_message: str | None) -> tuple[ToMend, str] | None:
    """The kind and the reason of a skipped tick; None where it was skipped as a matter of routine."""
    found = MARKED.match(skip_message or "")
    return (ToMend(found[1]), found[2]) if found else None
