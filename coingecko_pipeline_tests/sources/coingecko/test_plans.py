from datetime import date

import pytest

from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE, PLANS, PRO_URL, PUBLIC_URL, PlanError, choose_plan


def test_a_key_alone_means_the_demo_plan_and_no_key_the_keyless_one() -> None:
    assert choose_plan(None, has_key=True).name == "demo"
    assert choose_plan(None, has_key=False).name == "keyless"


@pytest.mark.parametrize("name", ["basic", "analyst", "lite"])
def test_paid_plans_use_the_pro_host_and_its_header(name: str) -> None:
    plan = choose_plan(name, has_key=True)
    assert (plan.base_url, plan.key_header) == (PRO_URL, "x-cg-pro-api-key")


def test_the_demo_plan_uses_the_public_host_and_its_header() -> None:
    assert (PLANS["demo"].base_url, PLANS["demo"].key_header) == (PUBLIC_URL, "x-cg-demo-api-key")


def test_each_figure_can_be_overridden() -> None:
    plan = choose_plan(
        "Demo",
        has_key=True,
        base_url="http://127.0.0.1:1/api/v3/",
        calls_per_minute=30,
        credits_per_month=7,
        history_days=10,
    )
    assert (plan.base_url, plan.calls_per_minute, plan.credits_per_month, plan.history_days) == (
        "http://127.0.0.1:1/api/v3",
        30,
        7,
        10,
    )


@pytest.mark.parametrize(
    ("name", "has_key", "words"),
    [
        ("gold", True, "'gold', which is no plan; choose one of keyless, demo, basic, analyst, lite"),
        ("keyless", True, "sends no key, yet COINGECKO_API_KEY is set"),
        ("demo", False, "needs a key; set COINGECKO_API_KEY"),
    ],
)
def test_a_plan_that_cannot_be_is_one_clear_sentence(name: str, has_key: bool, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        choose_plan(name, has_key=has_key)


def test_365_days_reach_from_the_364th_day_before_today_to_today() -> None:
    assert PLANS["demo"].earliest_date(date(2026, 7, 9)) == date(2025, 7, 10)


def test_no_plan_reaches_before_the_first_date_that_coingecko_has() -> None:
    assert PLANS["analyst"].earliest_date(date(2026, 7, 9)) == FIRST_DATE
    assert PLANS["demo"].earliest_date(date(2013, 5, 1)) == FIRST_DATE
