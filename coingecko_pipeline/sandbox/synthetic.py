"""The synthetic market as the answers of the API: each method gives the body of one endpoint."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .charts import Granularity, chart_body, chart_moments
from .currencies import Rates
from .errors import coin_not_found
from .extremes import LifeRange, life_range
from .lists import coin_list
from .market import DAY_MS, MINUTE_MS, Figures, figures, has_history, quotes, recorded_days
from .noise import Days, Reals
from .options import SandboxOptions
from .pages import MarketTable
from .paprika import PaprikaMarket
from .parameters import PageWanted
from .responses import encoded
from .revisions import revision
from .rows import rows
from .universe import FIRST_DAY_NUMBER, Coin, Universe

# The last completed UTC day is in `/market_chart` ten minutes after midnight, and in `/market_chart/range`
# and `/history` after 35 minutes (CoinGecko's documentation).
CHART_SETTLES_MS, RANGE_SETTLES_MS = 10 * MINUTE_MS, 35 * MINUTE_MS


class SyntheticMarket:
    """A market that is a closed form of the seed; see `universe` for its coins and `market` for their figures.

    Times are milliseconds since 1970-01-01 UTC. What was computed last is kept: the figures of a day's coins,
    the market page of a minute, the coin list of a day.
    """

    def __init__(self, options: SandboxOptions) -> None:
        self._universe = Universe(options.seed, options.coins, options.rehypothecated)
        self._rates = Rates(options.seed, self._universe.giant_keys)
        self._oddities = options.oddities
        self._revise_share = options.revise_share
        self._table: tuple[int, MarketTable] | None = None
        self._latest: tuple[int, Figures, LifeRange] | None = None
        self._list = lru_cache(maxsize=4)(self._listed)

    def coins_list(self, now_ms: int, include_platform: bool, inactive: bool) -> bytes:
        """The body of `/coins/list`: the active coins, or those that have been delisted."""
        return self._list(now_ms // DAY_MS, include_platform, inactive)

    def _listed(self, day: int, include_platform: bool, inactive: bool) -> bytes:
        coins = self._universe.delisted(day) if inactive else self._universe.roster(day).coins
        return coin_list(coins, day, include_platform)

    def markets(self, now_ms: int, wanted: PageWanted) -> tuple[bytes, int]:
        """The body of one page of `/coins/markets`, and the number of rows on all pages.

        Raises:
            ApiError: 422 for an order that does not exist.
        """
        table = self.table(now_ms)
        places = table.ordered(wanted.order, wanted.rehypothecated)
        if wanted.ids is not None:
            by_id = self._universe.roster(now_ms // DAY_MS).by_id
            chosen = [by_id[coin_id] for coin_id in wanted.ids if coin_id in by_id]
            places = places[np.isin(places, np.array(chosen, dtype=np.int64))]
        page = places[(wanted.page - 1) * wanted.per_page : wanted.page * wanted.per_page]
        return rows(table, page, wanted, self._rates.at(table.minute_ms)[wanted.currency]), len(places)

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
        """The body of `/coins/{id}/market_chart`.

        Args:
            now_ms: The sandbox's time.
            coin_id: Whose chart.
            days: How many days back it reaches, or None for all of them.
            granularity: The distance of its points, or None to take what fits the days.
            delisted: Whether coins that have been delisted are served.
            currency: The code of its currency.

        Raises:
            ApiError: 404 where there is no such coin.
        """
        coin, of, end_ms = self._coin(coin_id, now_ms, delisted)
        from_ms = FIRST_DAY_NUMBER * DAY_MS if days is None else now_ms - days * DAY_MS
        chosen = granularity or Granularity.automatic((now_ms - from_ms) / DAY_MS)
        return self._chart(coin, of, chosen, from_ms, now_ms, end_ms, CHART_SETTLES_MS, now_ms, currency)

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
        """The body of `/coins/{id}/market_chart/range`; a range that reaches to now ends with a point for now.

        Raises:
            ApiError: 404 where there is no such coin.
        """
        coin, of, end_ms = self._coin(coin_id, now_ms, delisted)
        chosen = granularity or Granularity.automatic((to_ms - from_ms) / DAY_MS)
        return self._chart(coin, of, chosen, from_ms, to_ms, end_ms, RANGE_SETTLES_MS, now_ms, currency)

    def _chart(
        self,
        coin: Coin,
        of: Figures,
        granularity: Granularity,
        from_ms: int,
        to_ms: int,
        end_ms: int | None,
        settles_ms: int,
        now_ms: int,
        currency: str,
    ) -> bytes:
        last_ms = min(to_ms, now_ms if end_ms is None else end_ms - 1)
        moments = chart_moments(coin, of, granularity, from_ms, last_ms, now_ms - settles_ms)
        if end_ms is None and to_ms >= now_ms and from_ms <= now_ms and has_history(of):
            # Whole seconds, as recorded.
            moments = np.append(moments, now_ms - now_ms % 1000)
        rates = 1.0 if currency == "usd" else self._rates.per_dollar(currency, moments)
        daily = granularity is Granularity.DAILY
        return chart_body(of, moments, rates, self._revisions(of, moments, now_ms) if daily else 1.0)

    def _revisions(self, of: Figures, moments_ms: Days, now_ms: int) -> Reals | float:
        if not self._revise_share:
            return 1.0
        midnight = moments_ms % DAY_MS == 0
        told = revision(of.keys, moments_ms // DAY_MS, now_ms // DAY_MS, self._revise_share)
        return np.where(midnight, told, 1.0)

    def history(self, now_ms: int, coin_id: str, day: int, delisted: bool) -> bytes:
        """The body of `/coins/{id}/history`: without `market_data` where the day has no figures.

        Raises:
            ApiError: 404 where there is no such coin.
        """
        coin, of, end_ms = self._coin(coin_id, now_ms, delisted)
        symbol, name = coin.named(now_ms // DAY_MS)
        image = f"https://coin-images.coingecko.com/coins/images/{coin.slot + 1}"
        body: dict[str, object] = {
            "id": coin.coin_id,
            "symbol": symbol,
            "name": name,
            "localization": {"en": name},
            "image": {"thumb": f"{image}/thumb/coin.png", "small": f"{image}/small/coin.png"},
        }
        moment = np.array([day * DAY_MS], dtype=np.int64)
        settled = coin.born_on * DAY_MS <= moment[0] <= now_ms - RANGE_SETTLES_MS
        listed = end_ms is None or moment[0] < end_ms
        if settled and listed and has_history(of) and recorded_days(of, moment // DAY_MS)[0]:
            at = quotes(of, moment)
            told = self._revisions(of, moment, now_ms)
            figures_usd = {
                "current_price": at.price * told,
                "market_cap": at.market_cap * told,
                "total_volume": at.volume,
            }
            body["market_data"] = {
                name: {currency: _real(values[0] * rate) for currency, rate in self._rates.at(int(moment[0])).items()}
                for name, values in figures_usd.items()
            }
        return encoded(body | {"community_data": {}, "developer_data": {}, "public_interest_stats": {}})

    def simple_price(
        self,
        now_ms: int,
        ids: Sequence[str],
        currencies: Sequence[str],
        extras: frozenset[str],
        precision: int | None,
    ) -> bytes:
        """The body of `/simple/price`: unknown coins are left out, unknown currencies leave `{}`.

        Args:
            now_ms: The sandbox's time.
            ids: The coins.
            currencies: The currencies.
            extras: Which of `include_market_cap`, `include_24hr_vol`, `include_24hr_change` and
                `include_last_updated_at` were asked for.
            precision: Decimals of the prices, or None for as many as fit each.
        """
        table = self.table(now_ms)
        by_id = self._universe.roster(now_ms // DAY_MS).by_id
        known = self._rates.at(table.minute_ms)
        rates = {currency: known[currency] for currency in currencies if currency in known}
        return encoded({i: table.price_entry(by_id[i], rates, extras, precision) for i in ids if i in by_id})

    def exchange_rates(self, now_ms: int) -> bytes:
        """The body of `/exchange_rates`, as of the last whole minute."""
        return self._rates.exchange_rates(now_ms - now_ms % MINUTE_MS)

    def global_figures(self, now_ms: int) -> bytes:
        """The body of `/global`."""
        table = self.table(now_ms)
        return encoded({"data": table.totals(now_ms, self._rates.at(table.minute_ms))})

    def paprika(self, now_ms: int) -> PaprikaMarket:
        """CoinPaprika's view of the same market, as of the last whole minute."""
        return PaprikaMarket(self._universe.roster(now_ms // DAY_MS), self.table(now_ms), now_ms)

    def table(self, now_ms: int) -> MarketTable:
        """The market page as of the last whole minute."""
        minute, day = now_ms // MINUTE_MS, now_ms // DAY_MS
        if self._table is None or self._table[0] != minute:
            roster, (_, of, life) = self._universe.roster(day), self._day(day)
            self._table = minute, MarketTable(roster, of, life, now_ms)
        return self._table[1]

    def _day(self, day: int) -> tuple[int, Figures, LifeRange]:
        if self._latest is None or self._latest[0] != day:
            roster = self._universe.roster(day)
            of = figures(roster.keys, roster.slots, self._oddities)
            self._latest = day, of, life_range(of, roster.born_on, max(day, FIRST_DAY_NUMBER))
        return self._latest

    def _coin(self, coin_id: str, now_ms: int, delisted: bool) -> tuple[Coin, Figures, int | None]:
        day = now_ms // DAY_MS
        coin = self._universe.find(coin_id, day)
        if coin is None:
            raise coin_not_found()
        ended_on = self._universe.delisted_on(coin, day)
        if ended_on is None:
            return coin, self._day(day)[1].one(self._universe.roster(day).by_id[coin.coin_id]), None
        if not delisted:
            raise coin_not_found()
        of = figures(np.array([coin.key], dtype=np.uint64), np.array([coin.slot], dtype=np.int64))
        return coin, of, ended_on * DAY_MS


def _real(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
