import logging
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.acquisition.progress import LogProgress
from coingecko_pipeline.acquisition.snapshot import acquire_snapshot
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.pages import verify_pages
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.errors import BrokenAnswer
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables import OriginError, claim_origin
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer, daily_chart, market_row
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import COINS, stock
from coingecko_pipeline_tests.recordings import load
from coingecko_pipeline_tests.running import Runner, failure_of, metadata_of, rows_of

TODAY = date(2026, 3, 9)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
EARLY = datetime(2026, 3, 9, 0, 5, tzinfo=UTC)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def client_of(server: FakeServer | FakeMarket, now: datetime = NOON, plan: str = "keyless") -> CoinGecko:
    clock = FakeClock(now)
    adapter = server.server if isinstance(server, FakeMarket) else server
    return CoinGecko(PLANS[plan], clock=clock, now=clock.now, adapter=adapter)


def take(database: Database, client: CoinGecko, dates: DateRange | date, **config: Any) -> Any:
    return Runner(database, client).materialize(["daily_market"], dates, **config)


def market_of(database: Database) -> list[tuple[str, str, float | None, str]]:
    rows = rows_of(database, "SELECT date, asset_id, price_usd, source FROM daily_market ORDER BY date, asset_id")
    return [(str(day), coin, price, source) for day, coin, price, source in rows]


@pytest.fixture
def market() -> FakeMarket:
    """Three coins with charts of five days, ending today; the price tells the coin and the day."""
    days = range(5)
    return FakeMarket(
        charts={
            coin: daily_chart(back(4), [number * 100 + day for day in days])
            for number, coin in enumerate(COINS, start=1)
        },
        rows=[
            market_row("small", 0.5, 10, "2026-03-09T00:00:41.123Z"),
            market_row("middle", None, None, "2026-01-09T00:00:00Z"),
            market_row("big", 900, 9e12, "2026-03-09T00:04:59.999Z"),
        ],
    )


def test_today_alone_is_a_snapshot_of_the_market_pages(stocked: Database, market: FakeMarket) -> None:
    result = take(stocked, client_of(market, EARLY), TODAY)
    assert result.success
    assert market_of(stocked) == [
        ("2026-03-09", "big", 900.0, "snapshot"),
        ("2026-03-09", "middle", None, "stale"),
        ("2026-03-09", "small", 0.5, "snapshot"),
    ]
    observed = rows_of(stocked, "SELECT observed_at FROM daily_market WHERE asset_id = 'big'")[0][0]
    assert str(observed).startswith("2026-03-09 00:04:59.999")
    assert market.charts_asked == []
    assert all(check.passed for check in Runner(stocked, client_of(market, EARLY)).check().values())


def test_a_materialization_carries_what_a_person_wants_to_see(stocked: Database, market: FakeMarket) -> None:
    facts = metadata_of(take(stocked, client_of(market, EARLY), TODAY), "daily_market")
    assert (facts["rows_written"], facts["calls"], facts["credits"]) == (3, 1, 1)
    assert {"seconds", "calls_per_minute", "dagster/table_name"} <= facts.keys()
    assert "| big | big | 900 | 9,000 | 9,000,000,000,000 |" in facts["largest_coins"]
    assert facts["dagster/partition_row_count"] == 3


def test_a_hostile_name_is_no_link_where_a_run_shows_it(stocked: Database, market: FakeMarket) -> None:
    name = "[free](https://evil.example) ![](https://evil.example/seen.png) | <b>"
    with stocked.transaction() as connection:
        connection.execute(tables.assets.update().values(name=name, symbol=name[:40]))
    facts = metadata_of(take(stocked, client_of(market, EARLY), TODAY), "daily_market")
    assert r"\[free\]" in facts["largest_coins"]
    assert not re.search(r"(?<!\\)[\[\]<>]|https://", facts["largest_coins"])


