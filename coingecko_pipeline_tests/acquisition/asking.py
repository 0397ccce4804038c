"""A client on a small market, its clock, and what a run of it needs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from coingecko_pipeline.acquisition.charts import ChartResult, ChartSource, fetch_charts
from coingecko_pipeline.acquisition.planning import ChartCall
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.market.charts import ChartWriter
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import choose_plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, back
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer


class Watched:
    """Progress that remembers how much was told as done."""

    def __init__(self) -> None:
        self.done = self.rows = 0
        self.begun: list[tuple[int, str]] = []

    def begin(self, what: str, total: int, unit: str, per_minute: int | None = None) -> None:  # noqa: ARG002
        self.begun.append((total, unit))

    def advance(self, units: int = 1, rows: int = 0) -> None:
        self.done += units
        self.rows += rows

    def pause(self, seconds: float, reason: str) -> None:
        """Nothing is waited for here."""

    def end(self) -> None:
        """Nothing is kept of it."""


def client_of(
    market: FakeMarket | FakeServer,
    plan: str = "demo",
    clock: FakeClock | None = None,
    now: datetime = NIGHT,
    **options: Any,
) -> CoinGecko:
    """A client on a market, on a plan, whose time is the clock's."""
    clock = clock or FakeClock(now)
    server = market.server if isinstance(market, FakeMarket) else market
    chosen = choose_plan(plan, has_key=plan != "keyless", **options)
    return CoinGecko(chosen, clock=clock, now=clock.now, adapter=server)


def source_of(database: Database, client: CoinGecko, budget_left: Sequence[int | None] = (None,)) -> ChartSource:
    """Where charts come from and go to; the budget tells the figures one after the other, the last one for good."""
    left = list(budget_left)
    return ChartSource(
        client,
        ChartWriter(database, client.now),
        UsageLedger(database, client),
        lambda: left.pop(0) if len(left) > 1 else left[0],
    )


def fetch(
    database: Database, client: CoinGecko, coins: Sequence[str], result: ChartResult | None = None
) -> ChartResult:
    """Ask for a year of some coins and write it; what came of it."""
    result = ChartResult() if result is None else result
    calls = [ChartCall(coin, back(364)) for coin in coins]
    fetch_charts(calls, source_of(database, client), Watched(), result)
    return result


REFUSALS = {
    "500": Answer({"error": "internal"}, 500),
    "422": Answer({"error": "unprocessable"}, 422),
    "400": Answer({"error": "bad"}, 400),
}
BROKEN = {
    "a missing series": Answer({"prices": [], "market_caps": []}),
    "no chart": Answer([]),
    "HTML": Answer(b"<html>busy</html>"),
    "1e999": Answer(b'{"prices": [[1767225600000, 1e999]], "market_caps": [], "total_volumes": []}'),
    "NaN": Answer(b'{"prices": [[1767225600000, NaN]], "market_caps": [], "total_volumes": []}'),
    "an entry that is no pair": Answer({"prices": [[1]], "market_caps": [], "total_volumes": []}),
}
