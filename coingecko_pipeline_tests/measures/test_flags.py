"""The flags: exactly the rows that are odd, also when the market changes around them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.measures import ALWAYS, MARKET_FLAGS, Thresholds, follow_market, market_flags
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.charts import RECORDED, recorded_market, store
from coingecko_pipeline_tests.measures.deriving import NOW, build, changed, follow, log
from coingecko_pipeline_tests.measures.snapshots import market_row, midnight, put, snapshot_row

DAY = date(2026, 3, 9)


def flags(database: Database) -> list[tuple[Any, ...]]:
    table = tables.market_flags
    with database.connect() as connection:
        rows = connection.execute(select(table.c.date, table.c.asset_id, table.c.flag).order_by(*table.primary_key))
        return [tuple(row) for row in rows]


def detail(database: Database) -> str:
    with database.connect() as connection:
        (told,) = connection.scalars(select(tables.market_flags.c.detail))
    return str(told)


def days_of(prices: Sequence[float | None], coin: str = "coin") -> list[dict[str, Any]]:
    """Rows from a date on; None is a date without one."""
    return [
        market_row(DAY + timedelta(days=number), coin, price)
        for number, price in enumerate(prices)
        if price is not None
    ]


def spikes(database: Database) -> list[int]:
    """The places of the prices that are flagged."""
    return [(day - DAY).days for day, _, flag in flags(database) if flag == "spike"]


def test_a_row_of_an_earlier_date_is_stale(database: Database) -> None:
    put(database, [market_row(DAY, "coin", 5.0, source="stale", observed_at=datetime(2026, 3, 1, 2, tzinfo=UTC))])
    build(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, "coin", "stale")]
    assert detail(database).startswith("last update 2026-03-01 02:00:00")


@pytest.mark.parametrize(
    ("prices", "odd"),
    [
        ([1, 1, 1, 100, 1, 1, 1], [3]),
        ([1, 1, 1, 0.01, 1, 1, 1], [3]),
        ([1, 1, 1, 0, 1, 1, 1], [3]),
        # Three dates up there are within three days, four are not.
        ([1, 1, 1, 100, 110, 90, 1, 1], [3, 4, 5]),
        ([1, 1, 1, 100, 110, 90, 100, 1, 1], []),
        # It stays a hundredfold, at once or over some days, or falls for good.
        ([1, 1, 1, 100, 100, 90, 120, 100], []),
        ([1, 3, 9, 27, 81, 100, 110, 100], []),
        ([100, 100, 1, 1, 1, 1, 1], []),
        # It rises a hundredfold and comes back to twenty: it has not returned.
        ([1, 1, 1, 100, 20, 20, 20], []),
        ([1, 1, 1, 4.9, 1, 1, 1], []),
        ([1, 1, 1, 5, 1.9, 1.9, 1.9], []),
        ([1, 1, 1, 10, 1.9, 1.9, 1.9], [3]),
        # A date without a row takes as long as one with it.
        ([1, None, None, 100, 1, 1], [3]),
        ([1, None, None, 100, None, 1], []),
        ([1, None, None, None, 100, 1], []),
        # Nothing is known of what came before the first date, and of what comes after the last one.
        ([100, 1, 1, 1], []),
        ([1, 1, 1, 100], []),
        ([0, 0, 5, 0, 0], []),
    ],
)
def test_a_spike_jumps_and_returns_within_three_days(
    database: Database, prices: Sequence[float | None], odd: list[int]
) -> None:
    put(database, days_of(prices))
    build(database, MARKET_FLAGS)
    assert spikes(database) == odd


def test_a_spike_is_told_when_it_returns_and_no_more_when_it_was_corrected(database: Database) -> None:
    put(database, [*days_of([1, 1, 100, 100]), *days_of([2, 2, 2, 2], "calm")])
    build(database, MARKET_FLAGS)
    assert spikes(database) == []
    put(database, [market_row(DAY + timedelta(days=4), coin, 1.5) for coin in ("coin", "calm")])
    log(database, changed(DAY + timedelta(days=4)))
    follow(database, MARKET_FLAGS)
    assert spikes(database) == [2, 3]
    market = tables.daily_market
    with database.transaction() as connection:
        wrong = (market.c.date == DAY + timedelta(days=4)) & (market.c.asset_id == "coin")
        connection.execute(market.update().where(wrong).values(price_usd=120.0, market_cap_usd=120_000.0))
    log(database, changed(DAY + timedelta(days=4), None, "coin"))
    follow(database, MARKET_FLAGS)
    assert spikes(database) == []


def test_a_stale_price_is_no_spike_and_hides_none(database: Database) -> None:
    rows = days_of([1, 1, 100, 1, 1])
    rows[2]["source"] = tables.STALE
    put(database, rows)
    build(database, MARKET_FLAGS)
    assert [flag for *_, flag in flags(database)] == ["stale"]


@pytest.mark.parametrize(
    ("supply", "is_odd"),
    [(1000.0, False), (801.0, False), (799.0, True), (1333.0, False), (1334.0, True), (0.0, False), (None, False)],
)
def test_a_market_cap_a_quarter_off_price_times_supply_is_told(
    database: Database, supply: float | None, is_odd: bool
) -> None:
    put(
        database,
        [market_row(DAY, "coin", 5.0)],
        [snapshot_row(DAY, "coin", None, None, circulating_supply=supply)],
    )
    build(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, "coin", "cap_not_supply")] * is_odd


@pytest.mark.parametrize(
    ("volume", "cap", "is_odd"), [(9.0, 9.0, False), (9.1, 9.0, True), (9.0, 0.0, False), (9.0, None, False)]
)
def test_a_volume_above_the_market_cap_is_told(
    database: Database, volume: float, cap: float | None, is_odd: bool
) -> None:
    put(database, [market_row(DAY, "coin", 5.0, volume_24h_usd=volume, market_cap_usd=cap)])
    build(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, "coin", "volume_above_cap")] * is_odd


def test_a_row_of_which_values_were_revised_is_told_once(database: Database) -> None:
    put(database, days_of([5, 5, 5]))
    with database.transaction() as connection:
        connection.execute(
            insert(tables.market_revisions),
            [
                {
                    "asset_id": "coin",
                    "date": DAY,
                    "column_name": column,
                    "seen_at": midnight(DAY) + timedelta(days=days),
                    "old_value": 1.0,
                    "new_value": 2.0,
                }
                for column, days in (("price_usd", 1), ("price_usd", 2), ("market_cap_usd", 1))
            ],
        )
    build(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, "coin", "revised")]
    assert detail(database) == "changed afterwards: price_usd market_cap_usd"


@pytest.mark.parametrize(
    ("price", "is_odd"), [(4.0, False), (3.97, False), (3.95, True), (9.08, False), (9.1, True), (None, False)]
)
def test_a_price_a_percent_outside_of_the_day_that_it_closes_or_opens_is_told(
    database: Database, price: float | None, is_odd: bool
) -> None:
    put(database, [market_row(DAY, "coin", price)], [snapshot_row(DAY, "coin", 4.0, 9.0)])
    put(database, [market_row(DAY, "other", price)], [snapshot_row(DAY + timedelta(days=1), "other", 4.0, 9.0)])
    build(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, coin, "candle_outside") for coin in ("coin", "other") if is_odd]


def test_a_price_outside_of_both_days_is_told_once_and_one_of_the_evening_of_none(database: Database) -> None:
    evening = midnight(DAY) + timedelta(hours=18)
    put(
        database,
        [market_row(DAY, coin, 20.0) for coin in ("both", "evening")],
        [
            snapshot_row(DAY, "both", 4.0, 9.0),
            snapshot_row(DAY + timedelta(days=1), "both", 4.0, 9.0),
            snapshot_row(DAY, "evening", 4.0, 9.0, answered_at=evening, last_updated_at=evening),
        ],
    )
    build(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, "both", "candle_outside")]


def test_the_snapshot_of_the_next_date_tells_of_the_price_that_opened_its_day(database: Database) -> None:
    put(database, [market_row(DAY, "coin", 20.0)], [snapshot_row(DAY, "coin", 4.0, 20.0)])
    build(database, MARKET_FLAGS)
    assert flags(database) == []
    later = DAY + timedelta(days=1)
    put(database, [market_row(later, "coin", 5.0)], [snapshot_row(later, "coin", 4.0, 9.0)])
    log(database, changed(later))
    follow(database, MARKET_FLAGS)
    assert flags(database) == [(DAY, "coin", "candle_outside")]


def test_the_thresholds_are_the_users(database: Database) -> None:
    put(database, days_of([1, 1, 4, 1, 1]))
    follow_market(database, market_flags(Thresholds(spike_factor=4.0)), NOW, rebuild=ALWAYS)
    assert spikes(database) == [2]
    build(database, MARKET_FLAGS)
    assert spikes(database) == []


def test_no_value_is_changed(database: Database) -> None:
    rows = days_of([1, 1, 100, 1, 1])
    put(database, rows)
    build(database, MARKET_FLAGS)
    with database.connect() as connection:
        found = connection.execute(select(tables.daily_market).order_by(tables.daily_market.c.date)).mappings().all()
    assert [dict(row) for row in found] == rows


def test_five_recorded_years_of_five_coins_have_no_spike(database: Database) -> None:
    store(database, recorded_market(date(2018, 8, 17), date(2023, 8, 14)))
    follow(database, MARKET_FLAGS)
    assert spikes(database) == []
    assert len(RECORDED) == 5
