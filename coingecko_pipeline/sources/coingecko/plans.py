"""What each CoinGecko plan allows: host, key header, calls a minute, credits a month, days of history.

The figures are CoinGecko's published ones as of 2026-06; a user whose contract says otherwise overrides each
of them through a setting of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType

PUBLIC_URL = "https://api.coingecko.com/api/v3"
PRO_URL = "https://pro-api.coingecko.com/api/v3"

FIRST_DATE = date(2013, 4, 28)
"""The earliest date for which CoinGecko has a daily value of any coin (its pricing page)."""


class PlanError(ValueError):
    """The plan and the key do not fit together, or a plan is unknown; the message is one sentence for the user."""


@dataclass(frozen=True)
class Plan:
    """What one plan allows.

    Attributes:
        name: The plan's name, in lower case.
        base_url: Where its calls go, without a trailing slash.
        key_header: The HTTP header that carries the key; None where no key is sent. A key in the wrong header is
            ignored by the server silently.
        calls_per_minute: Calls that may be answered in any 60 seconds, failed ones included.
        credits_per_month: Answers with status 200 that a billing month includes; None where none are counted.
        history_days: How many UTC midnights back a daily chart may reach, today's included; None for all.
        paid: Whether it lives on the paid host, which answers for coins that left the list and tells what the key
            has used.
        billing_day: Day of the month on which the month's credits begin anew (UTC), 1 to 31; a month without that
            day begins on its last. CoinGecko's pages do not say which it is, so it is the user's to set.
        hourly_top: How many of the largest coins the user wants the market of in each hour; 0 for none. No figure of
            CoinGecko's: it stands here since whoever spends the plan's credits must leave these.
    """

    name: str
    base_url: str
    key_header: str | None
    calls_per_minute: int
    credits_per_month: int | None
    history_days: int | None
    paid: bool
    billing_day: int = 1
    hourly_top: int = 0

    def earliest_date(self, today: date) -> date:
        """The first date whose midnight the plan serves, as seen on ``today`` (UTC)."""
        if self.history_days is None:
            return FIRST_DATE
        return max(FIRST_DATE, today - timedelta(days=self.history_days - 1))


PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        plan.name: plan
        for plan in (
            # Keyless calls are limited by address and CoinGecko publishes no figure; users report 3 to 15 a minute.
            Plan("keyless", PUBLIC_URL, None, 5, None, 365, paid=False),
            # CoinGecko's pricing page says 30 a minute and its errors page 100: a 429 is waited out in full.
            Plan("demo", PUBLIC_URL, "x-cg-demo-api-key", 100, 10_000, 365, paid=False),
            Plan("basic", PRO_URL, "x-cg-pro-api-key", 250, 100_000, 730, paid=True),
            Plan("analyst", PRO_URL, "x-cg-pro-api-key", 500, 500_000, None, paid=True),
            Plan("lite", PRO_URL, "x-cg-pro-api-key", 500, 2_000_000, None, paid=True),
        )
    }
)


def choose_plan(
    name: str | None,
    *,
    has_key: bool,
    base_url: str | None = None,
    calls_per_minute: int | None = None,
    credits_per_month: int | None = None,
    history_days: int | None = None,
    billing_day: int | None = None,
    hourly_top: int = 0,
) -> Plan:
    """The plan to work on: the named one, else demo with a key and keyless without, with the user's own figures.

    Args:
        name: The plan's name, or None for the default.
        has_key: Whether an API key is set.
        base_url: Another address than the plan's own, for a proxy or the sandbox.
        calls_per_minute: Another figure than the published one.
        credits_per_month: Another figure than the published one.
        history_days: Another figure than the published one.
        billing_day: The day on which the month's credits begin anew; None for the first.
        hourly_top: How many of the largest coins are asked for in each hour; 0 for none.

    Raises:
        PlanError: The plan is unknown, or it needs a key and there is none, or it takes no key and there is one.
    """
    chosen = (name or ("demo" if has_key else "keyless")).lower()
    if chosen not in PLANS:
        raise PlanError(f"COINGECKO_PLAN is {name!r}, which is no plan; choose one of {', '.join(PLANS)}.")
    plan = PLANS[chosen]
    if plan.key_header is None and has_key:
        raise PlanError(
            f"COINGECKO_PLAN is {chosen}, which sends no key, yet COINGECKO_API_KEY is set; "
            "remove the key, or name the key's plan."
        )
    if plan.key_header is not None and not has_key:
        raise PlanError(
            f"COINGECKO_PLAN is {chosen}, which needs a key; set COINGECKO_API_KEY, or choose the plan keyless."
        )
    return replace(
        plan,
        base_url=(base_url or plan.base_url).rstrip("/"),
        calls_per_minute=calls_per_minute or plan.calls_per_minute,
        credits_per_month=credits_per_month or plan.credits_per_month,
        history_days=history_days or plan.history_days,
        billing_day=billing_day or plan.billing_day,
        hourly_top=hourly_top,
    )
