"""What was spent is counted once, whatever becomes of the transactions; and what was bought is stored with it."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from coingecko_pipeline.acquisition.usage import ELSEWHERE, UsageLedger, correct_usage, spent_between
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.errors import KeyRejected
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.database import TRIES
from coingecko_pipeline_tests.acquisition.asking import client_of
from coingecko_pipeline_tests.archive.answering import TODAY
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeMarket, FakeServer
from coingecko_pipeline_tests.running import rows_of
from coingecko_pipeline_tests.unreliable import UnreliableDatabase

FIRST = TODAY.replace(day=1)


def spent(database: Database) -> tuple[int, int]:
    total = spent_between(database, "demo", TODAY, TODAY)
    return total.calls, total.credits


def ask(client: CoinGecko, times: int) -> None:
    for _ in range(times):
        client.asset_list()


@pytest.fixture
def client() -> CoinGecko:
    return client_of(FakeMarket(rows=[{"id": "a"}]), calls_per_minute=10_000)


@pytest.mark.parametrize("failure", ["deadlocks", "lost_commits"])
def test_a_batch_that_is_tried_again_counts_once(database: Database, client: CoinGecko, failure: str) -> None:
    way = UnreliableDatabase(database)
    ledger = UsageLedger(way, client)
    setattr(way, failure, TRIES - 1)
    ran: list[int] = []
    ask(client, 7)
    ledger.record(lambda _: ran.append(1))
    ask(client, 3)
    ledger.record()
    way.dispose()
    assert spent(database) == (10, 10)
    assert len(ran) == (TRIES if failure == "deadlocks" else 1)


def test_a_batch_whose_fate_nobody_knew_is_looked_up_by_the_next(database: Database, client: CoinGecko) -> None:
    way = UnreliableDatabase(database)
    ledger = UsageLedger(way, client)
    way.lost_commits = TRIES
    ask(client, 7)
    with pytest.raises(Exception, match="Lost connection"):
        ledger.record()
    ask(client, 2)
    ledger.record()
    way.deadlocks = TRIES
    ask(client, 1)
    with pytest.raises(Exception, match="Deadlock"):
        ledger.record()
    ledger.record()
    way.dispose()
    assert spent(database) == (10, 10)


@on_sqlite
def test_a_step_runs_for_the_next_batch_though_the_fate_of_the_one_before_is_unknown(
    database: Database, client: CoinGecko
) -> None:
    way = UnreliableDatabase(database)
    ledger = UsageLedger(way, client)
    way.lost_commits = TRIES
    ask(client, 1)
    with pytest.raises(Exception, match="Lost connection"):
        ledger.record()
    ran: list[int] = []
    ledger.record(lambda _: ran.append(1))
    way.dispose()
    assert ran == [1]


def at_once(ledger: UsageLedger, steps: list[Callable[[Connection], object]]) -> list[BaseException | None]:
    """Record steps by a thread each, which begin while a first one commits; what became of each."""
    may_end, is_in, begun = threading.Event(), threading.Event(), threading.Barrier(len(steps) + 1, timeout=30)

    def hold(_connection: Connection) -> None:
        is_in.set()
        may_end.wait(30)

    errors: list[BaseException | None] = [None] * len(steps)

    def record(number: int) -> None:
        begun.wait()
        try:
            ledger.record(steps[number])
        except BaseException as error:  # an interruption is one of them
            errors[number] = error

    first = threading.Thread(target=lambda: ledger.record(hold))
    threads = [threading.Thread(target=record, args=(number,)) for number in range(len(steps))]
    first.start()
    assert is_in.wait(30)
    for thread in threads:
        thread.start()
    begun.wait()
    may_end.set()
    for thread in (first, *threads):
        thread.join(30)
    return errors


def test_a_thread_whose_step_fails_fails_alone(database: Database, client: CoinGecko) -> None:
    ledger = UsageLedger(database, client)
    ask(client, 4)

    def fail(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        raise ValueError("too large")

    ran: list[int] = []
    errors = at_once(ledger, [lambda _: ran.append(1), fail, lambda _: ran.append(2)])
    assert [type(error) for error in errors] == [type(None), ValueError, type(None)]
    assert {1, 2} <= set(ran)
    assert spent(database) == (4, 4)


@on_sqlite
def test_a_thread_that_is_interrupted_leaves_the_others_their_turn(database: Database, client: CoinGecko) -> None:
    ledger = UsageLedger(database, client)
    ask(client, 4)
    interrupted: list[int] = []

    def interrupt(_connection: Connection) -> None:
        if not interrupted:
            interrupted.append(1)
            raise KeyboardInterrupt

    ran: list[int] = []
    errors = at_once(ledger, [interrupt, lambda _: ran.append(1)])
    assert sum(isinstance(error, KeyboardInterrupt) for error in errors) == 1
    ledger.record()
    assert 1 in ran
    assert spent(database) == (4, 4)


@on_sqlite
def test_ledgers_of_several_runs_add_up(database: Database, client: CoinGecko) -> None:
    ledgers = [UsageLedger(database, client_of(FakeMarket(rows=[{"id": "a"}]))) for _ in range(2)]
    own = UsageLedger(database, client)
    ask(client, 2)
    own.record()
    for ledger in ledgers:
        ledger.record()
    ask(client, 1)
    own.record()
    own.record()
    assert spent(database) == (3, 3)
    assert own.spent.calls == 3


@pytest.mark.parametrize(
    "answer", [Answer({"error": "not found"}, 404), Answer(b"<html>"), Answer({"calls": True}), Answer({}, 500)]
)
@on_sqlite
def test_an_answer_that_does_not_tell_what_the_key_has_used_stops_nothing(
    database: Database, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer(lambda _: answer)
    client = client_of(server, "analyst")
    correct_usage(database, client, UsageLedger(database, client), FIRST)
    assert "What the key has used is not known today" in caplog.text
    assert rows_of(database, "SELECT COUNT(*) FROM api_usage WHERE endpoint = 'elsewhere'") == [(0,)]
    asked = len(server.requests)
    correct_usage(database, client, UsageLedger(database, client), FIRST)
    assert len(server.requests) == asked, "it is asked once a day"


@on_sqlite
def test_what_the_key_has_used_elsewhere_is_counted_and_a_wrong_key_is_an_error(database: Database) -> None:
    market = FakeMarket()
    market.credits_used = 50
    client = client_of(market, "analyst")
    correct_usage(database, client, UsageLedger(database, client), FIRST)
    assert spent_between(database, "analyst", FIRST, TODAY, (ELSEWHERE,)).credits == 50
    assert spent_between(database, "analyst", FIRST, TODAY).credits == 51, "the call that asked was not in the answer"
    wrong = client_of(FakeServer(lambda _: Answer({"status": {"error_code": 10002}}, 401)), "basic")
    with pytest.raises(KeyRejected):
        correct_usage(database, wrong, UsageLedger(database, wrong), FIRST)
