"""Currencies through the real jobs, on each database: today's rates, those of past dates, and the view."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.schedules import currency_completion_schedule
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS, Plan
from coingecko_pipeline.warehouse import Database, OneOf, read_frame
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, daily_chart, market_row
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.recordings import load
from coingecko_pipeline_tests.running import Runner, failure_of, metadata_of, rows_of

TODAY = date(2026, 7, 9)
NIGHT = datetime(2026, 7, 9, 1, tzinfo=UTC)
FIRST = TODAY - timedelta(days=364)


def chart_of(price: float, days: int = 365, last: date = TODAY) -> dict[str, Any]:
    """A chart that rises by 1 a day."""
    return daily_chart(last - timedelta(days=days - 1), [price + day for day in range(days)])


def market(**charts: Any) -> FakeMarket:
    """Bitcoin in dollars and in euro, at a rate of 1.25."""
    dollars = chart_of(100_000.0)
    euro = {name: [[at, value / 1.25] for at, value in points] for name, points in dollars.items()}
    return FakeMarket({"bitcoin": dollars, "bitcoin in eur": euro, **charts})


def client_of(asked: FakeMarket, now: datetime = NIGHT, plan: Plan = PLANS["demo"]) -> CoinGecko:
    clock = FakeClock(now)
    return CoinGecko(plan, clock=clock, now=clock.now, adapter=asked.server)


@pytest.fixture
def stocked(database: Database) -> Database:
    stock(database, ("bitcoin",))
    return database


def fetch(
    database: Database, client: CoinGecko, *codes: str, first: date = FIRST, last: date = TODAY
) -> dg.ExecuteInProcessResult:
    config = {"currencies": list(codes or ["eur"]), "from_date": str(first), "to_date": str(last)}
    return Runner(database, client).run("currency_charts_job", config={"coingecko__currency_charts": config})


def rates_of(database: Database, currency: str = "eur") -> dict[date, tuple[float, str]]:
    table = tables.fx_rates
    with database.connect() as connection:
        rows = connection.execute(select(table).where(table.c.currency == currency).order_by(table.c.date)).all()
    return {row.date: (row.usd_per_unit, row.source) for row in rows}


def today_of(database: Database) -> tuple[float, str]:
    """Today's rate of the euro, to nine digits."""
    rate, source = rates_of(database)[TODAY]
    return round(rate, 9), source


def test_the_recorded_chart_in_euro_gives_the_rate_of_each_of_its_midnights(stocked: Database) -> None:
    recorded = load("market_chart/2026-07-09a/bitcoin.json.gz")
    midnights = {at: price for at, price in recorded["prices"] if at % 86_400_000 == 0}
    dollars = {at: price * (1.1 + number / 1000) for number, (at, price) in enumerate(midnights.items())}
    series = [[at, price] for at, price in dollars.items()] + [[recorded["prices"][-1][0], 1.0]]
    chart = {"prices": series, "market_caps": series, "total_volumes": series}
    asked = FakeMarket({"bitcoin": chart, "bitcoin in eur": recorded})
    result = fetch(stocked, client_of(asked), first=date(2025, 7, 10))
    assert result.success
    expected = {
        datetime.fromtimestamp(at / 1000, UTC).date(): (dollars[at] / price, "chart") for at, price in midnights.items()
    }
    assert rates_of(stocked) == expected
    assert len(expected) == 365
    facts = metadata_of(result, "currency_charts")
    assert (facts["rates_written"], facts["answers"]) == (365, {"eur": "values"})
    (body,) = rows_of(stocked, "SELECT body FROM currency_charts")[0]
    assert zlib.decompress(body) == Answer(recorded).body
    assert rows_of(stocked, "SELECT outcome, is_written FROM currency_charts") == [("values", 1)]


def test_a_year_is_a_call_for_the_currency_and_one_for_the_dollars_and_nothing_is_asked_twice(
    stocked: Database,
) -> None:
    asked = market()
    first = fetch(stocked, client_of(asked))
    assert first.success
    assert (metadata_of(first, "currency_charts")["calls"], metadata_of(first, "currency_charts")["credits"]) == (2, 2)
    assert [query["vs_currency"] for query in asked.server.queries()] == ["usd", "eur"]
    assert [rate for rate, _ in rates_of(stocked).values()] == [pytest.approx(1.25)] * 365
    again = fetch(stocked, client_of(asked), first=TODAY - timedelta(days=10))
    assert metadata_of(again, "currency_charts")["currencies_archived"] == 1
    assert len(asked.server.requests) == 2
    assert rows_of(stocked, "SELECT SUM(calls), SUM(credits) FROM api_usage") == [(2, 2)]


