"""Charts by coin: one never stops the others, and only the key, the plan, credits or a row of failures end a run."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from coingecko_pipeline.acquisition.charts import BUDGET_CALLS, FAILURES_IN_A_ROW, ChartResult, fetch_charts
from coingecko_pipeline.acquisition.planning import ChartCall
from coingecko_pipeline.archive.answers import Outcome
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.market.verify import verify_market
from coingecko_pipeline.sources.coingecko.errors import HistoryLimit, KeyRejected
from coingecko_pipeline.sources.errors import (
    AccessDenied,
    BadRequest,
    BrokenAnswer,
    ConnectionFailed,
    ServiceUnavailable,
    SourceError,
)
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.acquisition.asking import BROKEN, REFUSALS, Watched, client_of, fetch, source_of
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, back
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer, daily_chart
from coingecko_pipeline_tests.market.stocking import market_of
from coingecko_pipeline_tests.running import rows_of
from coingecko_pipeline_tests.unreliable import UnreliableDatabase

CHART = daily_chart(back(4), range(1, 6))
COINS = ("a", "b", "c", "d")


def outcomes_of(database: Database) -> dict[str, str]:
    return {coin: known.outcome.value for coin, known in read_coverage(database).items()}


def charts_of(coins: tuple[str, ...] = COINS, **others: Any) -> FakeMarket:
    return FakeMarket({**dict.fromkeys(coins, CHART), **others})


@pytest.mark.parametrize("fault", [*REFUSALS, *BROKEN])
@on_sqlite
def test_a_fault_of_one_coin_is_its_outcome_and_the_others_are_stored(database: Database, fault: str) -> None:
    result = fetch(database, client_of(charts_of(b={**REFUSALS, **BROKEN}[fault])), COINS)
    outcome = Outcome.REFUSED if fault in REFUSALS else Outcome.UNREADABLE
    assert outcomes_of(database) == {"a": "values", "b": outcome, "c": "values", "d": "values"}
    assert result.outcomes == {Outcome.VALUES: 3, outcome: 1}
    assert list(result.faulty) == ["b"]
    assert result.faulty["b"]
    assert len(market_of(database)) == 15
    coverage = read_coverage(database)["b"]
    assert coverage.ask_again_on == TODAY + timedelta(days=1)
    assert rows_of(database, "SELECT body IS NOT NULL FROM market_charts WHERE asset_id = 'b'") == [
        (int(outcome is Outcome.UNREADABLE),)
    ]


@pytest.mark.parametrize("coin", ["..", "."])
@on_sqlite
def test_an_id_that_no_url_can_hold_is_its_coins_outcome(database: Database, coin: str) -> None:
    market = charts_of()
    result = fetch(database, client_of(market), ["a", coin, "b"])
    assert outcomes_of(database) == {"a": "values", coin: "refused", "b": "values"}
    assert "no path of a URL can hold that id" in result.faulty[coin]
    assert sorted(market.charts_asked) == ["a", "b"]


def test_a_value_that_is_no_number_is_null_and_counted_and_its_chart_is_stored(database: Database) -> None:
    odd = {name: [list(point) for point in points] for name, points in CHART.items()}
    odd["prices"][1][1], odd["prices"][2][1], odd["market_caps"][1][1] = {"usd": 1}, True, "12.5"
    odd["total_volumes"][0][1] = -1
    result = fetch(database, client_of(charts_of(b=odd)), COINS)
    assert (result.not_numbers, result.negative, result.faulty) == (3, 1, {})
    stored = market_of(database)
    assert [stored["b", back(day)][:3] for day in (4, 3, 2)] == [
        (1.0, None, 1000.0),
        (None, 20.0, None),
        (None, 30.0, 3000.0),
    ]
    assert verify_market(database).is_clean


def test_a_coin_without_a_chart_is_told_and_asked_for_again_after_a_week(database: Database) -> None:
    result = fetch(database, client_of(charts_of(("a", "c"))), ["a", "b", "c"])
    assert (result.not_found, result.faulty) == (["b"], {})
    assert read_coverage(database)["b"].ask_again_on == TODAY + timedelta(days=7)


STOPS: dict[str, tuple[Answer, type[SourceError]]] = {
    "a wrong key": (Answer({"status": {"error_code": 10002}}, 401), KeyRejected),
    "a plan with less history": (Answer({"error": {"status": {"error_code": 10012}}}, 401), HistoryLimit),
    "a blocked address": (Answer(b"<html>blocked</html>", 403), AccessDenied),
}


@pytest.mark.parametrize("why", STOPS)
@on_sqlite
def test_what_is_wrong_with_every_call_ends_the_run_and_what_came_is_stored(database: Database, why: str) -> None:
    answer, error = STOPS[why]
    coins = [f"coin-{number:03d}" for number in range(200)]
    market = FakeMarket({**dict.fromkeys(coins[:60], CHART), **dict.fromkeys(coins[60:], answer)})
    result = ChartResult()
    with pytest.raises(error):
        fetch(database, client_of(market, calls_per_minute=10_000), coins, result)
    assert set(outcomes_of(database).values()) == {"values"}
    assert len(outcomes_of(database)) == 60
    assert len(market_of(database)) == 60 * 5
    assert len(market.charts_asked) < 200


@on_sqlite
def test_many_failures_in_a_row_end_the_run_and_say_nothing_of_their_coins(database: Database) -> None:
    coins = [f"coin-{number:03d}" for number in range(100)]
    market = FakeMarket({**dict.fromkeys(coins[:10], CHART), **dict.fromkeys(coins[10:], REFUSALS["422"])})
    with pytest.raises(BadRequest):
        fetch(database, client_of(market, calls_per_minute=10_000), coins)
    assert outcomes_of(database) == dict.fromkeys(coins[:10], "values")
    assert len(market_of(database)) == 10 * 5


@on_sqlite
def test_failures_between_answers_never_end_a_run(database: Database) -> None:
    coins = [f"coin-{number:03d}" for number in range(4 * FAILURES_IN_A_ROW)]
    market = FakeMarket({coin: CHART if number % 4 == 0 else REFUSALS["422"] for number, coin in enumerate(coins)})
    result = fetch(database, client_of(market, calls_per_minute=10_000), coins)
    assert result.outcomes == {Outcome.VALUES: FAILURES_IN_A_ROW, Outcome.REFUSED: 3 * FAILURES_IN_A_ROW}


@on_sqlite
def test_where_no_chart_comes_at_all_the_server_is_blamed_and_no_coin(database: Database) -> None:
    with pytest.raises(ServiceUnavailable):
        fetch(database, client_of(FakeMarket(dict.fromkeys(COINS, REFUSALS["500"]))), COINS)
    assert outcomes_of(database) == {}


def moved(chart: dict[str, list[list[Any]]], move: Callable[[int], float]) -> dict[str, list[list[Any]]]:
    """A chart whose points stand at other times."""
    return {name: [[move(stamp), value] for stamp, value in points] for name, points in chart.items()}


MISPLACED: dict[str, tuple[Callable[[int], float], str]] = {
    "an hour after midnight": (lambda stamp: stamp + 3_600_000, f"the first is at {back(4)} 01:00:00"),
    "in seconds": (lambda stamp: stamp // 1000, "the first is at 1970-01-21"),
    "before 1970": (lambda stamp: -stamp, "the first is at -17"),
    "in the future": (lambda stamp: stamp + 864_000_000, "the first is at 2026-03-"),
}


@pytest.mark.parametrize("where", MISPLACED)
@on_sqlite
def test_where_no_chart_has_a_midnight_the_run_fails_with_what_was_seen_and_parks_nobody(
    database: Database, where: str
) -> None:
    move, seen = MISPLACED[where]
    coins = [f"coin-{number:03d}" for number in range(40)]
    market = FakeMarket(dict.fromkeys(coins, moved(CHART, move)))
    with pytest.raises(BrokenAnswer, match=seen) as caught:
        fetch(database, client_of(market, calls_per_minute=10_000), coins)
    assert "none of the 6 values of the series prices stands at a midnight (UTC)" in str(caught.value)
    assert outcomes_of(database) == {}


@on_sqlite
def test_a_chart_without_a_midnight_among_others_is_its_coins_outcome(database: Database) -> None:
    fetch(database, client_of(charts_of(b=moved(CHART, lambda stamp: stamp // 1000))), COINS)
    assert outcomes_of(database) == {"a": "values", "b": "unreadable", "c": "values", "d": "values"}


@on_sqlite
def test_coins_without_a_past_have_no_values_and_are_no_fault(database: Database) -> None:
    listed_now = {name: [[points[-1][0], 1.0]] for name, points in CHART.items()}
    empty = {name: [[stamp, None] for stamp, _ in points] for name, points in CHART.items()}
    no_points: dict[str, list[Any]] = {name: [] for name in CHART}
    fetch(database, client_of(FakeMarket({"a": listed_now, "b": empty, "c": no_points})), COINS[:3])
    assert outcomes_of(database) == {"a": "empty", "b": "empty", "c": "empty"}


@on_sqlite
def test_points_three_seconds_after_midnight_stand_for_their_dates(database: Database) -> None:
    fetch(database, client_of(FakeMarket({"a": moved(CHART, lambda stamp: stamp + 3_000)})), ["a"])
    assert len(market_of(database)) == 5


@on_sqlite
def test_a_coin_alone_that_is_refused_has_its_outcome(database: Database) -> None:
    assert list(fetch(database, client_of(FakeMarket({"a": REFUSALS["500"]})), ["a"]).faulty) == ["a"]
    assert list(fetch(database, client_of(FakeMarket({})), ["..", "."]).faulty) == ["..", "."]
    assert outcomes_of(database) == {"a": "refused", "..": "refused", ".": "refused"}


@on_sqlite
def test_a_call_that_nobody_answered_says_nothing_of_its_coin(database: Database) -> None:
    gone = Answer(error=requests.ConnectionError("reset"))
    result = fetch(database, client_of(charts_of(b=gone)), COINS)
    assert result.unanswered == ["b"]
    assert set(outcomes_of(database)) == {"a", "c", "d"}
    with pytest.raises(ConnectionFailed):
        fetch(database, client_of(FakeMarket({"a": gone})), ["a"])


@on_sqlite
def test_coins_that_another_run_spent_the_budget_of_are_given_up(database: Database) -> None:
    coins = [f"coin-{number:03d}" for number in range(3 * BUDGET_CALLS)]
    market = FakeMarket(dict.fromkeys(coins, CHART))
    client, result = client_of(market, calls_per_minute=10_000), ChartResult()
    fetch_charts([ChartCall(coin, back(9)) for coin in coins], source_of(database, client, [5, 0]), Watched(), result)
    assert (result.given_up, result.outcomes) == (BUDGET_CALLS, {Outcome.VALUES: 2 * BUDGET_CALLS})


def test_every_answer_is_counted_once_and_every_coin_told_as_done(database: Database) -> None:
    market = charts_of(b=REFUSALS["422"], e=BROKEN["no chart"])
    client, progress = client_of(market), Watched()
    coins = (*COINS, "e", "nobody")
    source = source_of(database, client)
    fetch_charts([ChartCall(coin, back(9)) for coin in coins], source, progress, ChartResult())
    assert progress.done == len(coins)
    # Three charts; three broken answers, which cost a credit each; a refusal and a 404, which cost none.
    assert rows_of(database, "SELECT calls, credits FROM api_usage") == [(8, 6)]
    assert (source.ledger.spent.calls, source.ledger.spent.credits) == (8, 6)


@pytest.mark.parametrize("failure", ["deadlocks", "lost_commits"])
def test_transactions_that_are_tried_again_store_and_count_each_chart_once(database: Database, failure: str) -> None:
    way = UnreliableDatabase(database)
    setattr(way, failure, 3)
    coins = [f"coin-{number:03d}" for number in range(30)]
    client = client_of(FakeMarket(dict.fromkeys(coins, CHART)), calls_per_minute=10_000)
    result = fetch(way, client, coins)
    way.dispose()
    assert (result.outcomes, result.written.rows) == ({Outcome.VALUES: 30}, 150)
    assert rows_of(database, "SELECT SUM(calls), SUM(credits) FROM api_usage") == [(30, 30)]
    assert rows_of(database, "SELECT COUNT(*), COUNT(DISTINCT asset_id) FROM market_charts") == [(30, 30)]
    assert verify_market(database).is_clean


@on_sqlite
def test_a_chart_that_comes_after_midnight_claims_the_day_of_its_answer_and_no_more(database: Database) -> None:
    clock = FakeClock(datetime(2026, 3, 8, 23, 59, tzinfo=UTC))

    def answer(_request: requests.PreparedRequest) -> Answer:
        clock.move_to(datetime(2026, 3, 9, 0, 11, tzinfo=UTC))
        return Answer(daily_chart(back(4), range(1, 5)))

    fetch(database, client_of(FakeServer(answer), clock=clock), ["x"])
    coverage = read_coverage(database)["x"]
    assert coverage.answered_at == datetime(2026, 3, 9, 0, 11, tzinfo=UTC)
    assert coverage.covered.last == back(1), "the new day's point was not made when it was asked for"


@on_sqlite
def test_a_run_that_goes_on_after_midnight_reaches_the_same_first_date(database: Database) -> None:
    clock = FakeClock(NIGHT + timedelta(days=1))
    market = charts_of()
    client = client_of(market, "analyst", clock)
    fetch_charts([ChartCall("a", back(1_000))], source_of(database, client), Watched(), ChartResult())
    assert market.server.queries()[0]["days"] == "1002"
