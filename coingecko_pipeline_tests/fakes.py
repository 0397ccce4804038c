"""Stand-ins for time and for CoinGecko's server."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

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

    def end_waits(self) -> None:
        """No wait takes any time here."""

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def move_to(self, moment: datetime) -> None:
        """Let the time pass until a moment; nothing where it is past already."""
        self._seconds = max(self._seconds, (moment - self._start).total_seconds())


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


class FakeMarket:
    """A small market behind a fake server: each coin's charts, current rows, and the failures that a test plants.

    Args:
        charts: Of each coin its chart's body, or the error answer to give in its place; of another currency than the
            dollar under a name such as `bitcoin in eur`.
        rows: The current market row of each coin.

    Attributes:
        list_answer: What the list of coins is answered with; None for the coins of the rows.
        inactive: The coins that are gone.
        rates: Units of each currency that one bitcoin costs.
    """

    def __init__(self, charts: Mapping[str, Any] | None = None, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self.charts = dict(charts or {})
        self.rows = list(rows)
        self.list_answer: Answer | None = None
        self.inactive: list[str] = []
        self.credits_used = 0
        self.rates = {"btc": 1.0, "usd": 100_000.0, "eur": 80_000.0}
        self.server = FakeServer(self._answer)

    @property
    def charts_asked(self) -> list[str]:
        """The coins whose chart was asked for, in order."""
        return [unquote(path.split("/")[4]) for path in self.server.paths if path.endswith("/market_chart")]

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        parts = urlsplit(request.url or "")
        if parts.path.endswith("/market_chart"):
            coin, currency = unquote(parts.path.split("/")[4]), parse_qs(parts.query)["vs_currency"][0]
            name = coin if currency == "usd" else f"{coin} in {currency}"
            chart = self.charts.get(name, Answer({"error": "coin not found"}, 404))
            return chart if isinstance(chart, Answer) else Answer(chart)
        if parts.path.endswith("/exchange_rates"):
            return Answer({"rates": {code: {"value": value, "type": "fiat"} for code, value in self.rates.items()}})
        if parts.path.endswith("/asset_platforms"):
            return Answer([{"id": "ethereum", "name": "Ethereum", "chain_identifier": 1}])
        if parts.path.endswith("/key"):
            return Answer({"current_total_monthly_calls": self.credits_used})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/coins/markets"):
            rows = [row for row in self.rows if "ids" not in query or row["id"] in query["ids"].split(",")]
            if query["order"] == "market_cap_desc":
                rows.sort(key=lambda row: -(row["market_cap"] or 0))
            size, page = int(query["per_page"]), int(query["page"])
            return Answer(rows[(page - 1) * size : page * size])
        if query.get("status") == "inactive":
            return Answer([{"id": coin, "symbol": coin, "name": coin} for coin in self.inactive])
        if self.list_answer:
            return self.list_answer
        return Answer([{"id": row["id"], "symbol": row["id"], "name": row["id"]} for row in self.rows])


def daily_chart(first: date, prices: Iterable[float | None], now_price: float = 1.0) -> dict[str, list[list[Any]]]:
    """A chart with a midnight point for each price from a date on, and a point for now at the end."""
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1000)
    points: list[tuple[int, float | None]] = [
        (start + number * 86_400_000, price) for number, price in enumerate(prices)
    ]
    points.append((points[-1][0] + 43_200_000 if points else start, now_price))
    return {
        "prices": [[stamp, price] for stamp, price in points],
        "market_caps": [[stamp, None if price is None else price * 1000] for stamp, price in points],
        "total_volumes": [[stamp, None if price is None else price * 10] for stamp, price in points],
    }


def market_row(coin_id: str, price: float | None, market_cap: float | None, last_updated: str) -> dict[str, Any]:
    """One row of the markets."""
    return {
        "id": coin_id,
        "current_price": price,
        "total_volume": None if price is None else price * 10,
        "market_cap": market_cap,
        "last_updated": last_updated,
    }
