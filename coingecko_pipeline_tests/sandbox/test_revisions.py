"""History that is told otherwise later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from coingecko_pipeline.sandbox.revisions import REVISED_DATES, revised_on
from coingecko_pipeline.sandbox.universe import Universe

from .asking import DAY_MS, NOON, Api, milliseconds

SEED = 3


def settled(api: Api, coin_id: str) -> dict[str, dict[int, Any]]:
    chart = api.chart(coin_id)
    return {series: dict(points[:-1]) for series, points in chart.items()}


def test_later_charts_say_something_else_of_the_dates_that_are_told_and_of_no_others() -> None:
    options: dict[str, Any] = {"coins": 60, "seed": SEED, "revise_share": 0.5}
    now, later = Api(**options), Api(at=NOON + timedelta(days=30), **options)
    today = milliseconds(NOON) // DAY_MS
    universe = Universe(SEED, 60)
    revised = touched = 0
    for coin_id in sorted(set(now.ids()) & set(later.ids())):
        coin = universe.find(coin_id, today)
        assert coin is not None
        before, after = settled(now, coin_id), settled(later, coin_id)
        shared = sorted(before["prices"].keys() & after["prices"].keys())
        if not shared or coin_id == "inf":
            continue
        on = revised_on(np.array([coin.key], dtype=np.uint64), np.array(shared) // DAY_MS, 0.5)
        expected = {stamp for stamp, day in zip(shared, on.tolist(), strict=True) if today < day <= today + 30}
        differing = {stamp for stamp in shared if before["prices"][stamp] != after["prices"][stamp]}
        assert differing == expected
        for stamp in differing:
            factor = after["prices"][stamp] / before["prices"][stamp]
            assert 0.049 < abs(factor - 1) < 0.201
            assert after["total_volumes"][stamp] == before["total_volumes"][stamp]
            assert after["market_caps"][stamp] == pytest.approx(before["market_caps"][stamp] * factor)
        revised += len(differing)
        touched += bool(differing)
    assert 5 < touched < 40
    assert revised > 5


def test_ranges_and_histories_say_what_the_chart_says() -> None:
    api = Api(coins=60, seed=SEED, revise_share=1.0)
    prices = settled(api, "bitcoin")["prices"]
    first = settled(Api(coins=60, seed=SEED), "bitcoin")["prices"]
    told = [stamp for stamp in prices if prices[stamp] != first[stamp]]
    assert 0.5 * REVISED_DATES < len(told) / len(prices) < 2 * REVISED_DATES
    for stamp in told:
        date = datetime.fromtimestamp(stamp / 1000, UTC)
        assert date < NOON - timedelta(days=6)
        history = api.json("/coins/bitcoin/history", date=f"{date:%d-%m-%Y}")
        assert history["market_data"]["current_price"]["usd"] == prices[stamp]
    span = {"from": min(prices) // 1000, "to": max(prices) // 1000}
    ranged = api.json("/coins/bitcoin/market_chart/range", vs_currency="usd", **span)
    assert dict(ranged["prices"]) == prices


def test_the_hours_of_a_day_are_never_revised() -> None:
    hourly: dict[str, Any] = {"coin_id": "bitcoin", "days": 80}
    assert Api(coins=60, revise_share=1.0).chart(**hourly) == Api(coins=60).chart(**hourly)
