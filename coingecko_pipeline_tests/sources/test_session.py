"""The session that every source's calls are made on."""

import logging
import socket
from datetime import timedelta
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from coingecko_pipeline.sources import Opening, SourceSession
from coingecko_pipeline.sources.errors import (
    AccessDenied,
    BadRequest,
    BrokenAnswer,
    ConnectionFailed,
    NetworkAway,
    NotReached,
    RateLimited,
    RedirectRefused,
    ServiceUnavailable,
    SourceError,
)
from coingecko_pipeline.sources.limiter import RateLimiter
from coingecko_pipeline.sources.retrying import TRIES
from coingecko_pipeline.sources.session import TIMEOUT_SECONDS
from coingecko_pipeline.sources.waiting import LONGEST_WAIT_SECONDS
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer

URL = "https://user:secret@api.example.com/v2/secret"


def session_of(server: FakeServer, clock: FakeClock | None = None, **options: Any) -> SourceSession:
    clock = clock or FakeClock()
    more = {name: options.pop(name) for name in ("on_origin", "on_wait", "patience") if name in options}
    opening = Opening(now=clock.now, sleep=clock.sleep, adapter=server, **more)
    return SourceSession("ExampleCoin", URL, opening, **options)


def ask(session: SourceSession, **options: Any) -> Any:
    def read(body: Any) -> Any:
        if not isinstance(body, list):
            raise BrokenAnswer("ExampleCoin answered the coins with something that is no list.")
        return body

    return session.ask("coins", "the coins", read, **options)[0]


