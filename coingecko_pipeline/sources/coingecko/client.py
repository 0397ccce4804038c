"""The calls that the pipeline makes, each one typed, retried and checked: pycoingecko's methods on our session."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import pandas as pd
from pycoingecko import CoinGeckoAPI
from pydantic import SecretStr
from requests.adapters import BaseAdapter, HTTPAdapter

from coingecko_pipeline.sources.coingecko import responses
from coingecko_pipeline.sources.coingecko.errors import BadRequest, BrokenAnswer
from coingecko_pipeline.sources.coingecko.limiter import CallWindow, Clock, RateLimiter, SystemClock
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.coingecko.transport import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    CoinGeckoSession,
)
from coingecko_pipeline.sources.retrying import Retries
from coingecko_pipeline.sources.usage import Usage

PAGE_SIZE = 250
"""Rows a page of ``/coins/markets``, its documented maximum."""

IDS_LENGTH = 3_000
"""Characters of the ids in one call; web servers commonly refuse a URL of more than 8,000."""

TODAY_COMPLETE_AT = time(0, 10)
"""The UTC time from which a daily chart holds that day's midnight point (CoinGecko's documentation)."""

CONNECTIONS = 32
"""Connections that are kept open; more threads than that would open one for each call."""

T = TypeVar("T")


@dataclass(frozen=True)
class MarketChart:
    """One answer of ``/coins/{id}/market_chart`` with ``interval=daily``.

    Attributes:
        coin_id: The coin.
        body: The answer as received.
        points: Points in its price series.
        midnights: Its midnight points, as `responses.midnight_points` gives them.
        fetched_at: When it was asked for (UTC, aware).
        covers_from: The first date whose midnight the answer must hold if the coin had a value then.
        covers_to: The last such date.
    """

    coin_id: str
    body: bytes
    points: int
    midnights: pd.DataFrame
    fetched_at: datetime
    covers_from: date
    covers_to: date


def latest_complete_date(now: datetime) -> date:
    """The latest date whose midnight point a chart asked for at ``now`` (UTC, aware) must hold."""
    return now.date() if now.timetz().replace(tzinfo=None) >= TODAY_COMPLETE_AT else now.date() - timedelta(days=1)


class CoinGecko:
    """CoinGecko on one plan; its methods may be called from several threads.

    Args:
        plan: What the calls may use.
        api_key: The key; None on the keyless plan.
        clock: Time of the limiter and the retries.
        now: The current UTC time, aware.
        on_origin: Told "live" or "sandbox" with each answer; raises where that is the wrong one.
        on_wait: Told the seconds and the reason of each pause.
        window: Remembers the calls for the rate limit; by default those of this process alone.
        adapter: How requests are sent; by default over the network.
        timeouts: Seconds to wait for a connection, and for an answer.
    """

    def __init__(
        self,
        plan: Plan,
        api_key: SecretStr | None = None,
        *,
        clock: Clock | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_origin: Callable[[str], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        window: CallWindow | None = None,
        adapter: BaseAdapter | None = None,
        timeouts: tuple[float, float] = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
    ) -> None:
        self.plan = plan
        self.now = now
        clock = clock or SystemClock()
        self._retries = Retries(clock.sleep)
        self.survived = self._retries.survived
        """How many failures of each kind were tried again."""
        self._limiter = RateLimiter(plan.calls_per_minute, clock, on_wait, window)
        self._session = CoinGeckoSession(plan, api_key, self._limiter, now, on_origin, timeouts)
        self._session.mount(plan.base_url, adapter or HTTPAdapter(pool_maxsize=CONNECTIONS))
        self._api = CoinGeckoAPI()
        self._api.api_base_url = f"{plan.base_url}/"
        self._api.session.close()
        self._api.session = self._session

    @property
    def usage(self) -> Usage:
        """The calls made and credits spent so far."""
        return self._session.usage

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def asset_list(self) -> list[dict[str, Any]]:
        """Every active coin, as ``/coins/list`` gives it: id, symbol, name and platforms. One call.

        Raises:
            CoinGeckoError: The call failed for good.
        """
        return self._ask(
            "coins/list",
            "the asset list",
            lambda: responses.check_asset_list(self._api.get_coins_list(include_platform=True)),
        )

    def credits_used(self) -> int:
        """Credits of the running month that the key has used, wherever, as ``/key`` tells. One call; paid plans only.

        Raises:
            CoinGeckoError: The call failed for good, or the plan is not a paid one.
        """
        return self._ask(
            "key",
            "what the key has used",
            lambda: responses.check_credits_used(self._api.key()),
        )

    def market_pages(self, *, largest: int | None = None) -> Iterator[list[dict[str, Any]]]:
        """The current market of every coin, or of the largest ones, page by page. One call for each 250 coins.

        Pages of every coin are in the order of the ids, which is stable while ranks move; a coin that is listed
        meanwhile may make one coin appear on two pages.

        Args:
            largest: How many coins to bring, by market cap; None for all.

        Raises:
            CoinGeckoError: A call failed for good.
        """
        order = "id_asc" if largest is None else "market_cap_desc"
        brought = 0
        page = 0
        while largest is None or brought < largest:
            page += 1
            rows = self._markets(f"page {page} of the markets", order=order, page=page)
            yield rows if largest is None else rows[: largest - brought]
            brought += len(rows)
            if len(rows) < PAGE_SIZE:
                return

    def markets_of(self, coin_ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """The current market of chosen coins, up to 250 a call; a coin that CoinGecko does not know is left out.

        Raises:
            CoinGeckoError: A call failed for good.
        """
        for ids in _packed(coin_ids):
            yield self._markets(f"the markets of {len(ids)} coins", order="id_asc", page=1, ids=",".join(ids))

    def market_chart(self, coin_id: str, days: int) -> MarketChart:
        """The daily history of one coin in US dollars, ending now. One call.

        Args:
            coin_id: The coin.
            days: UTC midnights to bring, today's included.

        Raises:
            CoinGeckoError: The call failed for good.
        """
        if coin_id in (".", ".."):
            raise BadRequest(f"The market chart of {coin_id!r} cannot be asked for: a URL has no such path.")
        fetched_at = self.now()
        series = self._ask(
            "coins/market_chart",
            f"the market chart of {coin_id!r}",
            lambda: responses.check_market_chart(
                self._api.get_coin_market_chart_by_id(quote(coin_id, safe=""), "usd", days, interval="daily")
            ),
        )
        return MarketChart(
            coin_id=coin_id,
            body=self._session.last_body,
            points=len(series["prices"]),
            midnights=responses.midnight_points(series),
            fetched_at=fetched_at,
            covers_from=fetched_at.date() - timedelta(days=days - 1),
            covers_to=latest_complete_date(fetched_at),
        )

    def _markets(self, what: str, **parameters: Any) -> list[dict[str, Any]]:
        return self._ask(
            "coins/markets",
            what,
            lambda: responses.check_markets(self._api.get_coins_markets("usd", per_page=PAGE_SIZE, **parameters)),
        )

    def _ask(self, endpoint: str, what: str, call: Callable[[], T]) -> T:
        """Make a call until it succeeds, fails for good, or has been tried and waited for long enough."""

        def attempt() -> T:
            self._session.attempt(endpoint, what)
            try:
                return call()
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise BrokenAnswer(f"CoinGecko answered {what} with status 200 and a body that is no JSON.") from error

        return self._retries.call(attempt)


def _packed(coin_ids: Sequence[str]) -> Iterator[list[str]]:
    """Ids in groups that fit a page and a URL."""
    group: list[str] = []
    length = 0
    for coin_id in coin_ids:
        size = len(quote(coin_id, safe="")) + 3
        if group and (len(group) == PAGE_SIZE or length + size > IDS_LENGTH):
            yield group
            group, length = [], 0
        group.append(coin_id)
        length += size
    if group:
        yield group