def test_the_dollars_that_the_archive_has_are_not_asked_for(stocked: Database) -> None:
    asked = market()
    client = client_of(asked)
    assert Runner(stocked, client).run("market_charts_job").success
    assert asked.charts_asked == ["bitcoin"]
    assert fetch(stocked, client).success
    assert [query["vs_currency"] for query in asked.server.queries()] == ["usd", "eur"]


def test_a_rate_of_a_chart_replaces_a_current_one_and_never_the_reverse(stocked: Database) -> None:
    asked = market()
    asked.rates = {"btc": 1.0, "usd": 100_000.0, "eur": 50_000.0}
    client = client_of(asked)
    materialize = Runner(stocked, client).materialize
    assert materialize(["fx_rates"]).success
    assert rates_of(stocked)[TODAY] == (2.0, "current")
    assert rates_of(stocked, "btc")[TODAY] == (100_000.0, "current")
    assert materialize(["fx_rates"]).success
    assert asked.server.paths == ["/api/v3/exchange_rates"]
    assert fetch(stocked, client).success
    assert today_of(stocked) == (1.25, "chart")
    with stocked.transaction() as connection:
        connection.execute(tables.fx_rates.delete().where(tables.fx_rates.c.source == "current"))
    assert materialize(["fx_rates"]).success
    assert len(asked.server.paths) == 4
    assert today_of(stocked) == (1.25, "chart")
    assert rates_of(stocked, "btc")[TODAY] == (100_000.0, "current")


def test_rates_that_do_not_come_fail_no_day_and_are_told(stocked: Database) -> None:
    asked = FakeMarket(rows=[market_row("bitcoin", 1.0, 1.0, "2026-07-09T01:00:00Z")])
    asked.rates = {}
    messages: list[str] = []
    result = Runner(stocked, client_of(asked), messages=messages).run("daily_market_job", TODAY)
    assert result.success
    assert metadata_of(result, "fx_rates") == {}
    assert any("The exchange rates did not come" in line for line in messages)
    asked.rates = {"usd": 2.0}
    assert Runner(stocked, client_of(asked)).run("daily_market_job", TODAY).success
    assert rates_of(stocked, "usd") == {TODAY: (1.0, "current")}


def test_one_currency_never_stops_the_others_and_what_came_of_it_is_archived(stocked: Database) -> None:
    broken = {
        "bitcoin in xyz": Answer({"error": "invalid vs_currency"}, 422),
        "bitcoin in gbp": Answer({"prices": "none"}),
        "bitcoin in chf": {"prices": [], "market_caps": [], "total_volumes": []},
    }
    result = fetch(stocked, client_of(market(**broken)), "xyz", "gbp", "chf", "eur", "jpy")
    assert result.success
    outcomes = rows_of(stocked, "SELECT currency, outcome, first_on FROM currency_charts ORDER BY answer_id")
    assert [row[:2] for row in outcomes] == [
        ("xyz", "refused"),
        ("gbp", "unreadable"),
        ("chf", "empty"),
        ("eur", "values"),
        ("jpy", "not_found"),
    ]
    assert [row[2] is not None for row in outcomes] == [False, False, False, True, False]
    facts = metadata_of(result, "currency_charts")
    assert set(facts["currencies_faulty"]) == {"xyz", "gbp", "chf", "jpy"}
    assert len(rates_of(stocked)) == 365


def test_a_code_that_is_none_is_refused_before_a_call(stocked: Database) -> None:
    asked = market()
    for code, why in (("usd", "which need no rate"), ("eu ro", "is no currency"), ("e/r", "is no currency")):
        assert why in failure_of(fetch(stocked, client_of(asked), code))
    assert Runner(stocked, client_of(asked)).materialize(["fx_rates"]).success
    assert "did you mean eur?" in failure_of(fetch(stocked, client_of(asked), "euro"))
    assert len(asked.server.requests) == 1
    for _ in range(2):  # the second time its current rate was replaced
        assert fetch(stocked, client_of(asked), "eur").success


def test_what_the_months_credits_do_not_bear_is_refused_before_a_call(stocked: Database) -> None:
    asked = market()
    poor = replace(PLANS["demo"], credits_per_month=47)
    reason = failure_of(fetch(stocked, client_of(asked, plan=poor)))
    assert "eur of 2025-07-10 to 2026-07-09 needs 2 credits and" in reason
    assert asked.server.requests == []


