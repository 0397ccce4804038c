"""Winners and losers: the coins whose price changed most, among those above a stated size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coingecko_pipeline.report.dates import CHANGES
from coingecko_pipeline.report.market import Coin, Market

LEAST_MARKET_CAP_USD = 50e6
LEAST_VOLUME_24H_USD = 1e6
"""Below these a price is a few people's trades, and the largest changes of a day would be theirs alone."""
SHOWN = 10


@dataclass(frozen=True)
class Mover:
    """One coin and its change.

    Attributes:
        coin: The coin.
        price_usd: Its latest price (US dollars).
        market_cap_usd: Its latest market cap (US dollars).
        change: The change of the price, of 1: -0.1 for a loss of a tenth.
    """

    coin: Coin
    price_usd: float
    market_cap_usd: float
    change: float


@dataclass(frozen=True)
class Movers:
    """What moved over some days.

    Attributes:
        days: How many.
        considered: Coins above the size that have both prices.
        risen: Those of them whose price rose.
        fallen: Those whose price fell.
        winners: The largest gains, the largest first.
        losers: The largest losses, the largest first.
    """

    days: int
    considered: int
    risen: int
    fallen: int
    winners: Sequence[Mover]
    losers: Sequence[Mover]


def find_movers(market: Market) -> list[Movers]:
    """The winners and losers over each number of days."""
    latest = market.latest
    # NaN is below every size.
    large = (latest["market_cap_usd"] >= LEAST_MARKET_CAP_USD) & (latest["volume_24h_usd"] >= LEAST_VOLUME_24H_USD)
    return [_over(market, days, large) for days in CHANGES]


def _over(market: Market, days: int, large: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> Movers:
    change = market.growth(days) - 1
    considered = np.flatnonzero(large & ~np.isnan(change))
    order = considered[np.argsort(change[considered], kind="stable")]

    def mover(row: int) -> Mover:
        latest = market.latest
        return Mover(
            market.coins[row],
            float(latest["price_usd"][row]),
            float(latest["market_cap_usd"][row]),
            float(change[row]),
        )

    return Movers(
        days=days,
        considered=len(considered),
        risen=int((change[considered] > 0).sum()),
        fallen=int((change[considered] < 0).sum()),
        winners=[mover(row) for row in order[::-1] if change[row] > 0][:SHOWN],
        losers=[mover(row) for row in order if change[row] < 0][:SHOWN],
    )
