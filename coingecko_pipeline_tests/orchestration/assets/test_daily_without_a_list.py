"""The day's snapshot does not need the day's list."""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline.sources import Opening
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer, market_row
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import COINS
from coingecko_pipeline_tests.running import failure_of, metadata_of, rows_of, run_job

TODAY = date(2026, 3, 9)
EARLY = datetime(2026, 3, 9, 0, 5, tzinfo=UTC)
YESTERDAY = datetime(2026, 3, 8, 0, 5, tzinfo=UTC)


@pytest.fixture
def market() -> FakeMarket:
    """Three coins, each with a current price."""
    return FakeMarket(
        rows=[market_row(coin, 5.0, 1e9 - rank, "2026-03-09T00:04:00Z") for rank, coin in enumerate(COINS)]
    )


def client_of(market: FakeMarket, now: datetime = EARLY) -> CoinGecko:
    clock = FakeClock(now)
    return CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=market.server)


def day(database: Database, market: FakeMarket) -> dg.ExecuteInProcessResult:
    return run_job("daily_market_job", database, client_of(market), TODAY)


def checks_after(
    result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, database: Database, source: str = "coingecko"
) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks of a source's list and market that the run after a day's run evaluates."""
    assert result.success
    job = "market_checks_job" if source == "coingecko" else f"{source}_checks_job"
    checked = run_job(job, database, None, now=lambda: EARLY, instance=instance)
    return {
        check.check_name: check for check in checked.get_asset_check_evaluations() if check.asset_key.path[0] == source
    }


def know(database: Database, market: FakeMarket) -> None:
    """Let yesterday's list be taken."""
    assert run_job("asset_list_job", database, client_of(market, YESTERDAY)).success


FAILURES = [
    Answer(b"", 503),
    Answer(b"", 429),
    Answer(b"<html>sorry</html>"),
    Answer(b'[{"id": "bi'),
    Answer({"error": "gone"}, 404),
    Answer({"error": "no such parameter"}, 422),
    Answer({"coins": []}),
    Answer([]),
    Answer([{"symbol": "btc"}, {"symbol": "eth"}]),
    Answer([{"id": "x" * 300}]),
    Answer([{"id": "another"}]),
]


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("answer", FAILURES, ids=lambda answer: f"{answer.status}-{answer.body[:12]!r}")
def test_the_snapshot_is_taken_of_the_coins_known(database: Database, market: FakeMarket, answer: Answer) -> None:
    know(database, market)
    market.list_answer = answer
    with empty_instance() as instance:
        result = run_job("daily_market_job", database, client_of(market), TODAY, instance=instance)
        checks = checks_after(result, instance, database)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert dict(rows_of(database, "SELECT asset_id, source FROM daily_market")) == dict.fromkeys(COINS, "snapshot")
    assert metadata_of(result, "raw_asset_list")["list_taken"] is False
    told = checks["the_list_was_taken"]
    assert (told.passed, told.severity, told.blocking) == (False, dg.AssetCheckSeverity.ERROR, False)
    assert told.metadata["reason"].value == metadata_of(result, "raw_asset_list")["reason"]
    assert checks["every_listed_asset_is_present"].passed
    assert rows_of(database, "SELECT COUNT(*) FROM asset_changes") == [(0,)]
    assert {str(row[0]) for row in rows_of(database, "SELECT last_seen_on FROM assets")} == {"2026-03-08"}
    market.list_answer = None
    assert metadata_of(day(database, market), "raw_asset_list")["list_taken"] is True
    assert {str(row[0]) for row in rows_of(database, "SELECT last_seen_on FROM assets")} == {"2026-03-09"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b"", 401), "check COINGECKO_API_KEY"),
        (Answer({"status": {"error_code": 10005}}, 401), "set COINGECKO_PLAN to the plan of the key"),
        (Answer(b"", 403), "this address or key is blocked"),
    ],
    ids=["key", "plan", "address"],
)
def test_a_refused_key_plan_or_address_fails_at_once(
    database: Database, market: FakeMarket, answer: Answer, words: str
) -> None:
    know(database, market)
    market.list_answer = answer
    calls = len(market.server.requests)
    assert words in failure_of(day(database, market))
    assert len(market.server.requests) == calls + 1


@pytest.mark.parametrize("answer", FAILURES[:10], ids=lambda answer: f"{answer.status}-{answer.body[:12]!r}")
def test_without_any_coin_known_the_list_fails_at_once(database: Database, market: FakeMarket, answer: Answer) -> None:
    market.list_answer = answer
    assert "There is no earlier list of CoinGecko to go on with" in failure_of(day(database, market))


def test_a_list_with_broken_entries_is_taken_and_the_snapshot_too(database: Database, market: FakeMarket) -> None:
    entries: list[Any] = [{"id": coin, "symbol": coin, "name": "\ud800"} for coin in COINS]
    market.list_answer = Answer([*entries, *entries, {"id": "x" * 300}, None])
    result = day(database, market)
    assert result.success
    assert metadata_of(result, "raw_asset_list")["entries_set_aside"] == 5
    assert rows_of(database, "SELECT COUNT(*) FROM daily_market") == [(3,)]


def test_the_other_source_goes_on_without_its_list_too(database: Database, second: Database) -> None:
    entries: list[Any] = [{"id": f"c{number}", "symbol": "", "name": "C", "is_active": True} for number in range(4)]
    broken = [{**entries[0], "name": "again"}, {**entries[1], "id": "x" * 300}, None, {"id": "off", "is_active": False}]
    quote = {"price": 2.0, "volume_24h": 1.0, "market_cap": 3.0}
    tickers = Answer(
        [{"id": e["id"], "last_updated": "2026-03-09T00:04:00Z", "quotes": {"USD": quote}} for e in entries]
    )

    def take(listed: Answer, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        server = FakeServer(lambda request: tickers if str(request.url).endswith("/tickers") else listed)
        clock = FakeClock(EARLY)
        client = CoinPaprika(Opening(now=clock.now, sleep=clock.sleep, adapter=server))
        return run_job("coinpaprika_daily_job", database, None, TODAY, coinpaprika=client, instance=instance)

    with empty_instance() as instance:
        facts = metadata_of(take(Answer([*entries, *broken]), instance), "raw_asset_list")
        assert (facts["coins"], facts["entries_set_aside"]) == (4, 3)
        for failing in (Answer(b"", 500), Answer({}), Answer([{"id": "c0"}]), Answer(entries[:2])):
            checks = checks_after(take(failing, instance), instance, database, "coinpaprika")
            assert not checks["the_list_was_taken"].passed
            assert rows_of(second, "SELECT COUNT(*) FROM assets WHERE is_active") == [(4,)]
            assert rows_of(second, "SELECT COUNT(*) FROM daily_market") == [(4,)]
    assert rows_of(second, "SELECT COUNT(*) FROM refused_asset_list") == [(2,)]
    assert rows_of(database, "SELECT COUNT(*) FROM refused_asset_list") == [(0,)]