def test_a_range_is_filled_from_charts_with_every_day_that_they_bring(stocked: Database, market: FakeMarket) -> None:
    result = take(stocked, client_of(market), DateRange(back(3), back(2)))
    assert result.success
    assert market_of(stocked) == [
        (str(back(4 - offset)), coin, float(number * 100 + offset), "chart")
        for offset in range(5)
        for number, coin in enumerate(COINS, start=1)
    ]
    observed = rows_of(stocked, "SELECT DISTINCT observed_at FROM daily_market ORDER BY observed_at")
    assert [str(moment)[:19] for (moment,) in observed] == [f"{back(days)} 00:00:00" for days in (4, 3, 2, 1, 0)]
    facts = metadata_of(result, "daily_market")
    assert (facts["calls"], facts["credits"], facts["coins_asked"], facts["rows_written"]) == (3, 3, 3, 15)


def test_one_past_date_is_filled_from_charts(stocked: Database, market: FakeMarket) -> None:
    assert take(stocked, client_of(market), back(1)).success
    assert len(market.charts_asked) == 3
    assert len([row for row in market_of(stocked) if row[0] == str(back(1))]) == 3


def test_a_range_that_the_archive_covers_makes_no_call(stocked: Database, market: FakeMarket) -> None:
    take(stocked, client_of(market), DateRange(back(3), back(3)))
    asked = len(market.server.requests)
    for dates in (DateRange(back(3), back(3)), DateRange(back(4), TODAY), DateRange(back(360), back(340))):
        result = take(stocked, client_of(market), dates)
        assert result.success
        assert metadata_of(result, "daily_market")["calls"] == 0
    assert len(market.server.requests) == asked
    assert len(market_of(stocked)) == 15


def test_a_day_later_a_chart_is_asked_for_only_where_the_new_day_is(stocked: Database, market: FakeMarket) -> None:
    take(stocked, client_of(market), DateRange(back(3), back(1)))
    tomorrow = client_of(market, NOON + timedelta(days=1))
    assert metadata_of(take(stocked, tomorrow, DateRange(back(3), TODAY)), "daily_market")["calls"] == 0
    new_day = DateRange(back(3), TODAY + timedelta(days=1))
    assert metadata_of(take(stocked, tomorrow, new_day), "daily_market")["calls"] == 3


def test_a_chart_replaces_a_snapshot_and_never_the_reverse(stocked: Database, market: FakeMarket) -> None:
    take(stocked, client_of(market, EARLY), TODAY)
    take(stocked, client_of(market), DateRange(back(1), TODAY))
    exact = [row for row in market_of(stocked) if row[0] == str(TODAY)]
    assert {row[3] for row in exact} == {"chart"}
    assert take(stocked, client_of(market), TODAY).success
    assert [row for row in market_of(stocked) if row[0] == str(TODAY)] == exact


def test_of_two_snapshots_the_one_nearer_to_midnight_stays_in_whatever_order_they_come(stocked: Database) -> None:
    for price, moment in ((2, "2026-03-09T00:02:00Z"), (3, "2026-03-09T18:00:00Z"), (1, "2026-03-09T00:01:00Z")):
        take(stocked, client_of(FakeMarket(rows=[market_row("big", price, 1, moment)])), TODAY)
    assert market_of(stocked) == [("2026-03-09", "big", 1.0, "snapshot")]


def test_again_replaces_the_snapshot_that_was_nearer_to_midnight_and_no_chart(
    stocked: Database, market: FakeMarket
) -> None:
    take(stocked, client_of(market), DateRange(back(1), TODAY), asset_ids=["small"])
    early = [market_row("big", 1, 1, "2026-03-09T00:01:00Z")]
    take(stocked, client_of(FakeMarket(rows=early), EARLY), TODAY)
    evening = FakeMarket(rows=[market_row(coin, 7, 1, "2026-03-09T18:00:00Z") for coin in ("big", "small")])
    assert take(stocked, client_of(evening, NOON + timedelta(hours=6)), TODAY, again=True).success
    today = [row for row in market_of(stocked) if row[0] == str(TODAY)]
    assert today == [("2026-03-09", "big", 7.0, "snapshot"), ("2026-03-09", "small", 304.0, "chart")]


