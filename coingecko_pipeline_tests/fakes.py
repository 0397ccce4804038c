"""Stand-ins for time and for CoinGecko's server."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

EPOCH = datetime(2026, 3, 9, 3, 27, 30, tzinfo=UTC)


class FakeClock:
    """Time that passes only when someone sleeps; remembers each sleep."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.sleeps: list[float] = []
        self._start = now
        self._seconds = 0.0

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self._seconds += seconds

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)


class Answer:
    """What a fake server answers: a status, a body and headers; or an exception."""

    def __init__(
        self,
        body: Any = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        error: Exception | None = None,
    ) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers = headers or {}
        self.error = error


class FakeServer(BaseAdapter):
    """Answers each request with what a function says, and keeps the requests."""

    def __init__(self, answer: Callable[[requests.PreparedRequest], Answer] | Iterable[Answer]) -> None:
        super().__init__()
        if callable(answer):
            self._answer = answer
        else:
            answers = iter(answer)
            self._answer = lambda _request: next(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        self.requests.append(request)
        answer = self._answer(request)
        if answer.error:
            raise answer.error
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response._content = answer.body
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """Nothing is open."""

    @property
    def paths(self) -> list[str]:
        """The raw path of each request."""
        return [urlsplit(request.url or "").path for request in self.requests]

    def queries(self) -> list[dict[str, str]]:
        """The parameters of each request."""
        return [
            {name: values[0] for name, values in parse_qs(urlsplit(request.url or "").query).items()}
            for request in self.requests
        ]
