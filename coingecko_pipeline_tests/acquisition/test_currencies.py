"""Which charts currencies need: told from the archive alone, within the plan."""

from datetime import date

import pytest

from coingecko_pipeline.acquisition.currencies import CurrencyPlan, plan_currencies
from coingecko_pipeline.acquisition.planning import AcquisitionError, ChartCall
from coingecko_pipeline.archive.currency_charts import CurrencyCoverage
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline_tests.archive.answering import NIGHT, back, dates

YEAR = DateRange(back(364), back(0))
ALL = dates(364, 0)


def planned(
    covered: dict[str, DateIntervals], wanted: DateRange = YEAR, dollars: DateIntervals = ALL, plan: str = "demo"
) -> CurrencyPlan:
    coverage = {currency: CurrencyCoverage(spoken, NIGHT) for currency, spoken in covered.items()}
    return plan_currencies(["eur", "gbp"], wanted, coverage, dollars, PLANS[plan], NIGHT)


def test_each_currency_that_lacks_a_date_is_one_call_and_the_others_are_none() -> None:
    plan = planned({"eur": ALL, "gbp": dates(364, 2)})
    assert plan == CurrencyPlan(("eur",), (ChartCall("gbp", back(1)),), None)
    assert planned({}).calls == (ChartCall("eur", back(364)), ChartCall("gbp", back(364)))
    assert planned({"eur": ALL, "gbp": ALL}).needed == 0


def test_bitcoins_dollars_are_one_more_call_where_they_are_missing() -> None:
    plan = planned({"eur": ALL, "gbp": ALL}, dollars=dates(364, 3))
    assert plan.dollars == DateRange(back(2), back(0))
    assert (plan.calls, plan.needed) == ((), 1)
    assert planned({}, dollars=DateIntervals()).needed == 3


def test_a_call_asks_for_a_year_at_least() -> None:
    assert ChartCall("eur", back(1)).days(PLANS["demo"], back(0)) == 365


def test_dates_before_the_plans_first_are_refused_unless_the_archive_has_them() -> None:
    wanted = DateRange(back(400), back(0))
    with pytest.raises(AcquisitionError, match=f"begins before {back(364)}, the earliest date that the plan demo"):
        planned({}, wanted)
    long = dates(400, 0)
    assert planned({"eur": long, "gbp": long}, wanted, long).needed == 0
    assert planned({}, wanted, long, plan="analyst").calls[0].first == back(400)


def test_a_date_whose_midnight_no_chart_holds_yet_is_not_missing() -> None:
    plan = plan_currencies(
        ["eur"], DateRange(back(0), back(0)), {}, DateIntervals(), PLANS["demo"], NIGHT.replace(hour=0, minute=5)
    )
    assert plan.calls == (ChartCall("eur", back(1)),)
    assert isinstance(plan.calls[0].first, date)