def test_a_keyless_run_that_passes_midnight_writes_no_price_of_the_next_day(database: Database) -> None:
    coins = [f"coin-{number:05}" for number in range(3_000)]
    stock(database, tuple(coins))
    clock = FakeClock(datetime(2026, 3, 9, 23, 59, tzinfo=UTC))

    def answer(request: Any) -> Answer:
        query = dict(pair.split("=") for pair in request.url.split("?")[1].split("&"))
        page, now = int(query["page"]), clock.now()
        rows = [
            market_row(coin, float(now.day), 1.0, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
            for coin in coins[(page - 1) * 250 : page * 250]
        ]
        return Answer(rows)

    client = CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=FakeServer(answer))
    result = take(database, client, TODAY)
    assert result.success
    assert clock.now().date() == TODAY + timedelta(days=1)
    stored = rows_of(database, "SELECT DISTINCT date, price_usd FROM daily_market")
    assert [(str(day), price) for day, price in stored] == [(str(TODAY), 9.0)]
    rows = len(market_of(database))
    facts = metadata_of(result, "daily_market")
    assert 0 < rows < len(coins)
    assert (facts["coins_left"], facts["pages_too_late"]) == (len(coins) - rows, 1)


def test_the_largest_coins_are_taken_by_their_latest_market_cap(stocked: Database, market: FakeMarket) -> None:
    take(stocked, client_of(market, EARLY), TODAY)
    assert take(stocked, client_of(market), DateRange(back(3), back(2)), top=2).success
    assert sorted(market.charts_asked) == ["big", "small"]


def test_the_largest_coins_are_asked_for_where_no_market_is_known_yet(stocked: Database, market: FakeMarket) -> None:
    result = take(stocked, client_of(market), DateRange(back(3), back(2)), top=1)
    assert market.charts_asked == ["big"]
    assert metadata_of(result, "daily_market")["calls"] == 2


def test_chosen_coins_alone_are_filled(stocked: Database, market: FakeMarket) -> None:
    take(stocked, client_of(market), DateRange(back(3), back(2)), asset_ids=["small", "small"])
    take(stocked, client_of(market), TODAY, asset_ids=["middle"])
    assert {row[1] for row in market_of(stocked)} == {"small", "middle"}
    assert market.charts_asked == ["small"]


def test_max_calls_does_the_part_that_fits_and_tells_what_is_left(stocked: Database, market: FakeMarket) -> None:
    facts = metadata_of(take(stocked, client_of(market), DateRange(back(3), back(2)), max_calls=2), "daily_market")
    assert (facts["calls"], facts["coins_left"]) == (2, 1)
    facts = metadata_of(take(stocked, client_of(market), DateRange(back(3), back(2)), max_calls=2), "daily_market")
    assert (facts["calls"], facts["coins_left"]) == (1, 0)


def test_a_run_for_some_coins_is_not_blamed_for_the_others(stocked: Database, market: FakeMarket) -> None:
    with empty_instance() as instance:
        runner = Runner(stocked, client_of(market), instance=instance)
        runner.materialize(["daily_market"], TODAY, asset_ids=["big"])
        assert runner.check("the_day_covers_the_active_assets")["the_day_covers_the_active_assets"].passed
        runner.materialize(["daily_market"], DateRange(back(2), TODAY), asset_ids=["big"])
        assert runner.check("the_day_covers_the_active_assets")["the_day_covers_the_active_assets"].passed


def test_an_unknown_coin_is_refused_before_any_call_with_a_hint(stocked: Database, market: FakeMarket) -> None:
    result = take(stocked, client_of(market), DateRange(back(3), back(2)), asset_ids=["midle"])
    assert "'midle'; did you mean 'middle'" in failure_of(result)
    assert market.server.requests == []


def test_a_range_before_the_plans_history_is_refused_before_any_call(stocked: Database, market: FakeMarket) -> None:
    result = take(stocked, client_of(market), DateRange(back(368), back(360)))
    assert f"begin at {back(364)}" in failure_of(result)
    assert market.server.requests == []


