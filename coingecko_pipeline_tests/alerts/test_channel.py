import json
import logging
import traceback

import pytest
import requests
from pydantic import SecretStr

from coingecko_pipeline.alerts import AlertChannel, AlertNotSent
from coingecko_pipeline.alerts.sending import PATIENCE_SECONDS, TRIES
from coingecko_pipeline.settings import AlertSettings
from coingecko_pipeline_tests.alerts.receiving import SECRET, receiving
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer

URL = f"https://hooks.example/services/{SECRET}"


def channel_to(server: FakeServer | None, clock: FakeClock, url: str | None = URL) -> AlertChannel:
    settings = AlertSettings(alert_webhook_url=SecretStr(url) if url else None, _env_file=None)
    return AlertChannel(settings, clock=clock, now=clock.now, adapter=server)


def refusal(server: FakeServer, clock: FakeClock | None = None) -> AlertNotSent:
    with pytest.raises(AlertNotSent) as caught:
        channel_to(server, clock or FakeClock()).post("The text.")
    return caught.value


def test_the_text_is_posted_as_json_over_a_real_connection() -> None:
    with receiving() as webhook:
        channel_to(None, FakeClock(), webhook.url).post("Ü & <co>")
    assert [json.loads(body) for body in webhook.bodies] == [{"text": "Ü & <co>"}]
    assert webhook.types == ["application/json"]


def test_a_server_that_fails_for_a_moment_is_asked_again() -> None:
    clock = FakeClock()
    server = FakeServer([Answer(status=503), Answer(error=requests.ConnectionError(URL)), Answer(b"ok")])
    channel_to(server, clock).post("The text.")
    assert len(server.requests) == 3
    assert 0.5 <= clock.sleeps[0] <= 1 <= clock.sleeps[1] <= 2


def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    clock = FakeClock()
    server = FakeServer([Answer(status=429, headers={"Retry-After": "7"}), Answer(status=204)])
    channel_to(server, clock).post("The text.")
    assert clock.sleeps == [7.0]


def test_a_wait_longer_than_the_patience_is_not_waited_for_and_not_cut_short() -> None:
    clock = FakeClock()
    server = FakeServer([Answer(status=429, headers={"Retry-After": "600"})])
    assert "answered 429" in str(refusal(server, clock))
    assert clock.sleeps == []


def test_a_server_that_keeps_failing_is_given_up() -> None:
    server = FakeServer(lambda _request: Answer(status=500))
    assert "answered 500" in str(refusal(server))
    assert len(server.requests) == TRIES


def test_what_will_not_pass_is_tried_once_and_told_with_the_servers_word() -> None:
    server = FakeServer([Answer(b"channel_is_archived", status=410)])
    assert str(refusal(server)) == (
        "The alert was not sent: the webhook answered 410 (channel_is_archived); make a new webhook if this one is "
        "gone, and set ALERT_WEBHOOK_URL."
    )


def test_a_redirect_is_no_success_and_is_not_followed() -> None:
    server = FakeServer([Answer(status=302, headers={"Location": "https://elsewhere.example/"})])
    assert "answered 302" in str(refusal(server))
    assert len(server.requests) == 1


def test_all_posts_of_a_channel_share_one_patience() -> None:
    clock = FakeClock()
    server = FakeServer(lambda _request: Answer(status=500))
    channel = channel_to(server, clock)
    clock.sleep(PATIENCE_SECONDS)
    with pytest.raises(AlertNotSent, match="took 30 seconds for those before it"):
        channel.post("The text.")
    assert server.requests == []


def test_without_a_webhook_nothing_can_be_posted() -> None:
    channel = channel_to(None, FakeClock(), None)
    assert not channel.is_set
    with pytest.raises(AlertNotSent, match="ALERT_WEBHOOK_URL is not set"):
        channel.post("The text.")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(f"Cannot POST /services/{SECRET}".encode(), status=404),
        Answer(b"not_to_be_shown", status=404),
        Answer(error=requests.ConnectionError(f"HTTPSConnectionPool: url: /services/{SECRET}")),
        Answer(error=requests.exceptions.InvalidURL(URL)),
        Answer(error=UnicodeError(URL)),
    ],
    ids=["the path repeated", "a word of the path", "no connection", "no address", "no name"],
)
def test_an_alert_that_is_not_sent_shows_the_address_nowhere(answer: Answer) -> None:
    error = refusal_at(answer, "https://hooks.example/not_to_be_shown/not-to-be-shown")
    told = "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while seen:
        told += repr(seen)
        seen = seen.__cause__ or seen.__context__
    assert "SECRET" not in told
    assert "hooks.example" not in told
    assert "not_to_be_shown" not in told


def refusal_at(answer: Answer, url: str) -> AlertNotSent:
    with pytest.raises(AlertNotSent) as caught:
        channel_to(FakeServer(lambda _request: answer), FakeClock(), url).post("The text.")
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.0 200 OK\r\nno header at all\r\n\r\nok"],
    ids=["a good answer", "an answer with a bad header"],
)
def test_no_log_shows_the_address_at_any_level(caplog: pytest.LogCaptureFixture, answer: bytes) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(answer) as webhook:
        requests.get(f"{webhook.url}/control", timeout=5)
        assert "not-to-be-shown/control" in caplog.text
        caplog.clear()
        channel_to(None, FakeClock(), webhook.url).post("The text.")
    assert len(webhook.bodies) == 1
    assert "not-to-be-shown" not in caplog.text
