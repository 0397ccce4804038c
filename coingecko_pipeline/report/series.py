"""The numbers of all coins as the page carries them, each at the precision that its use needs."""

from collections.abc import Sequence

import numpy as np

from coingecko_pipeline.report.dates import CHANGES
from coingecko_pipeline.report.market import Market, Matrix
from coingecko_pipeline.report.packing import Series, pack_series

LATEST_STEPS = {"price_usd": 1e-7, "volume_24h_usd": 1e-5, "market_cap_usd": 1e-5}
"""For the table: seven digits of a price, five of the amounts, which it shows in four."""
GROWTH_STEP = 1e-4
"""Changes are shown in tenths of a percent."""
DAILY_STEPS = {"price_usd": 1e-5, "volume_24h_usd": 1e-3, "market_cap_usd": 1e-5}
"""A stablecoin's hundredths of a percent are seen in its chart."""
WEEKLY_STEPS = {"price_usd": 5e-3, "volume_24h_usd": 2e-2, "market_cap_usd": 5e-3}
"""A quarter of a percent, one percent for volumes: a pixel of a chart whose values double from bottom to top is a
third of a percent."""


def pack_market(market: Market) -> Sequence[Series]:
    """Every series of the page."""
    return [
        *(pack_series(f"latest-{name}", market.latest[name], step) for name, step in LATEST_STEPS.items()),
        *(pack_series(f"growth-{days}", market.growth(days), GROWTH_STEP) for days in CHANGES),
        *_points("weekly", market.weekly, WEEKLY_STEPS),
        *_points("daily", market.daily, DAILY_STEPS),
    ]


def _points(name: str, numbers: dict[str, Matrix], steps: dict[str, float]) -> Sequence[Series]:
    """Price, volume, and for the market cap the supply, its ratio to the price, which hardly changes and packs well.

    A market cap on a date without a price, or with a price of 0, is left out.
    """
    price, market_cap = numbers["price_usd"], numbers["market_cap_usd"]
    supply = np.divide(market_cap, price, where=price > 0, out=np.full_like(price, np.nan))
    return [
        pack_series(f"{name}-price_usd", price, steps["price_usd"]),
        pack_series(f"{name}-volume_24h_usd", numbers["volume_24h_usd"], steps["volume_24h_usd"]),
        pack_series(f"{name}-supply", supply, steps["market_cap_usd"]),
    ]