def test_a_chart_waits_for_dollars_that_are_missing_and_is_written_once_they_are_there(stocked: Database) -> None:
    asked = market()
    week_ago = TODAY - timedelta(days=7)
    early = client_of(asked, now=NIGHT - timedelta(days=7))
    asked.charts["bitcoin"] = chart_of(100_000.0, last=week_ago)
    assert Runner(stocked, early).run("market_charts_job").success
    assert fetch(stocked, client_of(asked), last=week_ago, first=week_ago).success
    assert rows_of(stocked, "SELECT is_written FROM currency_charts") == [(0,)]
    assert max(rates_of(stocked)) == week_ago
    asked.charts["bitcoin"] = chart_of(100_000.0)
    assert fetch(stocked, client_of(asked)).success
    assert rows_of(stocked, "SELECT is_written FROM currency_charts") == [(1,)]
    assert max(rates_of(stocked)) == TODAY
    assert [query["vs_currency"] for query in asked.server.queries()] == ["usd", "eur", "usd"]


def test_the_view_has_each_row_in_each_currency_that_its_date_has_a_rate_of(stocked: Database) -> None:
    days = [date(2026, 7, 1), date(2026, 7, 2)]
    values = {"price_usd": 3.0, "volume_24h_usd": None, "market_cap_usd": 0.0, "source": "chart", "observed_at": None}
    with stocked.transaction() as connection:
        connection.execute(
            insert(tables.daily_market), [{"date": day, "asset_id": name, **values} for day in days for name in "ab"]
        )
        connection.execute(
            insert(tables.fx_rates),
            [
                {"date": days[0], "currency": "eur", "usd_per_unit": 1.25, "source": "chart"},
                {"date": days[0], "currency": "jpy", "usd_per_unit": 0.0078125, "source": "current"},
            ],
        )
    view = tables.daily_market_in
    frame = read_frame(stocked, view, conditions=[OneOf("currency", ("eur",))])
    assert list(frame["asset_id"]) == ["a", "b"]
    assert list(frame["price"]) == [2.4, 2.4]
    assert frame["volume_24h"].isna().all()
    assert list(frame["market_cap"]) == [0, 0]
    assert list(frame["rate_source"]) == ["chart", "chart"]
    assert len(read_frame(stocked, view)) == 4


def evaluate(database: Database, codes: Sequence[str], now: datetime = NIGHT, plan: Plan = PLANS["demo"]) -> Any:
    resources = {"now": lambda: now, "warehouse": database, "plan": plan, "currencies": codes}
    context = dg.build_schedule_context(scheduled_execution_time=now, resources=resources)
    answer = currency_completion_schedule(context)
    return str(answer.skip_message) if isinstance(answer, dg.SkipReason) else answer


def complete(database: Database, client: CoinGecko, *codes: str) -> dg.ExecuteInProcessResult:
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    resources = {"warehouse": database, "coingecko": client, "currencies": codes}
    definitions = build_definitions({name: hardcoded(value) for name, value in resources.items()})
    with empty_instance() as instance:
        return definitions.resolve_job_def("currency_charts_job").execute_in_process(instance=instance)


@on_sqlite
def test_the_currencies_of_the_setting_are_completed_by_themselves_and_renewed_once_a_month(
    stocked: Database,
) -> None:
    asked = market()
    assert "CURRENCIES names none" in evaluate(stocked, ())
    assert isinstance(evaluate(stocked, ("eur",)), dg.RunRequest)
    assert complete(stocked, client_of(asked), "eur").success
    assert len(rates_of(stocked)) == 365
    assert evaluate(stocked, ("eur",)) == "None of eur is due."
    for days in range(1, 30):
        with stocked.transaction() as connection:
            day = TODAY + timedelta(days=days)
            connection.execute(
                insert(tables.fx_rates).values(date=day, currency="eur", usd_per_unit=1.0, source="current")
            )
        assert evaluate(stocked, ("eur",), NIGHT + timedelta(days=days)) == "None of eur is due."
    assert isinstance(evaluate(stocked, ("eur",), NIGHT + timedelta(days=30)), dg.RunRequest)


@on_sqlite
def test_a_date_without_any_rate_is_due_and_what_brings_nothing_is_asked_once_a_week(stocked: Database) -> None:
    asked = market()
    assert complete(stocked, client_of(asked), "eur", "xyz").success
    assert evaluate(stocked, ("eur", "xyz"), NIGHT + timedelta(days=2)) == "None of eur, xyz is due."
    assert isinstance(evaluate(stocked, ("eur",), NIGHT + timedelta(days=8)), dg.RunRequest)
    assert isinstance(evaluate(stocked, ("xyz",), NIGHT + timedelta(days=8)), dg.RunRequest)
    assert evaluate(stocked, ("usd",)) == "None of usd is due."


@on_sqlite
def test_a_month_without_credits_completes_no_currency(stocked: Database) -> None:
    poor = replace(PLANS["demo"], credits_per_month=47)
    assert evaluate(stocked, ("eur",), plan=poor) == "None of eur is due."
