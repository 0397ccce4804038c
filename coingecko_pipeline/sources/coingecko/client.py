"""The calls that the pipeline makes, each one typed, retried and checked: pycoingecko's methods on our session.

pycoingecko's own transport puts the key into the URL, has no rate limit and turns every error into a ValueError; its
``session`` attribute is public, and the session of every source is what is put there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from pycoingecko import CoinGeckoAPI
from pydantic import SecretStr
from requests.adapters import BaseAdapter

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import is_asset_id
from coingecko_pipeline.sources.coingecko import responses
from coingecko_pipeline.sources.coingecko.errors import BadRequest, error_of
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.coingecko.rates import ExchangeRates, read_exchange_rates
from coingecko_pipeline.sources.limiter import CallWindow, RateLimiter
from coingecko_pipeline.sources.market_page import MarketPage
from coingecko_pipeline.sources.session import TIMEOUT_SECONDS, Opening, SourceSession, utc_now
from coingecko_pipeline.sources.source import AssetList
from coingecko_pipeline.sources.usage import Usage
from coingecko_pipeline.sources.waiting import Clock, SystemClock

PAGE_SIZE = 250
"""Rows a page of ``/coins/markets``, its documented maximum."""

WHOLE_MARKET = {"include_rehypothecated": "true", "precision": "full"}
"""Without the one, wrapped, staked and bridged coins are left out; without the other, prices are rounded to five to
seven digits."""

INACTIVE_LIST = "coins/list (inactive)"
"""The endpoint under which the list of the coins that are gone is counted."""

IDS_LENGTH = 3_000
"""Characters of the ids in one call; web servers commonly refuse a URL of more than 8,000."""

TODAY_COMPLETE_AT = time(0, 10)
"""The UTC time from which a daily chart holds that day's midnight point (CoinGecko's documentation)."""

BROKEN_CHART_TRIES = 3
"""Each broken chart costs a credit, and one coin's is worth no more: it is kept as it is and asked for again later. So
are the chains and the exchange rates."""


@dataclass(frozen=True)
class ChartAnswer:
    """One answer of ``/coins/{id}/market_chart`` with ``interval=daily``.

    Attributes:
        coin_id: The coin.
        days: UTC midnights that were asked for, the one of the day of asking included.
        body: As received: JSON with three lists, whose points are not looked at here.
        asked_at: When it was asked for: after the rate limit let the call through (UTC, aware).
        answered_at: When it was there (UTC, aware).
    """

    coin_id: str
    days: int
    body: bytes
    asked_at: datetime
    answered_at: datetime


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
        on_wait: Told the seconds and the reason of each pause, and once a minute what is left of it.
        window: Remembers the calls for the rate limit; by default those of this process alone.
        adapter: How requests are sent; by default over the network.
        timeouts: Seconds to wait for a connection, and for an answer.
        patience: Seconds for which CoinGecko is tried where it was never reached; None for as long as after any
            failure.
    """

    def __init__(
        self,
        plan: Plan,
        api_key: SecretStr | None = None,
        *,
        clock: Clock | None = None,
        now: Callable[[], datetime] = utc_now,
        on_origin: Callable[[str], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        window: CallWindow | None = None,
        adapter: BaseAdapter | None = None,
        timeouts: tuple[float, float] = TIMEOUT_SECONDS,
        patience: float | None = None,
    ) -> None:
        self.plan = plan
        self.now = now
        clock = clock or SystemClock()
        self.end_waits = clock.end_waits
        """Ends the waits that are under way in whichever thread: for the rate, for what the server asked, for a try."""
        limiter = RateLimiter("CoinGecko", plan.calls_per_minute, clock, on_wait, window)
        self._session = SourceSession(
            "CoinGecko",
            plan.base_url,
            Opening(plan.base_url, now, on_origin, limiter.sleep, adapter, timeouts, patience, on_wait),
            error_of=error_of,
            secrets={plan.key_header: api_key} if plan.key_header and api_key else {},
            limiter=limiter,
        )
        self.survived = self._session.survived
        """How many failures of each kind were tried again."""
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

    def asset_list(self) -> AssetList:
        """The entries of ``/coins/list`` as received: id, symbol, name and platforms of every active coin. One call.

        Raises:
            SourceError: The call failed for good.
        """
        entries, answer = self._session.ask(
            "coins/list",
            "the asset list",
            responses.check_asset_list,
            lambda: self._api.get_coins_list(include_platform=True),
        )
        return AssetList(entries, answer.asked_at, answer.answered_at)

    def inactive_asset_list(self) -> AssetList:
        """The entries of ``/coins/list`` of the coins that are gone; paid plans only. One call.

        Raises:
            SourceError: The call failed for good.
        """
        entries, answer = self._session.ask(
            INACTIVE_LIST,
            "the list of coins that are gone",
            responses.check_asset_list,
            lambda: self._api.get_coins_list(include_platform=True, status="inactive"),
        )
        return AssetList(entries, answer.asked_at, answer.answered_at)

    def asset_platforms(self) -> tuple[list[Any], datetime]:
        """The chains of ``/asset_platforms`` as received, and when they were there (UTC, aware). One call.

        Raises:
            SourceError: The call failed for good.
        """
        entries, answer = self._session.ask(
            "asset_platforms",
            "the chains",
            responses.check_platforms,
            self._api.get_asset_platforms,
            broken_tries=BROKEN_CHART_TRIES,
        )
        return entries, answer.answered_at

    def exchange_rates(self) -> tuple[ExchangeRates, datetime]:
        """What one unit of some 70 currencies costs now, and when that was told (UTC, aware). One call.

        Raises:
            SourceError: The call failed for good.
        """
        rates, answer = self._session.ask(
            "exchange_rates",
            "the exchange rates",
            read_exchange_rates,
            self._api.get_exchange_rates,
            broken_tries=BROKEN_CHART_TRIES,
        )
        return rates, answer.answered_at

    def credits_used(self) -> int:
        """Credits of the running month that the key has used, wherever, as ``/key`` tells. One call; paid plans only.

        Raises:
            SourceError: The call failed for good, or the plan is not a paid one.
        """
        used, _ = self._session.ask("key", "what the key has used", responses.check_credits_used, self._api.key)
        return used

    def market_pages(self, *, largest: int | None = None, max_calls: int | None = None) -> Iterator[MarketPage]:
        """The current market of every coin, or of the largest ones, page by page. One call for each 250 coins.

        Pages of every coin are in the order of the ids, which is stable while ranks move; a coin that is listed
        meanwhile may make one coin appear on two pages. The last is the one that brings no coin that an earlier one had
        not. A page that is not full may have others after it: who knows which coins there are takes no more pages once
        it has them.

        Args:
            largest: How many coins to bring, by market cap; None for all.
            max_calls: How many pages to ask for at most; None for as many as there are.

        Raises:
            SourceError: A call failed for good.
        """
        order = "id_asc" if largest is None else "market_cap_desc"
        seen: set[str] = set()
        brought = page = 0
        while (largest is None or brought < largest) and (max_calls is None or page < max_calls):
            page += 1
            what = f"page {page} of the markets"
            entries, answer = self._markets(what, order=order, page=page)
            wanted = entries if largest is None else entries[: largest - brought]
            market = responses.market_page(wanted, answer, what)
            yield market
            coins = set(market.rows["asset_id"].to_pylist())
            if coins <= seen:
                return
            seen |= coins
            brought += len(wanted)

    def markets_of(self, coin_ids: Sequence[str]) -> Iterator[MarketPage]:
        """The current market of chosen coins, up to 250 a call; a coin that CoinGecko does not know is left out.

        Raises:
            SourceError: A call failed for good.
        """
        for ids in _packed([coin_id for coin_id in coin_ids if is_asset_id(coin_id)]):
            what = f"the markets of {len(ids)} coins"
            page = responses.market_page(*self._markets(what, order="id_asc", page=1, ids=",".join(ids)), what)
            yield replace(page, asked_for=tuple(ids))

    def market_chart(self, coin_id: str, days: int, vs_currency: str = "usd") -> ChartAnswer:
        """The daily history of one coin, ending now. One call, and two more while what comes is broken.

        Args:
            coin_id: The coin.
            days: UTC midnights to bring, today's included.
            vs_currency: The currency of its values, by its code in lower case.

        Raises:
            BadRequest: The id is none that can be asked for.
            BrokenAnswer: What came is no JSON with the three series; its ``answer`` is what came last, and when.
            SourceError: The call failed for good.
        """
        if coin_id in (".", "..") or not is_asset_id(coin_id):
            raise BadRequest(f"The market chart of {coin_id!r} cannot be asked for: no path of a URL can hold that id.")
        _, answer = self._session.ask(
            "coins/market_chart",
            f"the market chart of {coin_id!r}" + ("" if vs_currency == "usd" else f" in {vs_currency!r}"),
            responses.check_chart_series,
            lambda: self._api.get_coin_market_chart_by_id(quote(coin_id, safe=""), vs_currency, days, interval="daily"),
            broken_tries=BROKEN_CHART_TRIES,
        )
        return ChartAnswer(coin_id, days, answer.body, answer.asked_at, answer.answered_at)

    def _markets(self, what: str, **parameters: Any) -> tuple[list[Any], Answer]:
        return self._session.ask(
            "coins/markets",
            what,
            responses.check_markets,
            lambda: self._api.get_coins_markets("usd", per_page=PAGE_SIZE, **WHOLE_MARKET, **parameters),
        )


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
