"""What is planted is found by looking, and nothing else is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coingecko_pipeline.sandbox import SandboxOptions
from coingecko_pipeline.sandbox.planted import (
    CANDLE_OUTSIDE,
    CAP_NOT_SUPPLY,
    REVISED,
    RISES,
    SPIKE,
    STALE,
    VOLUME_ABOVE_CAP,
    Oddity,
    planted_oddities,
)

from .asking import Api

FIRST, LAST = date(2026, 1, 5), date(2026, 3, 10)
MARKET: dict[str, Any] = {"coins": 120, "rehypothecated": 12, "oddities": True, "revise_share": 0.5}
Chart = dict[date, float]


def dates() -> list[date]:
    return [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def midnight(day: date, minutes: float = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)


def by_date(points: list[list[float]]) -> Chart:
    return {datetime.fromtimestamp(stamp / 1000, UTC).date(): value for stamp, value in points[:-1]}


@pytest.fixture(scope="module")
def rows() -> dict[tuple[date, str], dict[str, Any]]:
    """Every row of every date, read two minutes after midnight, the date after the last one included."""
    read: dict[tuple[date, str], dict[str, Any]] = {}
    for day in [*dates(), LAST + timedelta(days=1)]:
        page = Api(at=midnight(day, 2), **MARKET).markets(include_rehypothecated="true", precision="full")
        read |= {(day, row["id"]): row for row in page}
    return read


@pytest.fixture(scope="module")
def charts() -> dict[str, Chart]:
    """The prices of every coin as they were told first."""
    late = Api(at=midnight(LAST + timedelta(days=4), 30), **{**MARKET, "revise_share": 0.0})
    return {coin_id: by_date(late.chart(coin_id)["prices"]) for coin_id in late.ids()}


def planted(*kinds: str, asked_on: date | None = None) -> set[Oddity]:
    told = planted_oddities(SandboxOptions(**MARKET), FIRST, LAST, asked_on=asked_on)
    return {oddity for oddity in told if oddity.kind in kinds}


def test_rows_that_stand_still_have_a_supply_or_a_volume_that_does_not_fit_are_those_that_are_told(
    rows: dict[tuple[date, str], dict[str, Any]],
) -> None:
    found = set()
    for (day, coin_id), row in rows.items():
        if day > LAST:
            continue
        age = midnight(day, 2) - datetime.fromisoformat(row["last_updated"])
        cap, volume = row["market_cap"], row["total_volume"]
        if age > timedelta(days=1):
            found.add(Oddity(day, coin_id, STALE))
        if cap and abs(row["current_price"] * row["circulating_supply"] / cap - 1) > 0.25:
            found.add(Oddity(day, coin_id, CAP_NOT_SUPPLY))
        if cap and volume is not None and volume > cap:
            found.add(Oddity(day, coin_id, VOLUME_ABOVE_CAP))
    assert found == planted(STALE, CAP_NOT_SUPPLY, VOLUME_ABOVE_CAP)
    assert {oddity.kind for oddity in found} == {STALE, CAP_NOT_SUPPLY, VOLUME_ABOVE_CAP}


def test_prices_that_jump_and_return_within_three_days_are_those_that_are_told(charts: dict[str, Chart]) -> None:
    found = set()
    for coin_id, chart in charts.items():
        for day in dates():
            for away in range(1, 3):
                before, after = day - timedelta(days=1), day + timedelta(days=away)
                between = [day + timedelta(days=number) for number in range(away)]
                if all(each in chart for each in (before, after, *between)):
                    base, back = chart[before], chart[after]
                    factors = [chart[each] / base for each in between]
                    if 0.5 < back / base < 2 and (min(factors) > 5 or max(factors) < 0.2):
                        found |= {Oddity(each, coin_id, SPIKE) for each in between if each <= LAST}
    assert found == planted(SPIKE)
    assert {oddity.coin_id for oddity in found} == {"1move token", "true"}


def test_coins_that_rise_a_hundredfold_stay_there_and_are_no_spikes(charts: dict[str, Chart]) -> None:
    for coin_id, (day, weeks) in zip(RISES, ((date(2025, 10, 1), 3), (date(2026, 1, 9), 2)), strict=True):
        chart = charts[coin_id]
        lowest, highest = chart[day], chart[day + timedelta(weeks=weeks)]
        # The coin moves by itself too.
        assert 40 < highest / lowest < 250
        assert min(chart[each] for each in dates() if each > date(2026, 1, 25)) > 20 * lowest
    assert not {oddity for oddity in planted(SPIKE) if oddity.coin_id in RISES}


def test_candles_that_do_not_hold_their_ends_are_those_that_are_told(
    rows: dict[tuple[date, str], dict[str, Any]], charts: dict[str, Chart]
) -> None:
    found, seen = set(), set()
    for day in dates():
        after = day + timedelta(days=1)
        for coin_id, chart in charts.items():
            row = rows.get((after, coin_id))
            if row is None or row["high_24h"] is None or day not in chart or after not in chart:
                continue
            if midnight(after, 2) - datetime.fromisoformat(row["last_updated"]) > timedelta(hours=1):
                continue
            seen.add((day, coin_id))
            ends = (chart[day], chart[after])
            if max(ends) > row["high_24h"] or min(ends) < row["low_24h"]:
                found.add(Oddity(day, coin_id, CANDLE_OUTSIDE))
    told = {oddity for oddity in planted(CANDLE_OUTSIDE) if (oddity.date, oddity.coin_id) in seen}
    assert found == told
    assert 0.02 < len(found) / len(seen) < 0.05


def test_revised_dates_are_those_that_are_told(charts: dict[str, Chart]) -> None:
    asked_on = LAST + timedelta(days=30)
    late = Api(at=midnight(asked_on, 30), **MARKET)
    found = set()
    for coin_id in set(late.ids()) & charts.keys():
        for day, price in by_date(late.chart(coin_id)["prices"]).items():
            if FIRST <= day <= LAST and day in charts[coin_id] and charts[coin_id][day] != price:
                found.add(Oddity(day, coin_id, REVISED))
    told = planted(REVISED, asked_on=asked_on)
    listed = set(late.ids())
    seen = {oddity for oddity in told if oddity.coin_id in listed and oddity.date in charts.get(oddity.coin_id, {})}
    assert found == seen
    assert len(found) > 20


def test_without_the_request_nothing_is_planted_but_what_dead_coins_and_candles_do() -> None:
    told = planted_oddities(SandboxOptions(coins=120), FIRST, LAST, asked_on=LAST)
    assert {oddity.kind for oddity in told} == {STALE, CANDLE_OUTSIDE}
    assert {oddity.coin_id for oddity in told if oddity.kind == STALE} >= {"boringdao-[old]"}
