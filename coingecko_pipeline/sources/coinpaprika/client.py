"""The two calls that the pipeline makes, each one typed, retried and checked."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pandas as pd
import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from coingecko_pipeline.sources.coinpaprika.errors import BrokenAnswer, ConnectionFailed, error_of
from coingecko_pipeline.sources.coinpaprika.responses import listed_coins, market_frame, tickers
from coingecko_pipeline.sources.retrying import Retries
from coingecko_pipeline.sources.usage import Usage, origin_of

TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and to wait for data: the list of 50,000 coins has some 7 MB."""

T = TypeVar("T")


@dataclass(frozen=True)
class FreePlan:
    """What CoinPaprika's free plan allows, as its API reference 1.7.10 says.

    Attributes:
        name: The name that its calls are counted under.
        base_url: Where its calls go, without a trailing slash.
        most_coins: Coins that `/tickers` brings at most.
        calls_per_month: Calls that a month includes. The pipeline makes two a day, so nothing has to hold it back.
    """

    name: str = "coinpaprika"
    base_url: str = "https://api.coinpaprika.com/v1"
    most_coins: int = 2_000
    calls_per_month: int = 20_000


FREE_PLAN = FreePlan()


class CoinPaprika:
    """CoinPaprika on its free plan, which takes no key.

    Args:
        base_url: Where the calls go.
        now: The current UTC time, aware.
        on_origin: Told "live" or "sandbox" with each answer before it is used; raises where that is the wrong one.
        sleep: Lets seconds pass between two tries.
        adapter: How requests are sent; by default over the network.
    """

    def __init__(
        self,
        base_url: str = FREE_PLAN.base_url,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_origin: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        adapter: BaseAdapter | None = None,
    ) -> None:
        self.plan = FREE_PLAN
        self.now = now
        self._retries = Retries(sleep)
        self.survived = self._retries.survived
        """How many failures of each kind were tried again."""
        self._base_url = base_url.rstrip("/")
        self._on_origin = on_origin
        self._calls: Counter[str] = Counter()
        self._credits: Counter[str] = Counter()
        self._session = requests.Session()
        self._session.headers["accept"] = "application/json"
        self._session.mount(self._base_url, adapter or HTTPAdapter())

    @property
    def usage(self) -> Usage:
        """The calls made and credits spent so far."""
        return Usage(self._calls.copy(), self._credits.copy())

    @property
    def most_coins(self) -> int:
        """How many coins the current market has at most."""
        return self.plan.most_coins

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def asset_list(self) -> list[dict[str, Any]]:
        """Every active coin of ``/coins``: id, symbol and name. One call.

        Raises:
            CoinPaprikaError: The call failed for good.
        """
        coins = self._ask("coins", "the list of coins", listed_coins)
        return [{"id": coin.id, "symbol": coin.symbol, "name": coin.name} for coin in coins if coin.is_active]

    def market_pages(self) -> Iterator[pd.DataFrame]:
        """The current market of the largest coins, as ``/tickers`` gives it, in one page. One call.

        Raises:
            CoinPaprikaError: The call failed for good.
        """
        yield market_frame(self._ask("tickers", "the tickers", tickers))

    def _ask(self, endpoint: str, what: str, read: Callable[[Any], T]) -> T:
        def attempt() -> T:
            body = self._get(endpoint, what)
            try:
                return read(json.loads(body))
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise BrokenAnswer(
                    f"CoinPaprika answered {what} with status 200 and a body that is no JSON."
                ) from error

        return self._retries.call(attempt)

    def _get(self, endpoint: str, what: str) -> bytes:
        """Make one call; its body.

        Raises:
            CoinPaprikaError: Whatever is not an answer with status 200.
        """
        try:
            response = self._session.get(f"{self._base_url}/{endpoint}", timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            # The library's message holds the whole URL; its kind says enough.
            raise ConnectionFailed(
                f"There was no answer to {what} from {self._base_url}: {type(error).__name__}; "
                "check the network and COINPAPRIKA_BASE_URL."
            ) from None
        self._calls[endpoint] += 1
        self._credits[endpoint] += response.status_code == 200
        if response.status_code != 200:
            raise error_of(what, response.status_code, response.headers, response.content, self.now())
        if self._on_origin:
            self._on_origin(origin_of(response.headers))
        return response.content
