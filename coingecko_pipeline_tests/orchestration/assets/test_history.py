"""Completing the history through the real job: what is asked for, in which order, and what it leaves."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert, update

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.schedules import history_completion_schedule
from coingecko_pipeline.orchestration.sensors import new_coins_sensor
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import choose_plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, daily_chart, market_row
from coingecko_pipeline_tests.orchestration.assets.conftest import COINS, stock
from coingecko_pipeline_tests.running import failure_of, metadata_of, rows_of, run_job

TODAY = date(2026, 3, 9)
NIGHT = datetime(2026, 3, 9, 1, tzinfo=UTC)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


# Fewer days than any real plan's, since each partition of a run costs some milliseconds of events.
DAYS = 30
FIRST = back(DAYS - 1)


def plan_of(name: str = "demo", credits_per_month: int | None = None) -> Any:
    return choose_plan(name, has_key=name != "keyless", credits_per_month=credits_per_month, history_days=DAYS)


def client_of(
    market: FakeMarket, plan: str = "demo", credits_per_month: int | None = None, now: datetime = NIGHT
) -> CoinGecko:
    clock = FakeClock(now)
    return CoinGecko(plan_of(plan, credits_per_month), clock=clock, now=clock.now, adapter=market.server)


def complete(database: Database, client: CoinGecko, first: date = FIRST, **config: Any) -> Any:
    config = {"complete_history": True, **config}
    dates = DateRange(first, client.now().date())
    return run_job("market_history_job", database, client, dates, {"coingecko__daily_market": config})


def evaluate(definition: Any, database: Database, market: FakeMarket, **options: Any) -> Any:
    client = client_of(market, **options)
    resources = {"now": client.now, "warehouse": database, "plan": client.plan}
    if definition is new_coins_sensor:
        return definition(dg.build_sensor_context(resources=resources))
    return definition(dg.build_schedule_context(scheduled_execution_time=client.now(), resources=resources))


def dates_asked_for(request: Any) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest), request
    return (
        request.tags["dagster/asset_partition_range_start"],
        request.tags["dagster/asset_partition_range_end"],
    )


@pytest.fixture
def market() -> FakeMarket:
    """Three coins with charts of five days, ending today."""
    return FakeMarket(
        charts={coin: daily_chart(back(4), range(1, 6)) for coin in COINS},
        rows=[
            market_row("small", 5, 10, "2026-03-09T00:00:41Z"),
            market_row("middle", 5, 1_000, "2026-03-09T00:00:41Z"),
            market_row("big", 5, 9e12, "2026-03-09T00:00:41Z"),
        ],
    )


def test_coins_that_were_never_fetched_are_asked_for_by_market_cap(stocked: Database, market: FakeMarket) -> None:
    run_job("market_history_job", stocked, client_of(market), TODAY)
    facts = metadata_of(complete(stocked, client_of(market), max_calls=2), "daily_market")
    assert sorted(market.charts_asked) == ["big", "middle"]
    assert (facts["calls"], facts["coins_left"]) == (2, 1)
    assert facts["history_completeness"] == pytest.approx(2 / 3)
    assert (facts["history_coins_never_fetched"], facts["history_complete_on"]) == (1, str(TODAY))
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market WHERE source = 'chart'") == [(10,)]


def test_a_complete_history_costs_nothing_and_says_so(stocked: Database, market: FakeMarket) -> None:
    assert complete(stocked, client_of(market)).success
    asked = len(market.charts_asked)
    facts = metadata_of(complete(stocked, client_of(market)), "daily_market")
    assert (facts["calls"], facts["rows_written"], facts["history_completeness"]) == (0, 0, 1.0)
    assert len(market.charts_asked) == asked == 3
    skipped = evaluate(history_completion_schedule, stocked, market)
    assert skipped.skip_message == "Every coin's history is complete."


def test_the_schedule_asks_for_the_plans_days_where_coins_were_never_fetched(
    stocked: Database, market: FakeMarket
) -> None:
    request = evaluate(history_completion_schedule, stocked, market)
    assert dates_asked_for(request) == (str(FIRST), str(TODAY))
    job = build_definitions().resolve_job_def("market_history_job")
    assert dg.validate_run_config(job, request.run_config)


def test_snapshots_are_made_exact_over_the_dates_that_are_only_snapshots(stocked: Database, market: FakeMarket) -> None:
    complete(stocked, client_of(market))
    for days in (1, 2):
        client = client_of(market, now=NIGHT + timedelta(days=days))
        assert run_job("market_history_job", stocked, client, TODAY + timedelta(days=days)).success
    later = NIGHT + timedelta(days=2)
    for coin in COINS:
        market.charts[coin] = daily_chart(back(4), range(1, 8))
    request = evaluate(history_completion_schedule, stocked, market, now=later)
    first, last = dates_asked_for(request)
    assert (first, last) == (str(TODAY + timedelta(days=1)), str(TODAY + timedelta(days=2)))
    facts = metadata_of(complete(stocked, client_of(market, now=later), date.fromisoformat(first)), "daily_market")
    assert (facts["calls"], facts["rows_written"], facts["history_coins_with_snapshots"]) == (3, 6, 0)
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market WHERE source = 'snapshot'") == [(0,)]


def test_a_missed_day_comes_before_days_that_are_only_snapshots(stocked: Database, market: FakeMarket) -> None:
    complete(stocked, client_of(market))
    two_days_later = NIGHT + timedelta(days=2)
    run_job("market_history_job", stocked, client_of(market, now=two_days_later), TODAY + timedelta(days=2))
    # All miss the day between but one, which has a snapshot of it.
    row = {"date": TODAY + timedelta(days=1), "asset_id": "big", "source": "snapshot", "price_usd": 5.0}
    with stocked.transaction() as connection:
        connection.execute(insert(tables.daily_market), row)
    asked = len(market.charts_asked)
    complete(stocked, client_of(market, now=two_days_later), max_calls=2)
    assert sorted(market.charts_asked[asked:]) == ["middle", "small"]


def test_archived_days_that_the_table_lacks_are_written_without_a_call(stocked: Database, market: FakeMarket) -> None:
    run_job("market_history_job", stocked, client_of(market), DateRange(back(1), back(1)))
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market") == [(3,)]
    facts = metadata_of(complete(stocked, client_of(market)), "daily_market")
    assert (facts["calls"], facts["coins_archived"], facts["rows_written"]) == (0, 3, 15)
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market") == [(15,)]


def test_what_the_month_does_not_bear_is_refused_before_any_call_or_cut_to_what_fits(
    stocked: Database, market: FakeMarket
) -> None:
    # A list, a page and a spare call for 23 days, and two to use.
    limited: dict[str, Any] = {"credits_per_month": 23 * 3 + 2}
    dates = DateRange(FIRST, TODAY)
    told = failure_of(run_job("market_history_job", stocked, client_of(market, **limited), dates))
    assert "needs 3 credits and 2 are left" in told
    assert market.server.requests == []
    config = {"coingecko__daily_market": {"fit_budget": True}}
    facts = metadata_of(
        run_job("market_history_job", stocked, client_of(market, **limited), dates, config), "daily_market"
    )
    assert (facts["calls"], facts["coins_left"], facts["credits_left"]) == (2, 1, 0)
    skipped = evaluate(history_completion_schedule, stocked, market, **limited)
    assert "1 of 3 coins wait for their history, and today has no credit for it: 0 are left" in skipped.skip_message
    assert run_job("market_history_job", stocked, client_of(market, **limited), TODAY).success


def test_credits_that_the_key_used_elsewhere_count(stocked: Database, market: FakeMarket) -> None:
    market.credits_used = 99_990
    told = failure_of(run_job("market_history_job", stocked, client_of(market, "basic"), DateRange(back(3), back(2))))
    assert "needs 3 credits and 0 are left" in told
    assert rows_of(stocked, "SELECT credits FROM api_usage WHERE endpoint = 'elsewhere'") == [(99_989,)]
    assert market.charts_asked == []


def test_a_coin_without_a_chart_is_not_asked_for_again_before_a_week(stocked: Database, market: FakeMarket) -> None:
    del market.charts["middle"]
    dates = DateRange(back(3), back(2))
    run_job("market_history_job", stocked, client_of(market), dates)
    assert rows_of(stocked, "SELECT asset_id, reason FROM chart_misses") == [("middle", "not_found")]
    facts = metadata_of(run_job("market_history_job", stocked, client_of(market), dates), "daily_market")
    assert (facts["calls"], facts["coins_waiting"]) == (0, 1)
    after_a_week = client_of(market, now=NIGHT + timedelta(days=7))
    assert metadata_of(run_job("market_history_job", stocked, after_a_week, dates), "daily_market")["calls"] == 1
    assert [str(day) for (day,) in rows_of(stocked, "SELECT ask_again_on FROM chart_misses")] == ["2026-03-30"]
    market.charts["middle"] = daily_chart(back(4), range(1, 6))
    later = client_of(market, now=NIGHT + timedelta(days=21))
    assert metadata_of(run_job("market_history_job", stocked, later, dates), "daily_market")["calls"] == 1
    # The chart ends three weeks ago by then: it is there, and has ended.
    assert rows_of(stocked, "SELECT asset_id, reason FROM chart_misses") == [("middle", "ended")]


def test_a_dead_coin_and_an_empty_chart_do_not_cost_a_call_each_day(stocked: Database, market: FakeMarket) -> None:
    market.charts["small"] = daily_chart(back(25), range(1, 6))
    market.charts["middle"] = {"prices": [], "market_caps": [], "total_volumes": []}
    complete(stocked, client_of(market))
    assert sorted(rows_of(stocked, "SELECT asset_id, reason FROM chart_misses")) == [
        ("middle", "empty"),
        ("small", "ended"),
    ]
    asked = len(market.charts_asked)
    tomorrow = client_of(market, now=NIGHT + timedelta(days=1))
    facts = metadata_of(complete(stocked, tomorrow), "daily_market")
    assert market.charts_asked[asked:] == ["big"]
    assert facts["history_coins_without_news"] == 2


def test_coins_that_left_the_list_are_completed_on_plans_that_serve_them(stocked: Database, market: FakeMarket) -> None:
    with stocked.transaction() as connection:
        connection.execute(
            update(tables.assets)
            .where(tables.assets.c.asset_id == "small")
            .values(is_active=False, last_seen_on=back(1))
        )
    facts = metadata_of(complete(stocked, client_of(market)), "daily_market")
    assert sorted(market.charts_asked) == ["big", "middle"]
    assert (facts["coins_not_served"], facts["history_completeness"]) == (1, 1.0)
    market.charts_asked.clear()
    facts = metadata_of(complete(stocked, client_of(market, "analyst")), "daily_market")
    assert sorted(market.charts_asked)[-1] == "small"
    assert facts["coins_not_served"] == 0


def test_a_plan_that_changed_under_a_run_ends_it_for_good_and_keeps_what_came(
    stocked: Database, market: FakeMarket
) -> None:
    limit = {"error": {"status": {"error_code": 10012, "error_message": "more than your plan allows"}}}
    market.charts["middle"] = Answer(limit, 401)
    told = failure_of(run_job("market_history_job", stocked, client_of(market, "analyst"), DateRange(back(3), back(2))))
    assert "more than the plan allows" in told
    assert "big" in {coin for (coin,) in rows_of(stocked, "SELECT asset_id FROM raw_market_charts")}
    market.charts["middle"] = daily_chart(back(4), range(1, 6))
    asked = len(market.charts_asked)
    assert run_job("market_history_job", stocked, client_of(market), DateRange(back(3), back(2))).success
    assert "big" not in market.charts_asked[asked:]


def test_a_newly_listed_coin_is_asked_for_at_once_and_once(stocked: Database, market: FakeMarket) -> None:
    stock(stocked, ("fresh",))
    market.charts["fresh"] = daily_chart(back(4), range(1, 6))
    assert evaluate(new_coins_sensor, stocked, market).skip_message == "No newly listed coin lacks its history."
    with stocked.transaction() as connection:
        connection.execute(
            insert(tables.asset_changes),
            [
                {"asset_id": "fresh", "seen_on": TODAY, "change": "listed"},
                {"asset_id": "big", "seen_on": back(40), "change": "listed"},
            ],
        )
    request = evaluate(new_coins_sensor, stocked, market)
    assert dates_asked_for(request) == (str(FIRST), str(TODAY))
    assert request.run_key == evaluate(new_coins_sensor, stocked, market).run_key
    ops = request.run_config["ops"]
    assert ops["coingecko__daily_market"]["config"]["asset_ids"] == ["fresh"]
    config = {op: values["config"] for op, values in ops.items()}
    dates = DateRange(FIRST, TODAY)
    assert run_job("market_history_job", stocked, client_of(market), dates, config).success
    assert market.charts_asked == ["fresh"]
    assert isinstance(evaluate(new_coins_sensor, stocked, market), dg.SkipReason)


def test_new_coins_wait_where_the_month_has_nothing_left(stocked: Database, market: FakeMarket) -> None:
    stock(stocked, ("fresh",))
    with stocked.transaction() as connection:
        connection.execute(insert(tables.asset_changes), {"asset_id": "fresh", "seen_on": TODAY, "change": "listed"})
    skipped = evaluate(new_coins_sensor, stocked, market, credits_per_month=23 * 3)
    assert "1 newly listed coin(s) lack their history" in skipped.skip_message
    assert "until 2026-04-01" in skipped.skip_message


def test_without_any_coin_the_schedule_says_what_to_do(database: Database, market: FakeMarket) -> None:
    skipped = evaluate(history_completion_schedule, database, market)
    assert "materialize coingecko/raw_asset_list" in skipped.skip_message
