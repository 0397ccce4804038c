"""The gate in front of the endpoints: counts every call, and applies rate, faults and keys, in this order."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import SERVER_ERROR_BODY, ApiError, rate_limited
from .faults import Fault, FaultPlan
from .limits import CallWindow, CreditCount
from .options import SandboxOptions
from .paprika import PREFIX as PAPRIKA_PREFIX
from .plans import KEYLESS, PLANS, Caller, identify, presented_keys
from .responses import encoded, json_response

# Longer than any sensible client waits.
HANG_SECONDS = 300.0

MOST_CALLS = 100_000
"""How many calls are remembered, some 40 MB: a backfill of every coin is 20,000."""

PAPRIKA_CALLER = "coinpaprika"
"""Whom the calls to CoinPaprika's endpoints are counted for."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the sandbox has seen.

    Attributes:
        at: The sandbox's time at its arrival.
        method: The HTTP method.
        path: The path, decoded, without the query.
        query: The query as it was sent.
        status: The HTTP status of the answer, or None for a call that was left hanging.
    """

    at: datetime
    method: str
    path: str
    query: str
    status: int | None


class Ledger:
    """What a sandbox remembers of its calls: the latest ones, the last minute's, and the credits used."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=MOST_CALLS)
        self.window = CallWindow()
        self.credits = CreditCount()
        self.arrived = 0
        self._ending = asyncio.Event()

    def end_hanging(self) -> None:
        """Let go of every call that hangs; called on the event loop before the server stops."""
        self._ending.set()

    async def ended(self) -> None:
        """Wait until `end_hanging` is called."""
        await self._ending.wait()


class Gate:
    """ASGI middleware that lets a call through to the endpoints, or answers it itself."""

    def __init__(self, app: ASGIApp, options: SandboxOptions, ledger: Ledger) -> None:
        self._app = app
        self._options = options
        self._plan = PLANS[options.plan]
        self._ledger = ledger
        self._faults = FaultPlan(options.seed, options.faults)
        self._origin = b"recordings" if options.recordings else b"synthetic"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP call; anything else goes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        now = self._options.clock().astimezone(UTC)
        number, self._ledger.arrived = self._ledger.arrived, self._ledger.arrived + 1
        keys = presented_keys(Headers(scope=scope), QueryParams(scope["query_string"]))
        # CoinPaprika knows nothing of CoinGecko's keys and plans, so its calls are nobody's of that side.
        paprika = scope["path"].startswith(f"{PAPRIKA_PREFIX}/")
        caller = PAPRIKA_CALLER if paprika else keys[self._plan.paid] or keys[not self._plan.paid]
        answered = self._noting(scope, now, caller, send)
        if self._options.latency_seconds:
            await asyncio.sleep(self._options.latency_seconds)
        if reset := self._ledger.window.refused_until(caller, self._limit(caller), now):
            await error_response(rate_limited(reset))(scope, receive, answered)
            return
        fault = self._faults.for_request(number, now)
        if fault is not None and fault.act == "answer":
            await _faulty_response(fault)(scope, receive, answered)
            return
        if fault is not None and fault.act == "hang":
            self._note(scope, now, None)
            await self._hang(scope, receive, send)
            return
        try:
            caller_known = (
                Caller(KEYLESS, PAPRIKA_CALLER) if paprika else identify(self._plan, self._options.api_key, *keys, now)
            )
        except ApiError as error:
            await error_response(error)(scope, receive, answered)
            return
        scope.setdefault("state", {}).update(caller=caller_known, now=now)
        await self._app(scope, receive, _half(answered) if fault else answered)

    def _limit(self, caller: str) -> int:
        if caller == PAPRIKA_CALLER:
            return 0
        if self._options.calls_per_minute is not None:
            return self._options.calls_per_minute
        return self._plan.calls_per_minute if caller else KEYLESS.calls_per_minute

    def _noting(self, scope: Scope, now: datetime, caller: str, send: Send) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                self._note(scope, now, status)
                if status == 200:
                    self._ledger.credits.spend(caller, now)
                message["headers"] = [*message["headers"], (b"x-sandbox", self._origin)]
            await send(message)

        return noting

    def _note(self, scope: Scope, now: datetime, status: int | None) -> None:
        query = scope["query_string"].decode("latin-1")
        self._ledger.calls.append(Call(now, scope["method"], scope["path"], query, status))

    async def _hang(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        left, ending = asyncio.create_task(gone()), asyncio.create_task(self._ledger.ended())
        await asyncio.wait((left, ending), timeout=HANG_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        still_there = not left.done()
        left.cancel()
        ending.cancel()
        await asyncio.gather(left, ending, return_exceptions=True)
        if still_there:
            await json_response(encoded(SERVER_ERROR_BODY), 500)(scope, receive, send)


def error_response(error: ApiError) -> Response:
    """The answer that an error of the API stands for."""
    return json_response(encoded(error.body), error.status, error.headers)


def _faulty_response(fault: Fault) -> Response:
    return Response(fault.body, fault.status, {"content-type": fault.media_type, **dict(fault.headers)})


def _half(send: Send) -> Send:
    # The endpoints answer in two messages, the start and the whole body; the length told is that of the half.
    started: list[Message] = []

    async def halving(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
            return
        body = message["body"][: len(message["body"]) // 2]
        start = started.pop()
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        await send(start)
        await send({**message, "body": body})

    return halving
