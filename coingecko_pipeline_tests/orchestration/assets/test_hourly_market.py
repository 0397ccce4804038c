"""The hourly market through the real job: what is asked for, what is stored, and what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.partitions import hour_key_of
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import FakeClock, FakeMarket, market_row
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.running import Runner, failure_of, metadata_of, rows_of, run_job

HOUR = datetime(2026, 3, 9, 11, tzinfo=UTC)
HOUR_KEY = hour_key_of(HOUR)
MINUTES_LATER = HOUR + timedelta(minutes=5)

HOURLY_CHECKS = ("the_hour_has_the_coins_that_were_asked_for", "the_hours_values_are_not_negative")


def client_of(market: FakeMarket, top: int = 2, now: datetime = MINUTES_LATER, plan: str = "demo") -> CoinGecko:
    clock = FakeClock(now)
    return CoinGecko(replace(PLANS[plan], hourly_top=top), clock=clock, now=clock.now, adapter=market.server)


def take(database: Database, client: CoinGecko, hour: Any = HOUR_KEY, **config: Any) -> Any:
    return run_job("hourly_market_job", database, client, hour, {"coingecko__hourly_market": config} if config else {})


def hours_of(database: Database) -> list[tuple[str, str, float | None]]:
    rows = rows_of(database, "SELECT hour_at, asset_id, price_usd FROM hourly_market ORDER BY hour_at, asset_id")
    return [(str(hour)[:19], coin, price) for hour, coin, price in rows]


@pytest.fixture
def market() -> FakeMarket:
    """Three coins, the two largest with values of minutes after the full hour."""
    return FakeMarket(
        rows=[
            market_row("small", 0.5, 10, "2026-03-09T11:00:41.123Z"),
            market_row("middle", 7, 1e6, "2026-03-09T11:04:00Z"),
            market_row("big", 900, 9e12, "2026-03-09T11:04:59.999Z"),
        ]
    )


def test_the_largest_coins_are_stored_under_the_hour_in_which_they_were_asked_for(
    stocked: Database, market: FakeMarket
) -> None:
    result = take(stocked, client_of(market))
    assert result.success
    assert hours_of(stocked) == [("2026-03-09 11:00:00", "big", 900.0), ("2026-03-09 11:00:00", "middle", 7.0)]
    assert market.server.queries()[0]["order"] == "market_cap_desc"
    values = rows_of(stocked, "SELECT volume_24h_usd, market_cap_usd, observed_at FROM hourly_market ORDER BY asset_id")
    assert values[0][:2] == (9000.0, 9e12)
    assert str(values[0][2]).startswith("2026-03-09 11:04:59.999")
    found = Runner(stocked, client_of(market)).check(*HOURLY_CHECKS)
    assert all(check.passed for check in found.values())
    assert len(found) == 2


def test_a_materialization_tells_what_was_asked_for_and_what_it_cost(stocked: Database, market: FakeMarket) -> None:
    facts = metadata_of(take(stocked, client_of(market)), "hourly_market")
    assert (facts["coins_asked"], facts["rows_written"], facts["dagster/partition_row_count"]) == (2, 2, 2)
    assert (facts["calls"], facts["credits"], facts["failures_survived"]) == (1, 1, {})


def test_its_calls_are_counted_apart_from_the_daily_snapshots(stocked: Database, market: FakeMarket) -> None:
    take(stocked, client_of(market))
    assert rows_of(stocked, "SELECT plan, endpoint, calls, credits FROM api_usage") == [
        ("demo", "coins/markets (hourly)", 1, 1)
    ]


def test_asked_again_within_the_hour_newer_values_win_and_older_ones_do_not(
    stocked: Database, market: FakeMarket
) -> None:
    take(stocked, client_of(market, top=3))
    market.rows[:2] = [
        market_row("small", 0.6, 10, "2026-03-09T11:50:00Z"),
        market_row("middle", 6, 1e6, "2026-03-09T11:03:00Z"),
    ]
    take(stocked, client_of(market, top=3, now=HOUR + timedelta(minutes=59)))
    assert [price for *_, price in hours_of(stocked)] == [900.0, 7.0, 0.6]


def test_the_config_chooses_another_number_of_coins(stocked: Database, market: FakeMarket) -> None:
    assert take(stocked, client_of(market, top=0), top=1).success
    assert [coin for _, coin, _ in hours_of(stocked)] == ["big"]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-1, "has not begun"), (60, "is over (it is 2026-03-09 12:00), and /coins/markets tells current prices only")],
)
def test_another_hour_than_the_current_one_is_refused_before_any_call(
    stocked: Database, market: FakeMarket, minutes: int, words: str
) -> None:
    result = take(stocked, client_of(market, now=HOUR + timedelta(minutes=minutes)))
    assert words in failure_of(result)
    assert market.server.requests == []
    assert hours_of(stocked) == []


def test_a_range_of_hours_is_refused_by_its_first_with_what_could_bring_it(
    stocked: Database, market: FakeMarket
) -> None:
    hours = dg.PartitionKeyRange(hour_key_of(HOUR - timedelta(hours=3)), HOUR_KEY)
    told = failure_of(take(stocked, client_of(market), hours))
    assert "The hour 2026-03-09 08:00 UTC is over" in told
    assert "at a call for each coin" in told
    assert "backfill --from 2026-03-09 --to 2026-03-09" in told
    assert market.server.requests == []


def test_where_it_is_off_the_refusal_says_how_to_turn_it_on(stocked: Database, market: FakeMarket) -> None:
    assert "set HOURLY_TOP" in failure_of(take(stocked, client_of(market, top=0)))
    assert market.server.requests == []


def test_an_empty_table_of_coins_says_what_to_do(database: Database, market: FakeMarket) -> None:
    assert "materialize coingecko/raw_asset_list" in failure_of(take(database, client_of(market)))
    assert market.server.requests == []


def test_an_hour_that_would_take_what_the_daily_snapshots_need_is_refused_with_the_figures(
    stocked: Database, market: FakeMarket
) -> None:
    # March has 22 whole days left and today; each needs a list, a page and a spare call.
    spent = {"day": date(2026, 3, 1), "plan": "demo", "endpoint": "coins/market_chart", "calls": 1}
    with stocked.transaction() as connection:
        connection.execute(insert(tables.api_usage), {**spent, "credits": 10_000 - 23 * 3})
    told = failure_of(take(stocked, client_of(market)))
    assert "needs 1 credits and 0 are left for it" in told
    assert "9,931 are spent and 69 reserved for the daily snapshots" in told
    assert market.server.requests == []


def test_more_coins_than_any_month_bears_are_refused_with_how_many_it_does(
    database: Database, market: FakeMarket
) -> None:
    stock(database, tuple(f"coin-{number}" for number in range(3_000)))
    # A month of 31 days: 10,000 less 31 * 15 for the daily snapshots is 12 pages in each of its 744 hours.
    told = failure_of(take(database, client_of(market, top=5_000)))
    for words in ("HOURLY_TOP is 5,000", "13 credits an hour and 9,672 in a month", "Set HOURLY_TOP to at most 3,000."):
        assert words in told
    assert market.server.requests == []


def test_a_coin_that_is_missing_warns_and_most_of_them_is_an_error(stocked: Database, market: FakeMarket) -> None:
    name = HOURLY_CHECKS[0]
    with empty_instance() as instance:
        runner = Runner(stocked, client_of(market, top=3), instance=instance)
        del market.rows[0]
        runner.materialize(["hourly_market"], HOUR_KEY)
        missing = runner.check(name)[name]
        assert (missing.passed, missing.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert {key: value.value for key, value in missing.metadata.items()} == {
            "hour": HOUR_KEY,
            "share": 2 / 3,
            "coins_asked": 3,
            "coins_present": 2,
        }
        with stocked.transaction() as connection:
            connection.execute(tables.hourly_market.delete())
        del market.rows[0]
        runner.materialize(["hourly_market"], HOUR_KEY)
        missing = runner.check(name)[name]
        assert (missing.passed, missing.severity) == (False, dg.AssetCheckSeverity.ERROR)


def test_a_negative_value_is_null_and_counted_where_it_is_read(stocked: Database, market: FakeMarket) -> None:
    market.rows[1] = market_row("middle", -7, 1e6, "2026-03-09T11:04:00Z")
    facts = metadata_of(take(stocked, client_of(market)), "hourly_market")
    assert hours_of(stocked) == [("2026-03-09 11:00:00", "big", 900.0), ("2026-03-09 11:00:00", "middle", None)]
    assert sum(facts["set_aside"].values()) == 2
    assert Runner(stocked, client_of(market)).check(HOURLY_CHECKS[1])[HOURLY_CHECKS[1]].passed


def test_a_negative_value_that_came_by_another_way_is_an_error_that_names_the_coin(
    stocked: Database, market: FakeMarket
) -> None:
    take(stocked, client_of(market))
    with stocked.transaction() as connection:
        connection.exec_driver_sql("UPDATE hourly_market SET price_usd = -7 WHERE asset_id = 'middle'")
    check = Runner(stocked, client_of(market)).check(HOURLY_CHECKS[1])[HOURLY_CHECKS[1]]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.metadata["examples"].value == ["middle"]


@on_sqlite
def test_the_sandboxs_hours_are_its_prices_at_that_minute(database: Database) -> None:
    clock = FakeClock(MINUTES_LATER)
    with RunningSandbox(SandboxOptions(coins=600, plan="keyless", clock=clock.now)) as sandbox:
        plan = replace(PLANS["keyless"], base_url=sandbox.url, hourly_top=300)
        client = CoinGecko(plan, clock=clock, now=clock.now)
        assert run_job("asset_list_job", database, client).success
        result = take(database, client)
        client.close()
    assert result.success
    assert len(hours_of(database)) == 300
    assert metadata_of(result, "hourly_market")["calls"] == 2
    moments = rows_of(database, "SELECT MAX(observed_at) FROM hourly_market")
    assert str(moments[0][0]).startswith("2026-03-09 11:05:00")