def test_a_call_has_time_limits_follows_no_redirect_and_says_what_it_takes() -> None:
    told: dict[str, Any] = {}

    class Watching(FakeServer):
        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            told.update(options)
            return super().send(request, *args, **options)

    server = Watching([Answer(b"", 302, {"Location": "https://elsewhere"})])
    with pytest.raises(RedirectRefused, match="302 to the coins"):
        ask(session_of(server))
    assert told["timeout"] == TIMEOUT_SECONDS
    assert server.paths == ["/v2/secret/coins"]
    assert server.requests[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://elsewhere.example/v2/secret/coins?key=secret", "it redirects to https://elsewhere.example, and no"),
        ("//elsewhere.example:8443/", "it redirects to https://elsewhere.example:8443, and no"),
        ("http://user:secret@api.example.com/v2/secret/coins", "it redirects to http://api.example.com, and no"),
        ("https://[", "it redirects to an address that is none"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_or_protocol_is_refused_and_no_key_goes_there(
    status: int, location: str, told: str
) -> None:
    server = FakeServer([Answer(b"", status, {"Location": location})])
    with pytest.raises(RedirectRefused) as caught:
        ask(session_of(server, secrets={"x-key": SecretStr("CG-very-secret")}))
    assert told in str(caught.value)
    assert "check EXAMPLECOIN_BASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("location", ["", "/v2/coins", "coins", "https://api.example.com/v2/coins/"])
def test_a_redirect_to_another_path_is_one_calls_fault(location: str) -> None:
    with pytest.raises(BadRequest):
        ask(session_of(FakeServer([Answer(b"", 301, {"Location": location})])))


def test_an_error_with_status_200_is_the_error_that_it_tells() -> None:
    clock = FakeClock()
    limit = Answer({"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}})
    session = session_of(FakeServer([limit, Answer({"error": "Internal", "status": 500}), Answer([])]), clock)
    assert ask(session) == []
    assert session.survived == {"RateLimited": 1, "ServiceUnavailable": 1}
    assert session.usage.credits == {"coins": 3}
    with pytest.raises(AccessDenied, match=r"200 to the coins \(Forbidden\): this address"):
        ask(session_of(FakeServer([Answer({"status": 403, "error": "Forbidden"})])))


def test_an_error_with_status_200_that_tells_no_status_is_told_in_its_words() -> None:
    with pytest.raises(
        BrokenAnswer, match=r"200 to the coins \(no luck today\): that is an error and not what"
    ) as told:
        ask(session_of(FakeServer(lambda _request: Answer({"error": "no luck today"}))))
    assert told.value.body == b'{"error": "no luck today"}'


def test_a_key_travels_in_its_header_and_is_told_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = FakeServer([Answer(b"", 500), Answer([])])
    ask(session_of(server, secrets={"x-key": SecretStr("CG-very-secret")}))
    assert [request.headers["x-key"] for request in server.requests] == ["CG-very-secret"] * 2
    assert all("CG-very-secret" not in (request.url or "") for request in server.requests)
    assert "CG-very-secret" not in caplog.text


def test_an_error_of_the_network_tells_the_host_alone() -> None:
    server = FakeServer(lambda _request: Answer(error=requests.ConnectionError(f"{URL}/coins?key=secret")))
    with pytest.raises(ConnectionFailed) as caught:
        ask(session_of(server))
    assert "no answer to the coins from api.example.com: ConnectionError; check the network" in str(caught.value)
    assert "EXAMPLECOIN_BASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def not_connected(reason: Exception) -> requests.ConnectionError:
    """What requests raises where there was no connection, around the reason of its own library."""
    return requests.ConnectionError(MaxRetryError(HTTPConnectionPool("api.example.com"), "/coins?key=secret", reason))


def refused() -> requests.ConnectionError:
    reason = NewConnectionError(HTTPConnection("api.example.com"), "Failed: [Errno 111]")
    reason.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return not_connected(reason)


NOT_REACHED = [
    (
        not_connected(NameResolutionError("api.example.com", HTTPConnection("api.example.com"), socket.gaierror())),
        "its name does not resolve",
    ),
    (refused(), "the connection is refused"),
    (not_connected(NewConnectionError(HTTPConnection("api.example.com"), "unreachable")), "there is no way to it"),
    (requests.ConnectTimeout(""), "nobody answers there"),
    (requests.exceptions.ProxyError(""), "its proxy is not reached"),
]


@pytest.mark.parametrize(("error", "why"), NOT_REACHED)
def test_a_server_that_is_not_reached_is_tried_as_long_as_any_other_where_nobody_waits(
    error: Exception, why: str
) -> None:
    server = FakeServer(lambda _request: Answer(error=error))
    with pytest.raises(NotReached, match=f"no answer to the coins from api.example.com: {why}; check the network"):
        ask(session_of(server))
    assert len(server.requests) == TRIES


@pytest.mark.parametrize(("error", "why"), NOT_REACHED)
def test_a_server_that_is_not_reached_is_given_up_soon_where_somebody_waits(error: Exception, why: str) -> None:
    clock, told = FakeClock(), list[str]()
    server = FakeServer(lambda _request: Answer(error=error))
    session = session_of(server, clock, patience=20.0, on_wait=lambda _seconds, reason: told.append(reason))
    sentence = f"api.example.com is not reached: {why}. Check the network, and EXAMPLECOIN_BASE_URL where it is set"
    with pytest.raises(NetworkAway, match=sentence):
        ask(session)
    assert sum(clock.sleeps) <= 20
    assert set(told) == {f"api.example.com is not reached: {why}"}
    tried = len(server.requests)
    with pytest.raises(NetworkAway, match=sentence):
        ask(session)
    assert len(server.requests) == tried, "what was not reached a moment ago is not tried again"


def test_a_server_that_was_reached_before_is_waited_for_also_where_somebody_waits() -> None:
    answers = [Answer([]), *[Answer(error=refused())] * (TRIES - 1), Answer([])]
    clock, server = FakeClock(), FakeServer(answers)
    session = session_of(server, clock, patience=20.0)
    ask(session)
    assert ask(session) == []
    assert sum(clock.sleeps) > 60


FAULTS = [
    (Answer({"error": "too many requests"}, 429), RateLimited),
    (Answer({"error": "internal"}, 500), ServiceUnavailable),
    (Answer(b"<html>", 502), ServiceUnavailable),
    (Answer(b'[{"id": "btc', 200), BrokenAnswer),
    (Answer(b"\xff\xfe\xff", 200), BrokenAnswer),
    (Answer(b"", 200), BrokenAnswer),
    (Answer(b"[" * 100_000, 200), BrokenAnswer),
    (Answer(b"9" * 5_000, 200), BrokenAnswer),
    (Answer({"error": "no list"}, 200), BrokenAnswer),
    (Answer(error=requests.ConnectTimeout("")), NotReached),
    (Answer(error=requests.exceptions.ChunkedEncodingError("")), ConnectionFailed),
]


@pytest.mark.parametrize(
    ("fault", "kind"), FAULTS, ids=lambda given: f"{given.status}" if isinstance(given, Answer) else given.__name__
)
def test_what_may_pass_is_tried_again_with_growing_waits_and_ends(fault: Answer, kind: type[SourceError]) -> None:
    clock = FakeClock()
    session = session_of(FakeServer([fault, fault, fault, Answer(["bitcoin"])]), clock)
    assert ask(session) == ["bitcoin"]
    assert session.survived == {kind.__name__: 3}
    assert all(2**tries / 2 <= wait <= 2**tries for tries, wait in enumerate(clock.sleeps, start=1))
    clock, server = FakeClock(), FakeServer(lambda _request: fault)
    with pytest.raises(kind):
        ask(session_of(server, clock))
    assert len(server.requests) == TRIES
    assert clock.monotonic() <= LONGEST_WAIT_SECONDS


def test_so_many_broken_answers_end_a_call_and_other_failures_between_them_do_not_count() -> None:
    answers = [Answer(b"{"), Answer(b"", 500), Answer(b"{"), Answer(b"", 500), Answer(b"no"), Answer([])]
    server = FakeServer(answers)
    session = session_of(server)
    with pytest.raises(BrokenAnswer) as caught:
        ask(session, broken_tries=3)
    assert len(server.requests) == 5
    assert session.usage.credits == {"coins": 3}
    assert caught.value.body == b"no"


@pytest.mark.parametrize("body", [b'{"error": 1}', b"no json"])
def test_a_broken_answer_holds_what_came_and_when(body: bytes) -> None:
    clock = FakeClock()
    with pytest.raises(BrokenAnswer) as caught:
        ask(session_of(FakeServer([Answer(body)]), clock), broken_tries=1)
    answer = caught.value.answer
    assert answer is not None
    assert (answer.body, answer.asked_at, answer.answered_at) == (body, clock.now(), clock.now())


def test_a_broken_answer_of_no_call_holds_nothing() -> None:
    assert BrokenAnswer("No page held a coin.").body is None


def test_a_429_waits_as_long_as_the_server_says() -> None:
    clock = FakeClock()
    ask(session_of(FakeServer([Answer(b"", 429, {"Retry-After": "42"}), Answer([])]), clock))
    assert clock.sleeps == [42.0]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["901", "864000", "9" * 400, "Mon, 09 Mar 2027 03:28:30 GMT"])
def test_a_wait_that_cannot_be_meant_ends_at_once_and_names_it(status: int, retry_after: str) -> None:
    clock = FakeClock()
    limiter = RateLimiter("ExampleCoin", 100, clock)
    server = FakeServer([Answer(b"", status, {"Retry-After": retry_after}), Answer([])])
    session = session_of(server, clock, limiter=limiter)
    with pytest.raises((RateLimited, ServiceUnavailable), match=r"It asks to wait .* and at most 900 are waited"):
        ask(session)
    ask(session)
    assert clock.sleeps == []


@pytest.mark.parametrize("retry_after", ["²", "soon", "-1"])
def test_a_wait_that_is_no_number_is_ignored(retry_after: str) -> None:
    clock = FakeClock()
    ask(session_of(FakeServer([Answer(b"", 429, {"Retry-After": retry_after}), Answer([])]), clock))
    assert [1 <= wait <= 2 for wait in clock.sleeps] == [True]


def test_what_cannot_succeed_is_tried_once() -> None:
    server = FakeServer([Answer(b"<html>", 403)])
    with pytest.raises(AccessDenied, match=r"403 to the coins \(an HTML page\): this address or key is blocked"):
        ask(session_of(server))


def test_every_answer_is_a_call_every_200_a_credit_and_no_answer_neither() -> None:
    answers = [Answer(b"", 500), Answer([]), Answer(b"", 404), Answer(error=requests.ConnectionError("")), Answer([])]
    session = session_of(FakeServer(answers))
    ask(session)
    with pytest.raises(BadRequest):
        ask(session)
    ask(session)
    assert session.usage.calls == {"coins": 4}
    assert session.usage.credits == {"coins": 2}


def test_where_an_answer_comes_from_is_told_before_it_is_used() -> None:
    origins: list[str] = []
    server = FakeServer([Answer([]), Answer([], headers={"x-sandbox": "synthetic"})])
    session = session_of(server, on_origin=origins.append)
    ask(session)
    ask(session)
    session.close()
    assert origins == ["live", "sandbox"]


def test_an_answer_of_the_wrong_origin_is_never_read() -> None:
    def refuse(_origin: str) -> None:
        raise ValueError("These are live data, and the database holds the sandbox's.")

    with pytest.raises(ValueError, match="These are live data"):
        ask(session_of(FakeServer([Answer([])]), on_origin=refuse))


def test_an_answer_knows_when_it_was_asked_for_after_the_limiters_wait_and_when_it_came() -> None:
    clock = FakeClock()

    def answer(_request: requests.PreparedRequest) -> Answer:
        clock.sleep(3)
        return Answer([])

    limiter = RateLimiter("ExampleCoin", 1, clock)
    limiter.acquire()
    began = clock.now()
    session = session_of(FakeServer(answer), clock, limiter=limiter)
    _, received = session.ask("coins", "the coins", lambda body: body)
    assert received.asked_at == began + timedelta(seconds=61)
    assert received.answered_at == began + timedelta(seconds=64)


def test_the_moments_are_those_of_the_try_that_succeeded() -> None:
    clock = FakeClock()
    session = session_of(FakeServer([Answer(b"", 429, {"Retry-After": "600"}), Answer([])]), clock)
    began = clock.now()
    _, received = session.ask("coins", "the coins", lambda body: body)
    assert received.asked_at == began + timedelta(seconds=600)
