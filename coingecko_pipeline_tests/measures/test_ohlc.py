"""The bars of a day from its hours."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.measures import ALWAYS, DAILY_OHLC, Followed, follow_market
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.deriving import follow, log
from coingecko_pipeline_tests.running import rows_of

DAY = date(2026, 3, 9)

Hour = tuple[datetime, str, float | None]


def at(hour: int, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def fill(database: Database, hours: Iterable[Hour]) -> None:
    with database.transaction() as connection:
        connection.execute(
            insert(tables.hourly_market),
            [{"hour_at": hour, "asset_id": coin, "price_usd": price} for hour, coin, price in hours],
        )


def make(database: Database, last: date = DAY) -> Followed:
    """Make all bars of days that are over when a day has just ended."""
    return follow_market(database, DAILY_OHLC, at(0, last + timedelta(days=1)), rebuild=ALWAYS)


def bars_of(database: Database) -> list[tuple[object, ...]]:
    return [
        (str(row[0]), *row[1:])
        for row in rows_of(
            database,
            "SELECT date, asset_id, open_usd, high_usd, low_usd, close_usd, observations FROM daily_ohlc "
            "ORDER BY date, asset_id",
        )
    ]


def test_a_bar_has_the_first_the_highest_the_lowest_and_the_last_price_of_its_hours(database: Database) -> None:
    fill(
        database,
        [
            (at(0), "a", 5.0), (at(1), "a", 9.0), (at(2), "a", 1e-18), (at(23), "a", 6.0),
            # Neither the last hour of the day before nor the first one of the next is the day's.
            (at(23, DAY - timedelta(days=1)), "a", 99.0), (at(0, DAY + timedelta(days=1)), "a", 0.0),
            (at(7), "b", 3.0),
        ],
    )  # fmt: skip
    make(database)
    assert bars_of(database)[1:] == [
        ("2026-03-09", "a", 5.0, 9.0, 1e-18, 6.0, 4),
        ("2026-03-09", "b", 3.0, 3.0, 3.0, 3.0, 1),
    ]


def test_an_hour_without_a_price_is_no_observation_and_no_price_at_all_is_no_bar(database: Database) -> None:
    fill(
        database,
        [(at(0), "a", None), (at(1), "a", 2.0), (at(2), "a", 4.0), (at(3), "a", None), (at(1), "nothing", None)],
    )
    make(database)
    assert bars_of(database) == [("2026-03-09", "a", 2.0, 4.0, 2.0, 4.0, 2)]


def test_a_day_made_again_is_replaced_and_its_neighbours_are_left_alone(database: Database) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    fill(database, [(at(hour, day), coin, float(hour)) for day in days for coin in "ab" for hour in (3, 4)])
    make(database, days[-1])
    with database.transaction() as connection:
        hours = tables.hourly_market
        connection.execute(hours.delete().where(hours.c.asset_id == "b"))
        connection.execute(hours.update().values(price_usd=7.0))
    log(database, Change("hourly_market", days[1], days[1]))
    follow(database, DAILY_OHLC, at(0, days[-1] + timedelta(days=1)))
    assert [(day, coin, high) for day, coin, _, high, *_ in bars_of(database)] == [
        (str(days[0]), "a", 4.0),
        (str(days[0]), "b", 4.0),
        (str(days[1]), "a", 7.0),
        (str(days[2]), "a", 4.0),
        (str(days[2]), "b", 4.0),
    ]


def test_any_range_in_one_run_gives_what_pandas_gives(database: Database) -> None:
    random = np.random.default_rng(20260309)
    last = DAY + timedelta(days=4)
    hours = [
        (at(0) + timedelta(hours=hour), f"coin-{coin}", float(random.lognormal(sigma=9)))
        for hour in range(-24, 24 * 6)
        for coin in range(9)
        if random.random() < 0.3
    ]
    fill(database, hours)
    make(database, last)
    frame = pd.DataFrame(hours, columns=["hour", "coin", "price"]).assign(day=[hour.date() for hour, *_ in hours])
    bars = frame[frame["day"] <= last].groupby(["day", "coin"])["price"]
    expected = bars.agg(["first", "max", "min", "last", "count"]).reset_index().astype({"day": str})
    assert bars_of(database) == list(expected.itertuples(index=False, name=None))
    assert len(expected) > 40
