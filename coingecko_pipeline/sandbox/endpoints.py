"""The endpoints: from a request's parameters to a market's body, with the plan's limits in between."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .charts import Granularity
from .clock import milliseconds
from .currencies import supported
from .errors import incorrect_path, invalid_parameter, paid_only, too_far_back
from .limits import CreditCount
from .market import DAY_MS
from .paprika import PREFIX as PAPRIKA_PREFIX
from .paprika import PaprikaMarket
from .parameters import (
    PageWanted,
    Query,
    calendar_day,
    days_back,
    flag,
    instant_ms,
    page_wanted,
    precision,
    required,
    vs_currency,
)
from .plans import Caller, Plan
from .platforms import asset_platforms
from .responses import encoded, json_response

PREFIX = "/api/v3"
_INTERVALS = {"daily": Granularity.DAILY, "hourly": Granularity.HOURLY, "5m": Granularity.FIVE_MINUTES}
_EXTRAS = ("include_market_cap", "include_24hr_vol", "include_24hr_change", "include_last_updated_at")


class Market(Protocol):
    """Where the bodies come from; see `synthetic.SyntheticMarket` for what each method gives."""

    def coins_list(self, now_ms: int, include_platform: bool, inactive: bool) -> bytes:
        """The body of `/coins/list`."""

    def markets(self, now_ms: int, wanted: PageWanted) -> tuple[bytes, int]:
        """The body of a page of `/coins/markets`, and the number of rows on all pages."""

    def chart(
        self,
        now_ms: int,
        coin_id: str,
        *,
        days: int | None,
        granularity: Granularity | None,
        delisted: bool,
        currency: str,
    ) -> bytes:
        """The body of `/coins/{id}/market_chart`."""

    def chart_range(
        self,
        now_ms: int,
        coin_id: str,
        *,
        from_ms: int,
        to_ms: int,
        granularity: Granularity | None,
        delisted: bool,
        currency: str,
    ) -> bytes:
        """The body of `/coins/{id}/market_chart/range`."""

    def history(self, now_ms: int, coin_id: str, day: int, delisted: bool) -> bytes:
        """The body of `/coins/{id}/history`."""

    def simple_price(
        self, now_ms: int, ids: list[str], currencies: list[str], extras: frozenset[str], precision: int | None
    ) -> bytes:
        """The body of `/simple/price`."""

    def exchange_rates(self, now_ms: int) -> bytes:
        """The body of `/exchange_rates`."""

    def global_figures(self, now_ms: int) -> bytes:
        """The body of `/global`."""

    def paprika(self, now_ms: int) -> PaprikaMarket:
        """CoinPaprika's view of the same market."""