def test_an_empty_table_of_coins_says_what_to_do(database: Database, market: FakeMarket) -> None:
    for dates in (TODAY, DateRange(back(3), back(2))):
        result = take(database, client_of(market), dates)
        assert "materialize coingecko/raw_asset_list and coingecko/assets first" in failure_of(result)
    assert market.server.requests == []


def test_a_coin_without_a_chart_is_told_and_stops_nothing(stocked: Database, market: FakeMarket) -> None:
    del market.charts["middle"]
    result = take(stocked, client_of(market), DateRange(back(3), back(2)))
    assert result.success
    facts = metadata_of(result, "daily_market")
    assert (facts["coins_not_found"], facts["coins_not_found_examples"]) == (1, ["middle"])
    assert (facts["calls"], facts["credits"]) == (3, 2)


def test_what_was_fetched_before_a_permanent_error_is_not_paid_again(stocked: Database, market: FakeMarket) -> None:
    whole = market.charts["middle"]
    market.charts["middle"] = Answer({"status": {"error_code": 10002, "error_message": "API Key Missing"}}, 401)
    result = take(stocked, client_of(market), DateRange(back(3), back(2)))
    assert "check COINGECKO_API_KEY" in failure_of(result)
    # The third chart was under way or had not begun; where it came, it is kept.
    archived = {coin for (coin,) in rows_of(stocked, "SELECT asset_id FROM market_charts")}
    assert archived in ({"big"}, {"big", "small"})
    spent = [(len(market.server.requests), len(archived))]
    assert rows_of(stocked, "SELECT SUM(calls), SUM(credits) FROM api_usage") == spent
    market.charts["middle"] = whole
    result = take(stocked, client_of(market), DateRange(back(3), back(2)))
    assert metadata_of(result, "daily_market")["calls"] == 3 - len(archived)
    assert len(market_of(stocked)) == 15


def test_a_failure_that_passed_is_told(stocked: Database, market: FakeMarket) -> None:
    failing = iter([Answer(b"Throttled", 429, {"Retry-After": "3"}), Answer(b"", 500)])
    server = FakeServer(lambda request: next(failing, None) or market._answer(request))
    facts = metadata_of(take(stocked, client_of(server), DateRange(back(3), back(2))), "daily_market")
    assert facts["failures_survived"] == {"RateLimited": 1, "ServiceUnavailable": 1}
    assert (facts["calls"], facts["credits"]) == (5, 3)


def test_markets_without_any_coin_are_no_snapshot(stocked: Database) -> None:
    client = client_of(FakeMarket())
    progress = LogProgress(logging.getLogger("test"))
    acquisition = acquire_snapshot(Request(DateRange(TODAY, TODAY)), stocked, client, progress)
    with pytest.raises(BrokenAnswer, match="no coin"):
        next(acquisition.frames)


def test_a_coin_on_two_pages_becomes_one_row(stocked: Database) -> None:
    rows = [market_row(f"coin-{number}", 1, 1, "2026-03-09T00:01:00Z") for number in range(250)]
    pages = iter([rows, [rows[-1], market_row("last", 1, 1, "2026-03-09T00:01:00Z")], []])
    result = take(stocked, client_of(FakeServer(lambda _request: Answer(next(pages)))), TODAY)
    assert metadata_of(result, "daily_market")["rows_written"] == 251


