"""Charts: which moments a chart has points for, and its JSON.

Three granularities, as CoinGecko has them: a point for each 00:00:00 UTC, one for each hour, one for each five
minutes. Only the daily points lie exactly where they should; the others come some seconds late, as the real
ones do. A chart that reaches to now ends with a point for now.
"""

from enum import Enum

import numpy as np

from .market import DAY_MS, HOUR_MS, MINUTE_MS, Figures, has_history, quotes, recorded_days
from .noise import Days, Reals, uniform
from .responses import point_texts
from .universe import Coin

EMPTY_CHART = b'{"prices":[],"market_caps":[],"total_volumes":[]}'
_JITTER = 30


class Granularity(Enum):
    """The distance of two points of a chart, in milliseconds."""

    FIVE_MINUTES = 5 * MINUTE_MS
    HOURLY = HOUR_MS
    DAILY = DAY_MS

    @classmethod
    def automatic(cls, days: float) -> "Granularity":
        """What CoinGecko takes for a span of days where the request leaves it open."""
        if days <= 1:
            return cls.FIVE_MINUTES
        return cls.HOURLY if days <= 90 else cls.DAILY


def chart_moments(coin: Coin, of: Figures, granularity: Granularity, from_ms: int, to_ms: int, settled_ms: int) -> Days:
    """The moments of a chart's points, without the point for now.

    Args:
        coin: Whose chart.
        of: Its figures.
        granularity: The distance of the points.
        from_ms: The first moment that may have a point, in milliseconds since 1970-01-01 UTC.
        to_ms: The last one.
        settled_ms: The last moment whose midnight is served already.
    """
    if not has_history(of):
        return np.empty(0, dtype=np.int64)
    step = granularity.value
    last = min(to_ms, settled_ms) if granularity is Granularity.DAILY else to_ms
    first = -(-max(from_ms, coin.born_on * DAY_MS) // step) * step
    moments = np.arange(first, last + 1, step, dtype=np.int64)
    if granularity is Granularity.DAILY:
        return moments[recorded_days(of, moments // DAY_MS)]
    late = moments + (uniform(of.keys, _JITTER, moments // MINUTE_MS) * (step // 12)).astype(np.int64)
    return late[late <= to_ms]


def chart_body(of: Figures, moments_ms: Days, rates: Reals | float, revisions: Reals | float) -> bytes:
    """The JSON of one coin's chart.

    Args:
        of: The coin's figures.
        moments_ms: The moments of its points.
        rates: What a dollar costs in the currency of the chart, at each of them.
        revisions: By which factor price and market cap are told otherwise than first, at each of them.
    """
    if not len(moments_ms):
        return EMPTY_CHART
    at = quotes(of, moments_ms)
    prices, market_caps, volumes = (
        point_texts(moments_ms, values * rates)
        for values in (at.price * revisions, at.market_cap * revisions, at.volume)
    )
    return f'{{"prices":[{prices}],"market_caps":[{market_caps}],"total_volumes":[{volumes}]}}'.encode()
