"""A sandbox without a socket, and a clock that a test sets."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.types import Message

from coingecko_pipeline.sandbox import Call, SandboxOptions, create_app

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY_MS = 86_400_000


class HandClock:
    """Shows the moment that it was set to last."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass(frozen=True)
class Answer:
    """What the application sent."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Api:
    """Calls one sandbox's endpoints by their paths below /api/v3."""

    def __init__(self, at: datetime = NOON, **options: Any) -> None:
        self.clock = HandClock(at)
        chosen = {"coins": 200, "calls_per_minute": 0, "clock": self.clock, **options}
        self._app = create_app(SandboxOptions(**chosen))

    def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> Answer:
        return self.get_path(f"/api/v3{path}", headers, **params)

    def get_path(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> Answer:
        return asyncio.run(self._get(path, headers or {}, urlencode(params)))

    async def _get(self, path: str, headers: dict[str, str], query: str) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        await self._app(scope, receive, send)
        start, *rest = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], told, b"".join(message.get("body", b"") for message in rest))

    def json(self, path: str, **params: Any) -> Any:
        response = self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def chart(self, coin_id: str, days: int | str = 365, **params: Any) -> Any:
        return self.json(f"/coins/{coin_id}/market_chart", vs_currency="usd", days=days, **params)

    def markets(self, **params: Any) -> Any:
        return self.json("/coins/markets", vs_currency="usd", **{"per_page": 250, **params})

    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.json("/coins/list")]

    @property
    def calls(self) -> list[Call]:
        return list(self._app.state.ledger.calls)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
