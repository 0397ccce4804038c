"""CoinPaprika's chains and contracts as its API reference 1.7.10 describes them, behind a fake server."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from coingecko_pipeline.sources import Opening
from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer

PREFIX = "/v1/contracts"


def contract(address: Any, coin_id: Any, *, active: bool = True) -> dict[str, Any]:
    """One entry of a chain's contracts."""
    return {"address": address, "id": coin_id, "type": "ERC20", "active": active}


class FakeContracts:
    """Answers with contracts, which a test replaces, and with a market of the coins that it is given.

    Args:
        chains: The entries of each chain, or the answer to give in their place.
        coins: The entries of the list of coins, each of which costs a dollar.
    """

    def __init__(self, chains: Mapping[str, list[Any] | Answer], coins: Sequence[Mapping[str, Any]] = ()) -> None:
        self.chains = dict(chains)
        self.coins = list(coins)
        self.listed: Answer | None = None
        """What the list of chains is answered with; None for the chains that there are."""
        self.server = FakeServer(self._answer)

    def client(self, now: datetime) -> CoinPaprika:
        """CoinPaprika at a moment; its retries wait for nothing."""
        return CoinPaprika(Opening(now=lambda: now, sleep=FakeClock(now).sleep, adapter=self.server))

    @property
    def asked(self) -> list[str]:
        """The chains whose contracts were asked for."""
        return [unquote(path[len(PREFIX) + 1 :]) for path in self.server.paths if path.startswith(f"{PREFIX}/")]

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        path = urlsplit(request.url or "").path
        if path == "/v1/coins":
            return Answer(self.coins)
        if path == "/v1/tickers":
            quote = {"price": 1.0, "volume_24h": 1.0, "market_cap": 1.0}
            moment = f"{datetime(2026, 3, 9, tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}"
            return Answer([{**coin, "quotes": {"USD": quote}, "last_updated": moment} for coin in self.coins])
        if path == PREFIX:
            return self.listed or Answer(list(self.chains))
        chain = self.chains[unquote(path[len(PREFIX) + 1 :])]
        return chain if isinstance(chain, Answer) else Answer(chain)
