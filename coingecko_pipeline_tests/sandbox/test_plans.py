"""What a plan allows, and how the sandbox refuses the rest."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coingecko_pipeline.sandbox import SandboxError, SandboxOptions

from .asking import NOON, Api, milliseconds

DEMO = {"x-cg-demo-api-key": "CG-mine"}
PRO = {"x-cg-pro-api-key": "CG-mine"}
YEAR: dict[str, Any] = {"vs_currency": "usd", "days": 365}


def test_the_rate_limit_refuses_a_call_too_many_in_any_sixty_seconds() -> None:
    api = Api(at=datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC), calls_per_minute=30)
    statuses = []
    for _ in range(31):
        statuses.append(api.get("/ping", headers=DEMO).status_code)
        api.clock.advance(seconds=1)
    assert statuses == [200] * 30 + [429]
    api.clock.advance(seconds=27)
    assert api.get("/ping", headers=DEMO).status_code == 429


def test_a_refusal_tells_the_whole_minute_from_which_calls_are_answered_again() -> None:
    api = Api(at=datetime(2026, 3, 9, 3, 27, 10, tzinfo=UTC), calls_per_minute=2)
    api.get("/ping")
    api.get("/ping")
    refused = api.get("/ping")
    assert refused.status_code == 429
    assert refused.json()["status"]["error_code"] == 429
    assert refused.headers["x-ratelimit-reset"] == "2026-03-09 03:29:00 +0000"
    assert "retry-after" not in refused.headers
    api.clock.moment = datetime(2026, 3, 9, 3, 29, tzinfo=UTC)
    assert api.get("/ping").status_code == 200


def test_errors_and_refusals_count_toward_the_minute() -> None:
    api = Api(calls_per_minute=3)
    assert [api.get("/coins/nothing/history", date="01-01-2026").status_code for _ in range(3)] == [404] * 3
    api.clock.advance(seconds=59)
    assert api.get("/ping").status_code == 429
    api.clock.advance(seconds=2)
    assert [api.get("/ping").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("plan", "headers", "limit"),
    [("keyless", {}, 5), ("demo", {}, 5), ("demo", DEMO, 100), ("basic", PRO, 250), ("analyst", PRO, 500)],
)
def test_each_plan_has_its_own_rate(plan: str, headers: dict[str, str], limit: int) -> None:
    api = Api(plan=plan, calls_per_minute=None, coins=1)
    statuses = [api.get("/ping", headers=headers).status_code for _ in range(limit + 1)]
    assert statuses == [200] * limit + [429]


@pytest.mark.parametrize(
    ("plan", "headers", "status", "code"),
    [
        ("demo", DEMO, 200, None),
        ("demo", {"x-cg-demo-api-key": "CG-wrong"}, 401, 10002),
        ("demo", PRO, 400, 10010),
        ("demo", {}, 200, None),
        ("demo", {"x-api-key": "CG-wrong"}, 200, None),
        ("keyless", DEMO, 401, 10002),
        ("keyless", {}, 200, None),
        ("basic", PRO, 200, None),
        ("basic", {"x-cg-pro-api-key": "CG-wrong"}, 401, 10002),
        ("basic", {"Authorization": "CG-mine"}, 401, 10002),
        ("basic", DEMO, 400, 10011),
    ],
)
def test_keys_are_told_by_their_header(plan: str, headers: dict[str, str], status: int, code: int | None) -> None:
    answer = Api(plan=plan, api_key="CG-mine").get("/ping", headers=headers)
    assert answer.status_code == status
    if code is not None:
        body = answer.json()
        assert code in (body.get("error_code"), body["status"].get("error_code"))


def test_a_key_may_stand_in_the_query_and_any_key_will_do_where_none_is_set() -> None:
    assert Api(plan="basic").get("/ping", x_cg_pro_api_key="CG-any").status_code == 200
    assert Api(plan="basic", api_key="CG-mine").get("/ping", x_cg_pro_api_key="CG-any").status_code == 401


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/coins/bitcoin/market_chart", {"vs_currency": "usd", "days": 366}),
        ("/coins/bitcoin/market_chart", {"vs_currency": "usd", "days": "max"}),
        ("/coins/bitcoin/market_chart/range", {"vs_currency": "usd", "from": "2025-02-28", "to": "2025-03-20"}),
        ("/coins/bitcoin/history", {"date": "28-02-2025"}),
    ],
)
def test_more_than_365_days_needs_a_paid_plan(path: str, params: dict[str, Any]) -> None:
    refused = Api().get(path, **params)
    assert refused.status_code == 401
    assert refused.json()["error"]["status"]["error_code"] == 10012
    assert "365 days" in refused.json()["error"]["status"]["error_message"]
    assert Api(plan="analyst").get(path, headers=PRO, **params).status_code == 200


def test_the_first_day_within_365_is_served_on_free_plans() -> None:
    api = Api()
    assert "market_data" in api.json("/coins/bitcoin/history", date="01-03-2025")
    since = milliseconds(NOON - timedelta(days=365)) // 1000
    span = {"from": since, "to": since + 90_000}
    assert api.json("/coins/bitcoin/market_chart/range", vs_currency="usd", **span)["prices"]


def test_paid_plans_reach_as_far_back_as_they_say() -> None:
    basic, analyst = Api(plan="basic"), Api(plan="analyst")
    chart: dict[str, Any] = {"vs_currency": "usd", "interval": "daily"}
    assert basic.get("/coins/bitcoin/market_chart", PRO, **chart, days=730).status_code == 200
    assert basic.get("/coins/bitcoin/market_chart", PRO, **chart, days=731).status_code == 401
    all_of_it = analyst.get("/coins/bitcoin/market_chart", PRO, **chart, days="max").json()
    assert all_of_it["prices"][0][0] == milliseconds(datetime(2013, 4, 28, tzinfo=UTC))


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/key", {}),
        ("/coins/list", {"status": "inactive"}),
        ("/coins/bitcoin/market_chart", {"vs_currency": "usd", "days": 2, "interval": "hourly"}),
        (
            "/coins/bitcoin/market_chart/range",
            {"vs_currency": "usd", "from": "2026-01-01", "to": "2026-02-01", "interval": "daily"},
        ),
    ],
)
def test_some_requests_are_for_paid_plans_only(path: str, params: dict[str, Any]) -> None:
    refused = Api().get(path, **params)
    assert refused.status_code == 401
    assert refused.json()["status"]["error_code"] == 10005
    assert Api(plan="lite").get(path, headers=PRO, **params).status_code == 200


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("/coins/markets", {}, "Missing parameter vs_currency"),
        ("/coins/markets", {"vs_currency": "shells"}, "invalid vs_currency"),
        ("/coins/markets", {"vs_currency": "usd", "page": "-1"}, "invalid page"),
        ("/coins/bitcoin/market_chart", {"days": 3}, "Missing parameter vs_currency"),
        ("/coins/bitcoin/market_chart", {"vs_currency": "usd"}, "Missing parameter days"),
        ("/coins/bitcoin/market_chart", {"vs_currency": "usd", "days": "many"}, "invalid days"),
        ("/coins/bitcoin/market_chart", {**YEAR, "interval": "weekly"}, "invalid interval"),
        ("/coins/bitcoin/market_chart/range", {"vs_currency": "usd", "to": 1}, "Missing parameter from"),
        ("/coins/bitcoin/market_chart/range", {"vs_currency": "usd", "from": "nan", "to": 1}, "invalid from"),
        ("/coins/bitcoin/history", {}, "Missing parameter date"),
        ("/coins/bitcoin/history", {"date": "yesterday"}, "invalid date"),
        ("/simple/price", {"vs_currencies": "usd"}, "Missing parameter ids"),
        ("/simple/price", {"ids": "bitcoin"}, "Missing parameter vs_currencies"),
    ],
)
def test_missing_and_unreadable_parameters_answer_422(path: str, params: dict[str, Any], message: str) -> None:
    answer = Api().get(path, **params)
    assert (answer.status_code, answer.json()) == (422, {"error": message})


def test_unknown_coins_and_paths_answer_404() -> None:
    api = Api()
    assert api.get("/coins/no-such-coin/market_chart", **YEAR).json() == {"error": "coin not found"}
    assert api.get("/coins/no-such-coin/market_chart", **YEAR).status_code == 404
    assert api.get("/coins/Bitcoin/market_chart", **YEAR).status_code == 404
    assert api.get("/exchanges").status_code == 404


def test_unknown_coins_and_currencies_of_simple_price_are_left_out() -> None:
    assert Api().json("/simple/price", ids="bitcoin,no-such-coin", vs_currencies="shells") == {"bitcoin": {}}


def test_only_answers_with_status_200_cost_a_credit_of_the_month() -> None:
    api = Api(plan="basic")
    api.get("/ping", headers=PRO)
    api.get("/coins/no-such-coin/market_chart", headers=PRO, **YEAR)
    usage = api.get("/key", headers=PRO).json()
    assert usage["plan"] == "Basic"
    assert usage["monthly_call_credit"] == 100_000
    assert usage["current_total_monthly_calls"] == 1
    assert api.get("/key", headers=PRO).json()["current_remaining_monthly_calls"] == 99_998
    api.clock.advance(days=31)
    assert api.get("/key", headers=PRO).json()["current_total_monthly_calls"] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"coins": 0}, "0 coins"),
        ({"plan": "gold"}, "'gold'"),
        ({"calls_per_minute": -1}, "-1 calls"),
        ({"latency_seconds": -1.0}, "latency"),
        ({"faults": {"418": 0.5}}, "'418'"),
        ({"faults": {"500": 1.5}}, "between 0 and 1"),
        ({"faults": {"500": float("nan")}}, "between 0 and 1"),
        ({"faults": {"500": 0.6, "503": 0.6}}, "more than 1"),
    ],
)
def test_impossible_options_are_refused_with_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SandboxError, match=sentence) as refused:
        SandboxOptions(**options)
    assert str(refused.value).endswith(".")