class Endpoints:
    """The endpoints of one sandbox.

    Args:
        market: Where the bodies come from.
        plan: The plan that the sandbox plays.
        limit: Calls a minute, as `/key` tells them; 0 stands for no limit.
        usage: The credits used.
    """

    def __init__(self, market: Market, plan: Plan, limit: int, usage: CreditCount) -> None:
        self._market = market
        self._plan = plan
        self._limit = limit
        self._usage = usage

    def routes(self) -> list[Route]:
        """The routes: below `/api/v3`, the path of both of CoinGecko's hosts, and `/v1`, that of CoinPaprika's."""
        handlers: dict[str, Callable[[Request], Response]] = {
            "/ping": self._ping,
            "/key": self._key,
            "/coins/list": self._coins_list,
            "/coins/markets": self._markets,
            "/coins/{coin_id}/market_chart": self._chart,
            "/coins/{coin_id}/market_chart/range": self._chart_range,
            "/coins/{coin_id}/history": self._history,
            "/simple/price": self._simple_price,
            "/simple/supported_vs_currencies": lambda _: json_response(supported()),
            "/asset_platforms": lambda _: json_response(asset_platforms()),
            "/exchange_rates": self._exchange_rates,
            "/global": self._global,
        }
        other = {"/coins": self._paprika_coins, "/tickers": self._paprika_tickers}
        other |= {"/contracts": self._paprika_platforms, "/contracts/{platform}": self._paprika_contracts}
        paths = {PREFIX + path: handler for path, handler in handlers.items()}
        paths |= {PAPRIKA_PREFIX + path: handler for path, handler in other.items()}
        return [Route(path, _on_the_loop(handler), methods=["GET"]) for path, handler in paths.items()]

    def _ping(self, _: Request) -> Response:
        return json_response(encoded({"gecko_says": "(V3) To the Moon!"}))

    def _key(self, request: Request) -> Response:
        if not self._plan.paid or self._plan.credits_per_month is None:
            raise paid_only()
        caller, now = _caller(request), _now(request)
        used = self._usage.used(caller.key, now)
        credits_a_month = self._plan.credits_per_month
        return json_response(
            encoded(
                {
                    "plan": self._plan.name.title(),
                    "rate_limit_request_per_minute": self._limit,
                    "monthly_call_credit": credits_a_month,
                    "current_total_monthly_calls": used,
                    "current_remaining_monthly_calls": max(0, credits_a_month - used),
                    "api_key_rate_limit_request_per_minute": self._limit,
                    "api_key_monthly_call_credit": credits_a_month,
                    "api_key_current_total_monthly_calls": used,
                }
            )
        )

    def _coins_list(self, request: Request) -> Response:
        query = request.query_params
        inactive = query.get("status", "active") == "inactive"
        if inactive and not _caller(request).plan.paid:
            raise paid_only()
        return json_response(self._market.coins_list(_now_ms(request), flag(query, "include_platform"), inactive))

    def _markets(self, request: Request) -> Response:
        wanted = page_wanted(request.query_params)
        body, total = self._market.markets(_now_ms(request), wanted)
        return json_response(body, headers={"total": str(total), "per-page": str(wanted.per_page)})

    def _chart(self, request: Request) -> Response:
        query, caller = request.query_params, _caller(request)
        currency, days = vs_currency(query), days_back(query)
        granularity = _granularity(query)
        if granularity not in (None, Granularity.DAILY) and not caller.plan.paid:
            raise paid_only()
        if (allowed := caller.plan.history_days) is not None and (days is None or days > allowed):
            raise too_far_back(_now(request), allowed)
        body = self._market.chart(
            _now_ms(request),
            request.path_params["coin_id"],
            days=days,
            granularity=granularity,
            delisted=caller.plan.paid,
            currency=currency,
        )
        return json_response(body)

    def _chart_range(self, request: Request) -> Response:
        query, caller, now_ms = request.query_params, _caller(request), _now_ms(request)
        currency, from_ms, to_ms = vs_currency(query), instant_ms(query, "from"), instant_ms(query, "to")
        granularity = _granularity(query)
        if granularity is not None and not caller.plan.paid:
            raise paid_only()
        _check_reach(request, from_ms, now_ms)
        body = self._market.chart_range(
            now_ms,
            request.path_params["coin_id"],
            from_ms=from_ms,
            to_ms=to_ms,
            granularity=granularity,
            delisted=caller.plan.paid,
            currency=currency,
        )
        return json_response(body)

    def _history(self, request: Request) -> Response:
        caller, now_ms = _caller(request), _now_ms(request)
        day = calendar_day(request.query_params)
        _check_reach(request, day * DAY_MS, now_ms - now_ms % DAY_MS)
        return json_response(self._market.history(now_ms, request.path_params["coin_id"], day, caller.plan.paid))

    def _simple_price(self, request: Request) -> Response:
        query = request.query_params
        currencies = required(query, "vs_currencies").lower().split(",")
        ids = required(query, "ids").split(",")
        extras = frozenset(name for name in _EXTRAS if flag(query, name))
        digits = precision(query)
        return json_response(self._market.simple_price(_now_ms(request), ids, currencies, extras, digits))

    def _exchange_rates(self, request: Request) -> Response:
        return json_response(self._market.exchange_rates(_now_ms(request)))

    def _global(self, request: Request) -> Response:
        return json_response(self._market.global_figures(_now_ms(request)))

    def _paprika_coins(self, request: Request) -> Response:
        return json_response(self._market.paprika(_now_ms(request)).coins())

    def _paprika_platforms(self, request: Request) -> Response:
        return json_response(self._market.paprika(_now_ms(request)).platforms())

    def _paprika_contracts(self, request: Request) -> Response:
        body = self._market.paprika(_now_ms(request)).contracts(request.path_params["platform"])
        return json_response(body)

    def _paprika_tickers(self, request: Request) -> Response:
        return json_response(self._market.paprika(_now_ms(request)).tickers())


def unknown_path(_: Request, __: Exception) -> Response:
    """The answer for a path that is no endpoint."""
    error = incorrect_path()
    return json_response(encoded(error.body), error.status)


def _check_reach(request: Request, from_ms: int, until_ms: int) -> None:
    allowed = _caller(request).plan.history_days
    if allowed is not None and from_ms < until_ms - allowed * DAY_MS:
        raise too_far_back(_now(request), allowed)


def _granularity(query: Query) -> Granularity | None:
    interval = query.get("interval")
    if not interval:
        return None
    if interval not in _INTERVALS:
        raise invalid_parameter("interval")
    return _INTERVALS[interval]


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _now(request: Request) -> datetime:
    now: datetime = request.state.now
    return now.astimezone(UTC)


def _now_ms(request: Request) -> int:
    return milliseconds(_now(request))


def _on_the_loop(handler: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    # A handler takes a millisecond or two; handing it to a thread would cost more than it frees.
    async def endpoint(request: Request) -> Response:
        return handler(request)

    return endpoint