def test_coins_that_slipped_between_two_pages_are_asked_for_by_their_ids(stocked: Database) -> None:
    pages = [["big", "small"], ["middle"], ["big", "small"]]
    server = FakeServer(Answer([market_row(name, 1, 1, "2026-03-09T00:01:00Z") for name in page]) for page in pages)
    result = take(stocked, client_of(server), TODAY)
    assert [query.get("ids") for query in server.queries()] == [None, "middle"]
    assert metadata_of(result, "daily_market")["rows_written"] == 3
    bounded = take(stocked, client_of(server), TODAY, max_calls=1)
    assert metadata_of(bounded, "daily_market")["calls"] == 1


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_recorded_chart_pairs_end_in_the_same_table_in_either_order(
    database: Database, order: tuple[str, str]
) -> None:
    coins = ("bitcoin", "dogecoin", "litecoin", "polkadot")
    stock(database, coins)
    last = date(2026, 7, 9)
    # Whatever dates are asked for, a chart brings its year.
    dates = DateRange(last - timedelta(days=4), last)
    for capture in order:
        with database.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM market_charts")
            connection.exec_driver_sql("DELETE FROM chart_coverage")
        market = FakeMarket({coin: load(f"market_chart/2026-07-09{capture}/{coin}.json.gz") for coin in coins})
        client = client_of(market, datetime(2026, 7, 9, 20, tzinfo=UTC))
        assert take(database, client, dates).success
    body = load("market_chart/2026-07-09a/bitcoin.json.gz")
    expected = [
        (price[1], volume[1], cap[1])
        for price, volume, cap in zip(body["prices"], body["total_volumes"], body["market_caps"], strict=True)
        if price[0] % 86_400_000 == 0
    ]
    stored = rows_of(
        database,
        "SELECT price_usd, volume_24h_usd, market_cap_usd FROM daily_market WHERE asset_id = 'bitcoin' ORDER BY date",
    )
    assert stored == expected
    assert rows_of(database, "SELECT COUNT(*) FROM daily_market") == [(4 * 365,)]


def test_data_of_the_other_origin_are_refused_before_they_are_stored(stocked: Database, market: FakeMarket) -> None:
    claim_origin(stocked, "live")

    def refuse(origin: str) -> None:
        claim_origin(stocked, "sandbox" if origin == "sandbox" else "live")

    server = FakeServer(lambda request: Answer(market._answer(request).body, headers={"x-sandbox": "synthetic"}))
    clock = FakeClock(NOON)
    client = CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=server, on_origin=refuse)
    assert "holds live data" in failure_of(take(stocked, client, TODAY))
    assert market_of(stocked) == []
    with pytest.raises(OriginError):
        client.asset_list()


EVERY_COIN = "every_coin_of_the_list_has_a_row_or_a_reason"


@on_sqlite
def test_a_coin_that_the_markets_do_not_have_has_its_reason_and_a_lost_row_has_none(
    stocked: Database, market: FakeMarket
) -> None:
    market.rows = [row for row in market.rows if row["id"] != "small"]
    assert take(stocked, client_of(market, EARLY), TODAY).success
    check = Runner(stocked, client_of(market, EARLY)).check()[EVERY_COIN]
    assert check.passed
    assert (check.metadata["coins_without_a_row"].value, check.metadata["not_served"].value) == (1, 1)
    with stocked.transaction() as connection:
        connection.execute(delete(tables.daily_market).where(tables.daily_market.c.asset_id == "big"))
    check = Runner(stocked, client_of(market, EARLY)).check()[EVERY_COIN]
    assert not check.passed
    assert check.metadata["examples"].value == ["big"]


def test_each_row_is_kept_whole_with_its_page(stocked: Database, market: FakeMarket) -> None:
    market.rows = [{**row, "total_supply": 1.8e23, "market_cap_rank": 1} for row in market.rows]
    assert take(stocked, client_of(market, EARLY), TODAY).success
    whole = rows_of(stocked, "SELECT asset_id, price_usd, total_supply, market_cap_rank FROM market_snapshots")
    assert sorted(tuple(row) for row in whole) == [
        ("big", 900.0, 1.8e23, 1),
        ("middle", None, 1.8e23, 1),
        ("small", 0.5, 1.8e23, 1),
    ]
    assert rows_of(stocked, "SELECT what FROM market_pages")[0][0] == "page 1 of the markets"
    assert verify_pages(stocked).is_clean
    asked = market.server.queries()[-1]
    assert (asked["include_rehypothecated"], asked["precision"]) == ("true", "full")
