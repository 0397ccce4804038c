"""Charts by coin through the real job: what is asked for, in which order, and what it leaves."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert, update

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.outlook import Outlook, read_outlook
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.schedules import history_completion_schedule
from coingecko_pipeline.orchestration.sensors import new_coins_sensor
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import choose_plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, daily_chart, market_row
from coingecko_pipeline_tests.instances import empty_instance, stored_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import COINS, stock
from coingecko_pipeline_tests.running import Runner, failure_of, metadata_of, rows_of

TODAY = date(2026, 3, 9)
NIGHT = datetime(2026, 3, 9, 1, tzinfo=UTC)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


# Fewer days than any real plan's, so that a test can tell the plan's first date from a year.
DAYS = 30
FIRST = back(DAYS - 1)


def plan_of(name: str = "demo", credits_per_month: int | None = None) -> Any:
    return choose_plan(name, has_key=name != "keyless", credits_per_month=credits_per_month, history_days=DAYS)


def client_of(
    market: FakeMarket, plan: str = "demo", credits_per_month: int | None = None, now: datetime = NIGHT
) -> CoinGecko:
    clock = FakeClock(now)
    return CoinGecko(plan_of(plan, credits_per_month), clock=clock, now=clock.now, adapter=market.server)


def fetch(database: Database, client: CoinGecko, dates: DateRange | None = None, **config: Any) -> Any:
    """A run that asks for charts, of some dates or of all that the plan serves."""
    if dates:
        config |= {"from_date": str(dates.first), "to_date": str(dates.last)}
    return Runner(database, client).run("market_charts_job", config={"coingecko__market_charts": config})


def complete(database: Database, client: CoinGecko, **config: Any) -> Any:
    return fetch(database, client, complete_history=True, **config)


def snapshot(database: Database, client: CoinGecko) -> Any:
    return Runner(database, client).materialize(["daily_market"], client.now().date())


def outlook(database: Database, client: CoinGecko) -> Outlook:
    return read_outlook(database, client.plan, client.now())


def evaluate(
    definition: Any, database: Database, market: FakeMarket, instance: dg.DagsterInstance | None = None, **options: Any
) -> Any:
    client = client_of(market, **options)
    resources = {"now": client.now, "warehouse": database, "plan": client.plan}
    with nullcontext(instance) if instance else empty_instance() as home:
        if definition is new_coins_sensor:
            return definition(dg.build_sensor_context(instance=home, resources=resources))
        return definition(dg.build_schedule_context(home, scheduled_execution_time=client.now(), resources=resources))


def config_of(request: Any) -> dict[str, Any]:
    """What a request asks of the run, once it is known to fit the job."""
    assert isinstance(request, dg.RunRequest), request
    assert request.partition_key is None
    assert not request.tags
    job = build_definitions().resolve_job_def("market_charts_job")
    assert dg.validate_run_config(job, request.run_config)
    return dict(request.run_config["ops"]["coingecko__market_charts"]["config"])


def list_as_new(database: Database, coin: str, seen_on: date = TODAY) -> None:
    with database.transaction() as connection:
        connection.execute(insert(tables.asset_changes), {"asset_id": coin, "seen_on": seen_on, "change": "listed"})


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
    snapshot(stocked, client_of(market))
    facts = metadata_of(complete(stocked, client_of(market), max_calls=2), "market_charts")
    assert sorted(market.charts_asked) == ["big", "middle"]
    assert (facts["calls"], facts["coins_left"]) == (2, 1)
    found = outlook(stocked, client_of(market))
    assert found.completeness == pytest.approx(2 / 3)
    assert (found.coins_never_fetched, found.complete_on) == (1, TODAY)
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market WHERE source = 'chart'") == [(10,)]


def test_a_complete_history_costs_nothing_and_says_so(stocked: Database, market: FakeMarket) -> None:
    assert complete(stocked, client_of(market)).success
    asked = len(market.charts_asked)
    facts = metadata_of(complete(stocked, client_of(market)), "market_charts")
    assert (facts["calls"], facts["rows_written"]) == (0, 0)
    assert outlook(stocked, client_of(market)).completeness == 1.0
    assert len(market.charts_asked) == asked == 3
    skipped = evaluate(history_completion_schedule, stocked, market)
    assert skipped.skip_message == "Every coin's history is complete."


def test_the_schedule_asks_for_one_run_without_partitions(stocked: Database, market: FakeMarket) -> None:
    config = config_of(evaluate(history_completion_schedule, stocked, market))
    assert config["complete_history"] is True


def test_without_dates_the_plans_whole_history_is_asked_for(stocked: Database, market: FakeMarket) -> None:
    assert fetch(stocked, client_of(market)).success
    assert {query["days"] for query in market.server.queries() if "days" in query} == {str(DAYS)}


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"from_date": "1.1.2026"}, "from_date is '1.1.2026'; write a date as 2026-01-31."),
        (
            {"from_date": "2026-03-02", "to_date": "2026-03-01"},
            "The dates 2026-03-02 to 2026-03-01 run backwards; swap them.",
        ),
    ],
)
def test_dates_that_cannot_be_meant_are_refused_before_any_call(
    stocked: Database, market: FakeMarket, dates: dict[str, Any], words: str
) -> None:
    assert failure_of(fetch(stocked, client_of(market), **dates)) == words
    assert market.server.requests == []


def test_snapshots_are_made_exact(stocked: Database, market: FakeMarket) -> None:
    complete(stocked, client_of(market))
    for days in (1, 2):
        assert snapshot(stocked, client_of(market, now=NIGHT + timedelta(days=days))).success
    later = NIGHT + timedelta(days=2)
    for coin in COINS:
        market.charts[coin] = daily_chart(back(4), range(1, 8))
    assert outlook(stocked, client_of(market, now=later)).coins_with_snapshots == 3
    facts = metadata_of(complete(stocked, client_of(market, now=later)), "market_charts")
    assert (facts["calls"], facts["rows_written"]) == (3, 6)
    assert outlook(stocked, client_of(market, now=later)).coins_with_snapshots == 0
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market WHERE source = 'snapshot'") == [(0,)]


def test_a_missed_day_comes_before_days_that_are_only_snapshots(stocked: Database, market: FakeMarket) -> None:
    complete(stocked, client_of(market))
    only_big = [row for row in market.rows if row["id"] == "big"]
    snapshot(stocked, client_of(FakeMarket(rows=only_big), now=NIGHT + timedelta(days=1)))
    two_days_later = NIGHT + timedelta(days=2)
    snapshot(stocked, client_of(market, now=two_days_later))
    asked = len(market.charts_asked)
    complete(stocked, client_of(market, now=two_days_later), max_calls=2)
    assert sorted(market.charts_asked[asked:]) == ["middle", "small"]


def test_rows_that_were_lost_are_written_again_without_a_call(stocked: Database, market: FakeMarket) -> None:
    complete(stocked, client_of(market))
    whole = rows_of(stocked, "SELECT * FROM daily_market ORDER BY date, asset_id")
    for run in (complete, lambda database, client: fetch(database, client, DateRange(back(4), back(1)))):
        with stocked.transaction() as connection:
            connection.exec_driver_sql(f"DELETE FROM daily_market WHERE date = '{back(2)}'")
        facts = metadata_of(run(stocked, client_of(market)), "market_charts")
        assert (facts["calls"], facts["rows_rewritten"]) == (0, 3)
        assert rows_of(stocked, "SELECT * FROM daily_market ORDER BY date, asset_id") == whole


def test_what_the_month_does_not_bear_is_refused_before_any_call_or_cut_to_what_fits(
    stocked: Database, market: FakeMarket
) -> None:
    # A list, a page and a spare call for 23 days, and two to use.
    limited: dict[str, Any] = {"credits_per_month": 23 * 3 + 2}
    told = failure_of(fetch(stocked, client_of(market, **limited)))
    assert "needs 3 credits and 2 are left" in told
    assert market.server.requests == []
    facts = metadata_of(fetch(stocked, client_of(market, **limited), fit_budget=True), "market_charts")
    assert (facts["calls"], facts["coins_left"], facts["credits_left"]) == (2, 1, 0)
    skipped = evaluate(history_completion_schedule, stocked, market, **limited)
    assert "1 of 3 coins wait for their history, and today has no credit for it: 0 are left" in skipped.skip_message
    assert snapshot(stocked, client_of(market, **limited)).success


def test_credits_that_the_key_used_elsewhere_count(stocked: Database, market: FakeMarket) -> None:
    market.credits_used = 99_990
    told = failure_of(fetch(stocked, client_of(market, "basic"), DateRange(back(3), back(2))))
    assert "needs 3 credits and 0 are left" in told
    assert rows_of(stocked, "SELECT credits FROM api_usage WHERE endpoint = 'elsewhere'") == [(99_990,)]
    assert market.charts_asked == []


def outcomes(database: Database) -> list[tuple[str, str]]:
    rows = rows_of(database, "SELECT asset_id, outcome FROM chart_coverage ORDER BY asset_id")
    return [(coin, outcome) for coin, outcome in rows]


def test_a_coin_without_a_chart_is_not_asked_for_again_before_a_week(stocked: Database, market: FakeMarket) -> None:
    del market.charts["middle"]
    dates = DateRange(back(3), back(2))
    fetch(stocked, client_of(market), dates)
    assert outcomes(stocked) == [("big", "values"), ("middle", "not_found"), ("small", "values")]
    facts = metadata_of(fetch(stocked, client_of(market), dates), "market_charts")
    assert (facts["calls"], facts["coins_waiting"]) == (0, 1)
    after_a_week = client_of(market, now=NIGHT + timedelta(days=7))
    assert metadata_of(fetch(stocked, after_a_week, dates), "market_charts")["calls"] == 1
    again = rows_of(stocked, "SELECT ask_again_on FROM chart_coverage WHERE asset_id = 'middle'")
    assert [str(day) for (day,) in again] == ["2026-03-30"]
    market.charts["middle"] = daily_chart(back(4), range(1, 6))
    later = client_of(market, now=NIGHT + timedelta(days=21))
    assert metadata_of(fetch(stocked, later, dates), "market_charts")["calls"] == 1
    assert outcomes(stocked)[1] == ("middle", "values")


def test_a_dead_coin_and_an_empty_chart_do_not_cost_a_call_each_day(stocked: Database, market: FakeMarket) -> None:
    market.charts["small"] = daily_chart(back(25), range(1, 6))
    market.charts["middle"] = {"prices": [], "market_caps": [], "total_volumes": []}
    complete(stocked, client_of(market))
    assert outcomes(stocked) == [("big", "values"), ("middle", "empty"), ("small", "values")]
    asked = len(market.charts_asked)
    market.charts["big"] = daily_chart(back(4), range(1, 7))
    tomorrow = client_of(market, now=NIGHT + timedelta(days=1))
    assert complete(stocked, tomorrow).success
    assert market.charts_asked[asked:] == ["big"]
    assert outlook(stocked, tomorrow).coins_without_news == 2


def test_coins_that_left_the_list_are_completed_on_plans_that_serve_them(stocked: Database, market: FakeMarket) -> None:
    with stocked.transaction() as connection:
        connection.execute(
            update(tables.assets)
            .where(tables.assets.c.asset_id == "small")
            .values(is_active=False, last_seen_on=back(1))
        )
    facts = metadata_of(complete(stocked, client_of(market)), "market_charts")
    assert sorted(market.charts_asked) == ["big", "middle"]
    assert facts["coins_not_served"] == 1
    assert outlook(stocked, client_of(market)).completeness == 1.0
    facts = metadata_of(complete(stocked, client_of(market, "analyst")), "market_charts")
    assert market.charts_asked[2:] == ["small"]
    assert facts["coins_not_served"] == 0


def test_a_plan_that_changed_under_a_run_ends_it_for_good_and_keeps_what_came(
    stocked: Database, market: FakeMarket
) -> None:
    limit = {"error": {"status": {"error_code": 10012, "error_message": "more than your plan allows"}}}
    market.charts["middle"] = Answer(limit, 401)
    dates = DateRange(back(3), back(2))
    assert "more than the plan allows" in failure_of(fetch(stocked, client_of(market, "analyst"), dates))
    assert "big" in {coin for (coin,) in rows_of(stocked, "SELECT asset_id FROM market_charts")}
    assert rows_of(stocked, "SELECT COUNT(*) FROM daily_market WHERE asset_id = 'big'") == [(5,)]
    market.charts["middle"] = daily_chart(back(4), range(1, 6))
    asked = len(market.charts_asked)
    assert fetch(stocked, client_of(market), dates).success
    assert "big" not in market.charts_asked[asked:]


def test_a_value_that_coingecko_changed_is_kept_and_counted_by_the_check(stocked: Database, market: FakeMarket) -> None:
    complete(stocked, client_of(market))
    market.charts["big"] = daily_chart(back(4), [1, 77, 3, 4, 5, 6])
    later = client_of(market, now=NIGHT + timedelta(days=1))
    facts = metadata_of(complete(stocked, later), "market_charts")
    assert facts["values_revised"] == 3
    old_and_new = "SELECT old_value, new_value FROM market_revisions WHERE column_name = 'price_usd'"
    assert rows_of(stocked, old_and_new) == [(2.0, 77.0)]
    name = "coingecko_revised_no_day_that_was_over"
    check = Runner(stocked, later).check(name)[name]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["values_revised"].value == 3
    assert f"| big | 3 | {back(3)} | {back(3)} |" in str(check.metadata["examples"].value)
    after_a_week = client_of(market, now=NIGHT + timedelta(days=9))
    assert Runner(stocked, after_a_week).check(name)[name].passed


def test_a_newly_listed_coin_is_asked_for_at_once_and_once(stocked: Database, market: FakeMarket) -> None:
    stock(stocked, ("fresh",))
    market.charts["fresh"] = daily_chart(back(4), range(1, 6))
    assert evaluate(new_coins_sensor, stocked, market).skip_message == "No newly listed coin lacks its history."
    list_as_new(stocked, "fresh")
    list_as_new(stocked, "big", back(40))
    request = evaluate(new_coins_sensor, stocked, market)
    config = config_of(request)
    assert (config["asset_ids"], config["from_date"]) == (["fresh"], str(FIRST))
    assert request.run_key == evaluate(new_coins_sensor, stocked, market).run_key
    assert fetch(stocked, client_of(market), **config).success
    assert market.charts_asked == ["fresh"]
    assert isinstance(evaluate(new_coins_sensor, stocked, market), dg.SkipReason)


def test_a_newly_listed_coin_is_one_event_on_a_plan_with_all_history(stocked: Database, market: FakeMarket) -> None:
    stock(stocked, ("fresh",))
    market.charts["fresh"] = daily_chart(back(4), range(1, 6))
    list_as_new(stocked, "fresh")
    clock = FakeClock(NIGHT)
    client = CoinGecko(choose_plan("analyst", has_key=True), clock=clock, now=clock.now, adapter=market.server)
    resources = {"now": client.now, "warehouse": stocked, "plan": client.plan}
    with empty_instance() as instance:
        request: Any = new_coins_sensor(dg.build_sensor_context(instance=instance, resources=resources))
        result = fetch(stocked, client, **config_of(request))
    assert len(result.get_asset_materialization_events()) == 1
    # A year, though the plan would serve the days since 2013: a coin that is new has no more.
    assert [query["days"] for query in market.server.queries() if "days" in query] == ["365"]


def test_no_new_coin_is_asked_for_while_a_run_asks_for_charts(stocked: Database, market: FakeMarket) -> None:
    list_as_new(stocked, "big")
    job = build_definitions().resolve_job_def("market_charts_job")
    with stored_instance() as instance:
        for status in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED):
            run = instance.create_run_for_job(job, status=status)
            skipped = evaluate(new_coins_sensor, stocked, market, instance)
            assert skipped.skip_message == f"The run {run.run_id}, which fetches charts, has not ended."
            instance.report_run_failed(run)
        assert isinstance(evaluate(new_coins_sensor, stocked, market, instance), dg.RunRequest)


def test_a_run_that_failed_is_asked_for_again_each_day_and_not_for_ever(stocked: Database, market: FakeMarket) -> None:
    list_as_new(stocked, "big")
    keys = {
        evaluate(new_coins_sensor, stocked, market, now=NIGHT + timedelta(hours=hours)).run_key
        for hours in range(0, 24 * 30, 8)
    }
    # Dagster starts no second run of a key, so 90 ticks are 30 runs at most.
    assert len(keys) == 30
    after = evaluate(new_coins_sensor, stocked, market, now=NIGHT + timedelta(days=31))
    assert after.skip_message == "No newly listed coin lacks its history."


def test_new_coins_wait_where_the_month_has_nothing_left(stocked: Database, market: FakeMarket) -> None:
    stock(stocked, ("fresh",))
    list_as_new(stocked, "fresh")
    skipped = evaluate(new_coins_sensor, stocked, market, credits_per_month=23 * 3)
    assert "1 newly listed coin(s) lack their history" in skipped.skip_message
    assert "until 2026-04-01" in skipped.skip_message


def test_without_any_coin_the_schedule_says_what_to_do(database: Database, market: FakeMarket) -> None:
    skipped = evaluate(history_completion_schedule, database, market)
    assert "materialize coingecko/raw_asset_list" in skipped.skip_message
