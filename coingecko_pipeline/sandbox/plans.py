"""CoinGecko's plans, as far as they decide what is answered: host, key, rate, credits and history.

The figures are CoinGecko's published ones of 2026. Where two of its pages conflict, the sandbox takes what the
pipeline takes: 100 calls a minute for the demo plan (the pricing page says 30). No rate is published for callers
without a key; users report 3 to 15, and 5 stands for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .errors import demo_key_on_pro_host, missing_key, pro_key_on_demo_host

DEMO_KEY = "x-cg-demo-api-key"
PRO_KEY = "x-cg-pro-api-key"


@dataclass(frozen=True)
class Plan:
    """What one plan allows.

    Attributes:
        name: The plan's name in options and in the answer of `/key`.
        paid: Whether the plan lives on the paid host, with its key header and its own endpoints.
        calls_per_minute: Answers in any 60 seconds.
        credits_per_month: Answers with status 200 in a calendar month, or None where nothing counts them.
        history_days: How far back history reaches, or None for all of it.
    """

    name: str
    paid: bool
    calls_per_minute: int
    credits_per_month: int | None
    history_days: int | None


KEYLESS = Plan("keyless", paid=False, calls_per_minute=5, credits_per_month=None, history_days=365)

PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        KEYLESS,
        Plan("demo", paid=False, calls_per_minute=100, credits_per_month=10_000, history_days=365),
        Plan("basic", paid=True, calls_per_minute=250, credits_per_month=100_000, history_days=730),
        Plan("analyst", paid=True, calls_per_minute=500, credits_per_month=500_000, history_days=None),
        Plan("lite", paid=True, calls_per_minute=500, credits_per_month=2_000_000, history_days=None),
    )
}


@dataclass(frozen=True)
class Caller:
    """Who calls: the plan that applies, and the key (empty for a call without one)."""

    plan: Plan
    key: str


def presented_keys(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    """The demo key and the pro key that a request carries, each empty where there is none.

    A key counts only under its exact header, or its query parameter (`x_cg_demo_api_key`,
    `x_cg_pro_api_key`); under any other name it is ignored without a word, as CoinGecko does.
    """
    demo, pro = (headers.get(name) or query.get(name.replace("-", "_"), "") for name in (DEMO_KEY, PRO_KEY))
    return demo, pro


def identify(plan: Plan, accepted_key: str | None, demo_key: str, pro_key: str, now: datetime) -> Caller:
    """Tell who calls a host that serves one plan.

    Args:
        plan: The plan that the sandbox plays; it decides which host that is.
        accepted_key: The only key that is right, or None where every key of the right kind is.
        demo_key: The key presented as a demo key, or "".
        pro_key: The key presented as a pro key, or "".
        now: The sandbox's time, which error bodies carry.

    Raises:
        ApiError: 400 with 10010 or 10011 where the key is of the other host's kind, and 401 with 10002 where
            it is wrong, where the paid host is called without one, or where a keyless host is given one.
    """
    own, other = (pro_key, demo_key) if plan.paid else (demo_key, pro_key)
    if own:
        if plan is KEYLESS or (accepted_key is not None and own != accepted_key):
            raise missing_key(now)
        return Caller(plan, own)
    if other:
        raise demo_key_on_pro_host(now) if plan.paid else pro_key_on_demo_host(now)
    if plan.paid:
        raise missing_key(now)
    return Caller(KEYLESS, "")
