"""A request of past dates, from the plan to the rows: what was paid for is never asked for again, and never lost."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import BudgetExceeded
from coingecko_pipeline.acquisition.history import acquire_history
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.archive.answers import Outcome
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.verify import verify_market
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.acquisition.asking import BROKEN, Watched, client_of
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, prices
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import FakeMarket, daily_chart
from coingecko_pipeline_tests.market.stocking import archive, change_rows, market_of
from coingecko_pipeline_tests.orchestration.assets.conftest import COINS, stock

EMPTY: dict[str, list[Any]] = {"prices": [], "market_caps": [], "total_volumes": []}
WEEK = DateRange(back(6), TODAY)


def acquire(database: Database, client: CoinGecko, dates: DateRange = WEEK, **request: Any) -> Mapping[str, Any]:
    acquisition = acquire_history(Request(dates, **request), database, client, Watched())
    acquisition.run()
    return acquisition.facts()


def complete(database: Database, client: CoinGecko) -> Mapping[str, Any]:
    return acquire(database, client, complete_history=True)


@pytest.fixture
def coins(database: Database) -> Database:
    stock(database, COINS)
    return database


@pytest.fixture
def market() -> FakeMarket:
    return FakeMarket(dict.fromkeys(COINS, daily_chart(back(9), range(1, 11))))


def test_an_empty_answer_after_a_full_one_costs_no_row_and_what_was_paid_for_stays_free(
    coins: Database, market: FakeMarket
) -> None:
    acquire(coins, client_of(market))
    before = market_of(coins)
    assert len(before) == 30
    market.charts = dict.fromkeys(COINS, EMPTY)
    tomorrow = NIGHT + timedelta(days=1)
    facts = acquire(coins, client_of(market, now=tomorrow), DateRange(back(6), tomorrow.date()))
    assert (facts["calls"], facts["answers_empty"]) == (3, 3)
    assert market_of(coins) == before
    asked = len(market.charts_asked)
    facts = acquire(coins, client_of(market, now=tomorrow))
    assert (facts["calls"], facts["coins_archived"], len(market.charts_asked)) == (0, 3, asked)
    change_rows(coins, ["DELETE FROM daily_market"])
    assert acquire(coins, client_of(market, now=tomorrow), DateRange(back(9), TODAY))["rows_rewritten"] == 30
    assert market_of(coins) == before
    facts = complete(coins, client_of(market, now=tomorrow))
    assert (facts["calls"], facts["coins_waiting"]) == (0, 3)
    later = NIGHT + timedelta(days=8)
    assert complete(coins, client_of(market, now=later))["calls"] == 3


@pytest.mark.parametrize("fault", ["1e999", "a missing series"])
@on_sqlite
def test_a_broken_answer_harms_no_later_run_also_when_the_server_is_well_again(
    coins: Database, market: FakeMarket, fault: str
) -> None:
    acquire(coins, client_of(market))
    chart = market.charts["middle"]
    market.charts["middle"] = BROKEN[fault]
    tomorrow = NIGHT + timedelta(days=1)
    facts = complete(coins, client_of(market, now=tomorrow))
    assert list(facts["coins_faulty"]) == ["middle"]
    assert verify_market(coins).is_clean
    assert len([key for key in market_of(coins) if key[0] == "middle"]) == 10
    market.charts["middle"] = chart
    after = NIGHT + timedelta(days=2)
    assert complete(coins, client_of(market, now=after))["coins_faulty"] == {}
    assert read_coverage(coins)["middle"].outcome is Outcome.VALUES


def test_deleted_days_hidden_by_days_that_no_chart_had_are_seen_and_written_again_without_a_call(
    coins: Database, market: FakeMarket
) -> None:
    holed = daily_chart(back(29), [float(day) for day in range(30)])
    holed = {name: [point for at, point in enumerate(points) if not 5 <= at < 15] for name, points in holed.items()}
    market.charts = dict.fromkeys(COINS, holed)
    complete(coins, client_of(market))
    before = market_of(coins)
    assert len(before) == 60
    dates = ", ".join(f"'{back(day)}'" for day in range(2, 12))
    change_rows(coins, [f"DELETE FROM daily_market WHERE asset_id = 'big' AND date IN ({dates})"])
    facts = complete(coins, client_of(market))
    assert (facts["calls"], facts["rows_rewritten"]) == (0, 10)
    assert market_of(coins) == before
    assert complete(coins, client_of(market))["rows_rewritten"] == 0


@on_sqlite
def test_a_row_that_was_lost_comes_back_with_a_request_of_its_date_alone(coins: Database, market: FakeMarket) -> None:
    acquire(coins, client_of(market))
    change_rows(coins, [f"DELETE FROM daily_market WHERE date = '{back(3)}'"])
    day = DateRange(back(3), back(3))
    facts = acquire(coins, client_of(market), day, asset_ids=("small",))
    assert (facts["calls"], facts["rows_rewritten"]) == (0, 1)
    assert acquire(coins, client_of(market), day)["rows_rewritten"] == 2
    assert verify_market(coins).is_clean


def test_what_a_killed_run_left_in_the_archive_is_written_before_the_plan_is_made(
    coins: Database, market: FakeMarket
) -> None:
    for coin in COINS:
        archive(coins, answer_of(coin, prices(9, 0), at=NIGHT))
    facts = acquire(coins, client_of(market))
    assert (facts["calls"], facts["rows_written"]) == (0, 30)
    assert verify_market(coins).is_clean


def charts_asked_with(market: FakeMarket) -> list[str]:
    paths = zip(market.server.paths, market.server.queries(), strict=True)
    return [query["days"] for path, query in paths if path.endswith("/market_chart")]


@on_sqlite
def test_on_a_plan_with_all_history_a_refresh_asks_for_a_year_and_a_new_coin_costs_one_call(
    coins: Database, market: FakeMarket
) -> None:
    now = datetime(2026, 3, 9, 1, tzinfo=NIGHT.tzinfo)
    complete(coins, client_of(market, "analyst", now=now))
    all_days = (TODAY - date(2013, 4, 28)).days + 1
    assert charts_asked_with(market) == [str(all_days)] * 3
    for later in (1, 2):
        market.server.requests.clear()
        moment = now + timedelta(days=later)
        market.charts = dict.fromkeys(COINS, daily_chart(back(9), range(1, 11 + later)))
        assert complete(coins, client_of(market, "analyst", now=moment))["calls"] == 4, "the key once a day"
        assert charts_asked_with(market) == ["365"] * 3
    stock(coins, ("fresh",))
    market.charts["fresh"] = daily_chart(back(1), [1.0, 2.0])
    market.server.requests.clear()
    facts = acquire(
        coins,
        client_of(market, "analyst", now=now + timedelta(days=2)),
        DateRange(back(9), TODAY),
        asset_ids=("fresh",),
    )
    assert (facts["coins_asked"], facts["answers_values"], market.charts_asked) == (1, 1, ["fresh"])
    assert len([key for key in market_of(coins) if key[0] == "fresh"]) == 2


@on_sqlite
def test_what_the_month_does_not_bear_is_refused_before_any_call_or_cut_to_what_fits(
    coins: Database, market: FakeMarket
) -> None:
    # A list, a page and a spare call for 23 days, and two to use.
    client = client_of(market, credits_per_month=23 * 3 + 2)
    with pytest.raises(BudgetExceeded, match="needs 3 credits and 2 are left"):
        acquire(coins, client)
    assert market.server.requests == []
    facts = acquire(coins, client, fit_budget=True)
    assert (facts["calls"], facts["coins_left"], facts["credits_left"]) == (2, 1, 0)


@on_sqlite
def test_a_coin_that_left_the_list_keeps_its_rows_and_is_not_asked_for_on_a_free_plan(
    coins: Database, market: FakeMarket
) -> None:
    acquire(coins, client_of(market))
    gone = update(tables.assets).where(tables.assets.c.asset_id == "small").values(is_active=False, last_seen_on=TODAY)
    with coins.transaction() as connection:
        connection.execute(gone)
    tomorrow = NIGHT + timedelta(days=1)
    facts = acquire(coins, client_of(market, now=tomorrow), DateRange(back(3), tomorrow.date()))
    assert (facts["coins_archived"], facts["calls"]) == (1, 2)
    assert len(market_of(coins)) == 30


@on_sqlite
def test_an_answer_out_of_a_cache_leaves_its_day_to_be_asked_for_the_next_day(
    coins: Database, market: FakeMarket
) -> None:
    market.charts = dict.fromkeys(COINS, daily_chart(back(9), range(1, 10)))
    assert complete(coins, client_of(market))["calls"] == 3
    again = complete(coins, client_of(market, now=NIGHT + timedelta(hours=3)))
    assert (again["calls"], again["coins_waiting"]) == (0, 3)
    market.charts = dict.fromkeys(COINS, daily_chart(back(9), range(1, 12)))
    tomorrow = NIGHT + timedelta(days=1)
    assert complete(coins, client_of(market, now=tomorrow))["calls"] == 3
    assert len(market_of(coins)) == 33
    assert read_coverage(coins)["big"].points.count() == 11
